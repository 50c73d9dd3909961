"""Long words and small screens: nothing leaves its card, and nothing is out of reach."""

from __future__ import annotations

import pytest
from django.utils import timezone

from retention.customers import notes
from retention.segments.actions import create_list, create_segment
from tests.dashboard_customers.shop import open_shop
from tests.world import an_order

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LONG = "Everybodywhoeverboughtsomethingandcameback" * 3
BUYERS = {"if": "orders.count", "is": "at_least", "value": 1}


@pytest.fixture
def people(store, olivia):
    people = open_shop(store)
    an_order(people["mara"], timezone.now(), number="#9")
    mine = create_segment(store, name=LONG[:100], rule=BUYERS, by="system")
    create_segment(store, name=f"{LONG[:99]}2", rule=BUYERS, by="system")
    create_segment(store, name="Came once", rule={**BUYERS, "is": "equals"}, by="system")
    notes.add_note(people["mara"], LONG * 4, by=olivia)
    return {**people, "segment": mine}


def test_long_words_stay_in_their_cards(people, enter, olivia, assert_usable, live_server):
    page = enter(olivia, f"/fern-finch/segments/{people['segment'].pk}/")
    assert_usable(page, "long-segment")
    for name, path in (
        ("long-segments", "segments/"), ("long-customer", f"customers/{people['mara'].pk}/"),
        ("long-compare", f"segments/compare/?a={people['segment'].pk}&b={people['segment'].pk + 1}"),
        ("builder", f"segments/{people['segment'].pk}/edit/"), ("customers", "customers/"),
    ):  # fmt: skip
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{live_server.url}/fern-finch/{path}")
        assert_usable(page, name)
    page.goto(f"{live_server.url}/fern-finch/segments/")
    # Counts are on the screen of a telephone.
    assert page.locator(".segments td.r").first.bounding_box()["x"] < 390 - 60


def test_a_list_of_two_shows_its_people_at_once(people, store, enter, olivia, live_server):
    made = create_list(store, name="Two", people=[people["mara"].pk, people["bo"].pk], by="system")
    page = enter(olivia, f"/fern-finch/segments/{made.pk}/")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.get_by_role("heading", name="People", exact=True).bounding_box()["y"] < 800


def test_on_a_telephone_everything_is_behind_more(people, enter, ada, live_server):
    page = enter(ada, "/fern-finch/customers/")
    page.set_viewport_size({"width": 390, "height": 844})
    bar = page.get_by_role("navigation", name="Main")
    for place in bar.locator("> a:visible, summary:visible").all():
        box = place.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    bar.get_by_text("More").click()
    sheet = bar.locator(".sheet")
    for name in ("Settings", "Activity", "Admin", "Outbox", "Fern & Finch", "Sign-in security"):
        assert sheet.get_by_role("link", name=name, exact=True).is_visible(), name
    for name in ("Dark", "Sign out"):
        assert sheet.get_by_role("button", name=name).is_visible(), name
    assert page.get_by_role("searchbox").bounding_box()["width"] > 300


def test_a_rule_is_not_lost_by_a_slip(people, enter, olivia, live_server):
    page = enter(olivia, "/fern-finch/segments/new/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == []
    page.get_by_label("Value").first.fill("3")
    # The value stands beside what it is about.
    heights = [page.locator(".cond .head > *").nth(place).bounding_box()["y"] for place in (1, 3)]
    assert abs(heights[0] - heights[1]) < 10
    page.reload()
    assert asked == ["beforeunload"]


def test_ticks_are_counted_and_stay_when_the_tag_is_refused(people, enter, olivia, live_server):
    page = enter(olivia, "/fern-finch/customers/")
    page.get_by_label("Tick Mara Lindqvist").check()
    page.get_by_label("Tick Bo Berg").check()
    assert page.get_by_text("2 ticked").is_visible()
    page.get_by_label("Tag", exact=True).last.fill("a,b")
    page.get_by_role("button", name="Add tag").click()
    page.get_by_text("One tag at a time").wait_for()
    assert page.get_by_label("Tick Bo Berg").is_checked()
    assert page.get_by_text("2 ticked").is_visible()
    assert page.locator("#bulk-tag").input_value() == "a,b"
