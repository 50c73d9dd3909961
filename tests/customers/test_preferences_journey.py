"""A shopper on a phone, in the dark, without a mouse or scripts."""

from __future__ import annotations

import pytest

from retention.customers import consent
from retention.customers.consent import status_of
from retention.customers.models import Preference, Topic
from retention.customers.preferences import token_of
from tests.world import a_customer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mara(store):
    for name in ("New things", "Sales", "Stories of makers"):
        Topic.objects.create(store=store, name=name)
    customer = a_customer(store, "mara@example.com", phone="+4520304050")
    consent.subscribe(customer, "email", source="form", method="form")
    return customer


def test_a_shopper_chooses_less_and_then_nothing(page, live_server, mara, assert_usable):
    page.goto(f"{live_server.url}/preferences/{token_of(mara)}/")
    assert_usable(page, "preferences")
    page.get_by_label("Sales").uncheck()
    page.get_by_label("At most once a month").check()
    page.get_by_label("Month", exact=True).select_option("February")
    page.get_by_label("Day", exact=True).select_option("30")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("February has no day 30.").is_visible()
    assert_usable(page, "preferences-error")
    page.get_by_label("Day", exact=True).select_option("29")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Saved. Thank you for telling us."
    assert [topic.name for topic in Preference.objects.get().muted.all()] == ["Sales"]
    assert page.get_by_label("At most once a month").is_checked()
    page.get_by_role("button", name="Unsubscribe from everything").click()
    assert_usable(page, "preferences-everything")
    assert status_of(mara, "email") == "unsubscribed"
    assert not page.get_by_label("E-mail").is_checked()


def test_it_works_by_keyboard_and_without_scripts(browser, live_server, mara):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/preferences/{token_of(mara)}/")
    page.get_by_label("E-mail").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    context.close()
    assert status_of(mara, "email") == "unsubscribed"


def test_an_old_link_says_what_to_do(page, live_server, mara, assert_usable):
    page.goto(f"{live_server.url}/preferences/{token_of(mara)[:-3]}/")
    assert page.get_by_role("heading", name="This link no longer works").is_visible()
    assert_usable(page, "preferences-gone")
