"""Segments in a real browser: built by keyboard, explained, compared; and the same without JavaScript."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from retention.catalog.models import Product
from retention.segments import actions
from retention.segments.models import Membership, Segment
from retention.stores.models import Store
from tests.dashboard.shop import count
from tests.journeys.test_dashboard import press_until, until
from tests.metrics.shop import a_customer, an_order

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
HOME = "/fern-finch/segments/"
TWICE = {"all": [{"if": "orders.count", "is": "at_least", "value": 2}]}
BIG = {
    "all": [
        {"if": "orders.spend", "is": "at_least", "value": 6000},
        {
            "any": [
                {"if": "profile.country", "is": "is", "value": "US"},
                {"not": {"if": "orders.last", "is": "in_last", "value": {"n": 30, "unit": "days"}}},
            ]
        },
    ]
}


@pytest.fixture
def shop(store: Store) -> Store:
    """Thirty people; every third came back, every second lives in the US."""
    today: date = timezone.now().date()
    for number in range(30):
        country = "US" if number % 2 else "NZ"
        name = {"first_name": "Ann", "last_name": f"No. {number}", "email": f"ann{number}@example.com"}
        person = a_customer(store, **name, country=country)
        an_order(person, today - timedelta(days=40 + number), 4000, channel="email")
        if number % 3 == 0:
            an_order(person, today - timedelta(days=number), 2500)
    count(store)
    return store


def make(shop: Store, name: str = "Came again", rule=TWICE) -> Segment:
    made = actions.create_segment(shop, name=name, rule=rule, by="system")
    then = timezone.now() - timedelta(days=60)
    Segment.objects.filter(pk=made.pk).update(created_at=then)
    for place, stay in enumerate(Membership.objects.filter(segment=made)):
        Membership.objects.filter(pk=stay.pk).update(entered_at=then + timedelta(days=place * 5))
    return made


def key(page, keys: str, wanted: str) -> None:
    """Press, and wait until the new form has given the focus."""
    page.keyboard.press(keys)
    until(page, f"document.activeElement.id === '{wanted}' || document.activeElement.value === '{wanted}'")


def choose(page, wanted: str) -> None:
    """In a list of choices, by typing how the choice begins; the page answers with the fields for it."""
    page.evaluate("document.activeElement.dataset.old = '1'")
    page.locator(":focus").select_option(label=wanted)
    until(page, "!document.querySelector('[data-old]')")


def test_nested_groups_by_keyboard(enter, shop, olivia, assert_usable):
    page = enter(olivia, f"{HOME}new/")
    press_until(page, "Tab", "r-0-is")
    choose(page, "is at least …")
    press_until(page, "Tab", "r-0-value")
    page.keyboard.type("2")
    page.get_by_text("10 people").wait_for()
    key(page, "Alt+n", "r-1-if")
    choose(page, "Country")
    until(page, "document.activeElement.id === 'r-1-if'")
    press_until(page, "Tab", "r-1-value")
    page.keyboard.type("US")
    page.get_by_text("5 people").wait_for()
    key(page, "Alt+g", "r-1-match")
    # Into the group, as its second condition: either of the two is enough.
    press_until(page, "Tab", "r-1-0-value")
    key(page, "Alt+n", "r-1-1-if")
    choose(page, "Net revenue")
    press_until(page, "Tab", "r-1-1-is")
    choose(page, "is more than …")
    press_until(page, "Tab", "r-1-1-value")
    page.keyboard.type("60")
    page.get_by_text("10 people").wait_for()
    key(page, "Alt+ArrowUp", "up:r-1-0")
    key(page, "Alt+ArrowUp", "up:r-1")
    key(page, "Alt+ArrowDown", "down:r-1-0")
    assert_usable(page, "segments-builder")
    press_until(page, "Tab", "id_name")
    page.keyboard.type("Came again, near or dear")
    press_until(page, "Tab", "Make segment")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Came again, near or dear").wait_for()
    made = Segment.objects.get()
    assert made.rule == {
        "all": [
            {"if": "orders.count", "is": "at_least", "value": 2},
            {
                "any": [
                    {"if": "orders.spend", "is": "more_than", "value": 6000},
                    {"if": "profile.country", "is": "is", "value": "US"},
                ]
            },
        ]
    }


def test_enter_in_the_name_makes_the_segment(enter, shop, olivia):
    page = enter(olivia, f"{HOME}new/")
    page.locator("#r-0-is").focus()
    choose(page, "is at least …")
    page.locator("#r-0-value").fill("2")
    # In the rule it only asks who that is.
    page.locator("#r-0-value").press("Enter")
    page.get_by_text("10 people").wait_for()
    assert not Segment.objects.exists()
    page.get_by_label("Name").fill("Came again")
    page.get_by_label("Name").press("Enter")
    page.get_by_role("heading", level=1, name="Came again").wait_for()
    made = Segment.objects.get()
    assert (made.name, made.owner) == ("Came again", olivia)
    page.goto(f"{page.url}edit/")
    page.get_by_label("Name").fill("Twice")
    page.get_by_label("Name").press("Enter")
    page.get_by_role("heading", level=1, name="Twice").wait_for()


def test_a_faulty_condition_is_named_beside_it(enter, shop, olivia, assert_usable):
    page = enter(olivia, f"{HOME}new/")
    page.locator("#r-0-is").select_option(label="is from …")
    page.locator("#r-0-value-0").fill("3")
    page.locator("#r-0-errors").get_by_text("needs two values").wait_for()
    page.locator("#r-0-value-1").fill("5")
    page.locator("#r-0-errors .error").wait_for(state="detached")
    page.locator("#r-0-value-1").fill("")
    page.get_by_label("Name").fill("Wrong")
    page.get_by_role("button", name="Make segment").click()
    page.locator("#r-0-errors").get_by_text("needs two values").wait_for()
    assert page.get_by_label("Name").input_value() == "Wrong"
    assert_usable(page, "segments-wrong")


def test_a_rule_of_many_kinds_fits_a_phone(enter, shop, olivia, assert_usable):
    rule = {
        "any": [
            BIG,
            {"if": "products.bought", "is": "no", "of": {"category": ["Tea", "Mugs"]}},
            {"if": "profile.birthday", "is": "month", "value": [1, 2]},
            {"if": "orders.count", "is": "at_least", "value": 1, "during": {"is": "in_last", "value": {"n": 3, "unit": "months"}},
             "where": [{"field": "discount", "is": "more_than", "value": 500}]},
            {"if": "events.count", "is": "at_least", "value": 1, "kind": "order.placed"},
        ]
    }  # fmt: skip
    made = make(shop, "Of all kinds", rule)
    page = enter(olivia, f"{HOME}{made.pk}/edit/")
    page.locator("#preview .big").wait_for()
    assert_usable(page, "segments-many")


def test_a_segment_and_why_somebody_is_in_it(enter, shop, olivia, assert_usable):
    made = make(shop, "Dear and near, or away", BIG)
    make(shop)
    page = enter(olivia, f"{HOME}{made.pk}/")
    until(page, "document.querySelectorAll('.scatterlayer path').length >= 1")
    assert_usable(page, "segments-segment")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name=re.compile("^Why")).first.click()
    drawer = page.locator("#drawer")
    drawer.get_by_text("Holds:").first.wait_for()
    assert_usable(page, "segments-why")
    page.keyboard.press("Escape")
    page.get_by_label("E-mail, name or number").fill("ann1@example.com")
    page.keyboard.press("Enter")
    drawer.get_by_text("is not in").wait_for()
    assert drawer.get_by_text("$40.00").is_visible()
    assert drawer.get_by_text("Does not hold:").count() >= 1


def test_two_side_by_side(enter, shop, olivia, assert_usable):
    first, second = make(shop), make(shop, "Big", BIG)
    page = enter(olivia, f"{HOME}{first.pk}/")
    page.get_by_label("Compare with").select_option(label="Big")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Who is in both").wait_for()
    assert f"b={second.pk}" in page.url
    assert page.get_by_role("row", name=re.compile("Repeat purchase rate")).is_visible()
    assert_usable(page, "segments-compare")


def test_the_list_and_what_is_offered(enter, shop, olivia, assert_usable):
    make(shop)
    actions.create_list(shop, name="VIPs", by="system")
    page = enter(olivia, HOME)
    assert_usable(page, "segments-home")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Add Lapsed").click()
    page.get_by_role("heading", level=1, name="Lapsed").wait_for()


def test_a_list_by_hand(enter, shop, olivia, assert_usable):
    page = enter(olivia, f"{HOME}list/")
    page.get_by_label("Name").fill("VIPs")
    page.get_by_label("E-mail addresses").fill("ann1@example.com\nnobody@example.com")
    page.get_by_role("button", name="Make list").click()
    page.get_by_text("1 address belongs to no customer").wait_for()
    assert_usable(page, "segments-list")


def test_without_javascript(browser, enter, live_server, shop, olivia):
    signed_in = enter(olivia, HOME).context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=signed_in).new_page()
    page.goto(f"{live_server.url}{HOME}new/")
    page.locator("#r-0-is").select_option(label="is at least …")
    page.locator("#r-0-value").fill("2")
    page.locator("#r-add").click()
    until(page, "document.activeElement.id === 'r-1-if'")
    page.locator("#r-1-if").select_option(label="Last purchase")
    page.get_by_role("button", name="Update").click()
    page.locator("#r-1-is").select_option(label="was more than … ago")
    page.get_by_role("button", name="Update").click()
    page.locator("#r-1-value-n").fill("7")
    page.get_by_label("Name").fill("Quiet")
    page.get_by_role("button", name="Make segment").click()
    assert page.get_by_role("heading", level=1, name="Quiet").is_visible()
    page.get_by_role("link", name=re.compile("^Why")).first.click()
    assert page.get_by_text("Holds:").first.is_visible()
    page.context.close()


def typed(page, field: str, word: str, wanted: str) -> None:
    """Type into a search, and wait for what it finds."""
    page.locator(f"#{field}").focus()
    page.keyboard.type(word)
    page.locator(f"#{field}-choices").get_by_role("option", name=wanted).first.wait_for()


def chips(page) -> list[str]:
    return [str(text) for text in page.locator("#builder .chip > span").all_inner_texts()]


@pytest.fixture
def warehouse(shop: Store) -> Store:
    """Five thousand kettles, and one mug that somebody bought."""
    Product.objects.bulk_create(
        Product(
            store=shop, source="t", external_id=str(number), sku=f"K-{number:04}", title=f"Kettle {number:04}",
            category="Kettles", vendor=f"Vendor {number % 40}",
        )
        for number in range(5_000)
    )  # fmt: skip
    Product.objects.create(store=shop, source="t", external_id="mug", sku="M-1", title="Blue mug with a fern")
    return shop


def test_a_product_of_thousands_is_chosen_by_keyboard(enter, warehouse, olivia, assert_usable):
    page = enter(olivia, f"{HOME}new/")
    page.locator("#r-0-if").focus()
    choose(page, "Bought")
    page.locator("#r-0-of-kind").focus()
    choose(page, "product")
    field = page.locator("#r-0-of-value")
    typed(page, "r-0-of-value", "mug", "Blue mug")
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowDown")
    active = str(field.get_attribute("aria-activedescendant"))
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    assert chips(page) == ["Blue mug with a fern"]
    assert field.get_attribute("aria-expanded") == "false"
    page.locator("#preview .sentence").get_by_text("they bought Blue mug with a fern").wait_for()
    typed(page, "r-0-of-value", "k-004", "Kettle 0040")
    assert page.locator("#r-0-of-value-choices").get_by_role("option").count() == 10
    for key_ in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown", "Enter"):
        page.keyboard.press(key_)
    typed(page, "r-0-of-value", "kettle", "Kettle 0000")
    page.locator(".choices").get_by_text("type on to narrow them down").wait_for()
    page.keyboard.press("ArrowUp")
    assert_usable(page, "segments-picker-open")
    page.keyboard.press("Enter")
    assert chips(page) == ["Blue mug with a fern", "Kettle 0041", "Kettle 0019"]
    assert_usable(page, "segments-picker-chosen")
    page.keyboard.press("Backspace")
    assert chips(page) == ["Blue mug with a fern", "Kettle 0041"]
    page.keyboard.type("nothing of ours")
    page.locator(".choices").get_by_text("No products with “nothing of ours”.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#r-0-of-value-choices").is_hidden()
    page.get_by_role("button", name="Remove Kettle 0041").click()
    assert chips(page) == ["Blue mug with a fern"]
    # A re-rendered form knows them by title too.
    page.locator("#r-0-is").select_option(value="no")
    page.locator("#preview .sentence").get_by_text("they did not buy Blue mug with a fern").wait_for()
    assert chips(page) == ["Blue mug with a fern"]
    page.get_by_label("Name").fill("No mugs")
    page.get_by_role("button", name="Make segment").click()
    page.get_by_role("heading", level=1, name="No mugs").wait_for()
    mug = Product.objects.get(sku="M-1")
    wanted = {"if": "products.bought", "is": "no", "of": {"product": [mug.pk]}}
    assert Segment.objects.get().rule == {"all": [wanted]}


def test_values_may_be_typed_pasted_or_taken_from_the_list(enter, warehouse, olivia):
    page = enter(olivia, f"{HOME}new/")
    page.locator("#r-0-if").focus()
    choose(page, "Bought")
    page.locator("#r-0-of-kind").focus()
    choose(page, "vendor")
    typed(page, "r-0-of-value", "vendor 3", "Vendor 39")
    page.get_by_role("option", name="Vendor 39").click()
    page.locator("#r-0-of-value").press_sequentially("Somebody new")
    page.keyboard.press("Enter")
    page.evaluate(
        "() => { const data = new DataTransfer(); data.setData('text', 'One\\nTwo, too\\nOne');"
        " document.activeElement.dispatchEvent(new ClipboardEvent('paste',"
        " { clipboardData: data, bubbles: true, cancelable: true })); }"
    )
    page.locator("#r-0-of-value").press_sequentially("Left behind")
    page.keyboard.press("Tab")
    assert chips(page) == ["Vendor 39", "Somebody new", "One", "Two, too", "Left behind"]
    page.locator("#preview .sentence").get_by_text("Vendor 39 or Somebody new or One").wait_for()


def test_a_single_value_is_suggested_and_still_free(enter, warehouse, olivia):
    page = enter(olivia, f"{HOME}new/")
    page.locator("#r-0-if").focus()
    choose(page, "First channel")
    typed(page, "r-0-value", "em", "email")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#r-0-value").input_value() == "email"
    page.get_by_text("30 people").wait_for()
    page.locator("#r-0-value").fill("carrier pigeon")
    page.keyboard.press("Tab")
    page.get_by_text("0 people").wait_for()


def test_products_are_chosen_without_javascript(browser, enter, live_server, warehouse, olivia):
    signed_in = enter(olivia, HOME).context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=signed_in).new_page()
    page.goto(f"{live_server.url}{HOME}new/")
    page.locator("#r-0-if").select_option(label="Bought")
    page.get_by_role("button", name="Update").click()
    page.locator("#r-0-of-kind").select_option(label="product")
    page.get_by_role("button", name="Update").click()
    for word, title in (("blue", "Blue mug"), ("K-0042", "Kettle 0042")):
        page.locator("#r-0-of-value").fill(word)
        page.get_by_role("button", name="Update").click()
        page.get_by_label(title).check()
        page.locator("#r-0-of-value").fill("")
        page.get_by_role("button", name="Update").click()
    assert chips(page) == ["Blue mug with a fern", "Kettle 0042"]
    page.get_by_role("button", name="Remove Blue mug").click()
    assert chips(page) == ["Kettle 0042"]
    page.context.close()
