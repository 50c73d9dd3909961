"""Customers in a real browser: found by keyboard, read, noted, tagged, merged, forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from retention.customers.models import Customer, Note, Status
from retention.orders.models import Order
from retention.segments.models import Membership, Segment
from retention.stores.models import Store
from tests.conftest import keep_picture
from tests.dashboard_customers.shop import count, fill, open_shop, subscribe, twins
from tests.journeys.test_dashboard import until
from tests.world import a_customer, an_order

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LIST = "/fern-finch/customers/"


@pytest.fixture
def shop(store: Store) -> dict[str, Customer]:
    """Mara with a long story, a few others, and more than a page of buyers."""
    people = open_shop(store, counted=False)
    mara, now = people["mara"], timezone.now()
    Customer.objects.filter(pk=mara.pk).update(
        time_zone="Europe/Stockholm", address1="Storgatan 1", postal_code="211 34"
    )
    for number in range(9):
        an_order(mara, now - timedelta(days=110 + 41 * number), items=6_000 + 700 * number, number=f"#9{number}",
                 channel="email", campaign="autumn-table")  # fmt: skip
    for order in Order.objects.filter(customer=mara).order_by("-placed_at")[:2]:
        fill(order)
    subscribe(mara, channel="sms", status=Status.UNSUBSCRIBED, method="reply_stop", wording="")
    rule = {"all": [{"if": "orders.count", "is": "at_least", "value": 2}, {"if": "orders.last", "is": "in_last", "value": {"n": 90, "unit": "days"}}]}  # fmt: skip
    for name, ready in (("Loyal", "loyal"), ("Table setters", "")):
        segment = Segment.objects.create(store=store, name=name, rule=rule, ready=ready)
        Membership.objects.create(segment=segment, customer_id=mara.pk, entered_at=now, cause="rule")
    for number in range(60):
        person = a_customer(
            store, first_name="Ann", last_name=f"No. {number:02}", country="US", tags=["retail"]
        )
        an_order(person, now - timedelta(days=20 + number), items=1_000 + number)
    count(store)
    return people


def title(page) -> str:
    return str(page.locator("h1").inner_text())


def test_the_list_is_searched_and_opened_by_keyboard(enter, shop, marco, assert_usable):
    page = enter(marco, LIST)
    assert page.get_by_role("link", name="Customers", exact=True).get_attribute("aria-current") == "page"
    until(page, "document.querySelector('#count')?.textContent.includes('63 customers')")
    assert_usable(page, "customers-list")
    page.keyboard.press("/")
    page.keyboard.type("mara")
    page.wait_for_url("**?q=mara")
    until(page, "document.querySelectorAll('.customers tbody th').length === 2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{shop['mara'].pk}/")
    assert title(page) == "Mara Lindqvist"


def test_somebody_who_is_not_there(enter, shop, marco, assert_usable):
    page = enter(marco, LIST)
    page.get_by_role("searchbox").fill("zebra")
    page.get_by_text("Nobody found").wait_for()
    page.get_by_role("link", name="Show everybody").click()
    page.get_by_role("link", name="Mara Lindqvist").wait_for()


def test_filters_columns_and_a_view_by_name(enter, shop, marco, assert_usable):
    page = enter(marco, LIST)
    page.locator("#filters-menu").click()
    page.get_by_label("Country").select_option("SE")
    page.wait_for_url("**country=SE**")
    until(page, "document.querySelectorAll('.customers tbody th').length === 2")
    assert_usable(page, "customers-filters")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("Escape")
    page.locator("#columns-menu").click()
    page.get_by_label("Phone").check()
    page.get_by_text("+46 70 123 45 67").wait_for()
    page.keyboard.press("Escape")
    page.locator(".views summary").click()
    page.get_by_label("Save this list as").fill("Swedes")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Swedes").wait_for()
    page.get_by_role("link", name="Remove the filter country: SE").click()
    until(page, "document.querySelectorAll('.customers tbody th').length > 40")


def test_many_are_tagged_at_once_and_the_toast_takes_it_back(enter, shop, sam, assert_usable):
    page = enter(sam, LIST)
    page.get_by_label("Tick Mara Lindqvist").check()
    page.get_by_label("Tick Ann No. 00").check()
    page.get_by_placeholder("Tag", exact=True).fill("friends")
    assert_usable(page, "customers-ticked")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Add tag").click()
    page.get_by_text("“friends” put on 2 customers.").wait_for()
    until(page, "document.querySelectorAll('.customers .badge').length > 2")
    assert Customer.objects.filter(tags__contains=["friends"]).count() == 2
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone.").wait_for()
    assert not Customer.objects.filter(tags__contains=["friends"]).exists()


def test_the_list_goes_on_below(enter, shop, marco):
    page = enter(marco, LIST)
    page.get_by_role("link", name="Show more").click()
    until(page, "document.querySelectorAll('.customers tbody th').length === 63")


def test_one_customer_is_read_noted_and_tagged(enter, shop, sam, assert_usable):
    page = enter(sam, f"{LIST}{shop['mara'].pk}/")
    assert_usable(page, "customer")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("New note").fill("Prefers blue glass")
    page.get_by_role("button", name="Save note").click()
    page.locator("#notes .note").get_by_text("Prefers blue glass").wait_for()
    page.locator("#story").get_by_text("Note written").wait_for()
    page.locator("#notes").get_by_role("link", name="Change").click()
    drawer = page.locator("#drawer")
    drawer.get_by_label("Note").fill("Prefers green glass")
    drawer.get_by_role("button", name="Save").click()
    page.locator("#notes .note").get_by_text("Prefers green glass").wait_for()
    until(page, "!document.getElementById('drawer').open")
    page.locator("#notes").get_by_role("button", name="Remove").click()
    page.get_by_text("Note removed.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator("#notes .note").get_by_text("Prefers green glass").wait_for()
    assert Note.objects.get().deleted_at is None
    page.locator("#add-tag").click()
    page.get_by_label("New tag").fill("vip")
    page.get_by_role("button", name="Add tag").click()
    page.locator("#tags").get_by_text("vip").wait_for()


def test_the_parts_of_the_story(enter, shop, ana, assert_usable):
    page = enter(ana, f"{LIST}{shop['mara'].pk}/")
    page.locator("#kind-consent").click()
    until(page, "document.querySelectorAll('.timeline > li').length === 2")
    page.locator("#tab-orders").click()
    page.get_by_text("Order #1010").click()
    page.get_by_text("PostNord TR1").first.wait_for()
    assert_usable(page, "customer-orders")
    page.locator("#tab-consent").click()
    page.get_by_text("checkout box").wait_for()
    assert_usable(page, "customer-consent")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Why in Table setters").click()
    page.locator("#drawer .answers li").first.wait_for()
    keep_picture(page, "customer-why")


def test_two_records_become_one_and_two_again(enter, store, shop, sam, assert_usable):
    one, two = twins(store)
    page = enter(sam, f"{LIST}duplicates/")
    assert_usable(page, "customers-duplicates")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Merge into this one").first.click()
    page.get_by_text("No suspected duplicates").wait_for()
    assert Customer.objects.get(pk=two.pk).merged_into == one
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(f"**/{one.pk}/")
    page.get_by_text("is a person of their own again").wait_for()
    assert Customer.objects.get(pk=two.pk).merged_into is None


def test_a_person_is_forgotten(enter, shop, olivia, assert_usable):
    page = enter(olivia, f"{LIST}{shop['mara'].pk}/")
    page.locator("#privacy-menu").click()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download all data").click()
    assert got.value.suggested_filename == f"fern-finch-customer-{shop['mara'].pk}.zip"
    page.get_by_role("link", name="Erase this person…").click()
    assert_usable(page, "customer-erase")
    page.get_by_role("textbox").fill("Somebody else")
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_text("Nothing was erased.").wait_for()
    page.get_by_role("textbox").fill("Mara Lindqvist")
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_text("Asked to be forgotten").wait_for()
    assert "Lindqvist" not in page.content()
    assert_usable(page, "customer-erased")
