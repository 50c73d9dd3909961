"""The front page for a segment, and segments of the people behind its numbers."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from retention.dashboard import filters, people
from retention.segments import actions, queries
from tests.dashboard.shop import AS_OF, count, open_long_shop, open_shop
from tests.metrics.shop import a_customer, an_order

pytestmark = pytest.mark.django_db
HOME = "/fern-finch/"
EMAIL = {"if": "orders.first_channel", "is": "is", "value": "email"}


@pytest.fixture
def web(as_user, olivia):
    return as_user(olivia)


def body(page) -> str:
    return page.content.decode().replace("\xa0", " ")


@pytest.mark.parametrize("kind", ["rule", "list"])
def test_every_figure_is_that_of_the_segment(web, store, kind):
    """Ann and Bob came by e-mail: two purchases each. The filter of the channel says the same."""
    open_shop(store)
    group = actions.create_segment(store, name="By e-mail", rule=EMAIL, by="user:1")
    if kind == "list":
        group = actions.snapshot_segment(group, name="Kept", by="user:1")
    of_segment = body(web.get(f"{HOME}?{AS_OF}&segment={group.pk}"))
    of_channel = body(web.get(f"{HOME}?{AS_OF}&channel=email"))
    for card in ("repeat-rate", "lifetime-value", "order-value", "time-between"):
        found = [re.sub(r"<[^>]+>|\s+", " ", _card(page, card)) for page in (of_segment, of_channel)]
        assert found[0] == found[1]
    assert "100.0 %" in _card(of_segment, "repeat-rate")
    assert f"Segment: {group.name}" in of_segment


def _card(page: str, name: str) -> str:
    return page.partition(f'id="card-{name}"')[2].partition('<div class="delta')[0]


def test_a_segment_that_is_gone_or_foreign_matches_nobody(web, store, other_store):
    open_shop(store)
    theirs = actions.create_list(other_store, name="Theirs", by="user:1")
    for number in (999, theirs.pk):
        page = body(web.get(f"{HOME}?{AS_OF}&segment={number}"))
        assert "None of the customers you chose bought" in page
        assert "Theirs" not in page
        assert "Theirs" not in body(web.get(f"{HOME}numbers/repeat-rate/?segment={number}"))


def test_the_people_behind_a_number_are_those_of_the_segment(web, store):
    open_shop(store)
    group = actions.create_segment(store, name="By e-mail", rule=EMAIL, by="user:1")
    page = body(web.get(f"{HOME}numbers/order-value/?{AS_OF}&segment={group.pk}"))
    assert "Ann Lee" in page
    assert "Cyd" not in page


@pytest.fixture
def shop(store):
    """Two years and more of buyers, and some of the last weeks."""
    open_long_shop(store, people=2)
    today = timezone.now().date()
    for number in range(12):
        person = a_customer(store, email=f"new{number}@example.com")
        an_order(person, today - timedelta(days=3 * number), 1000, channel="channel 1" if number % 2 else "")
        if number % 3 == 0:
            an_order(person, today - timedelta(days=number), 2500)
    count(store)
    return store


NUMBERS = [
    *("repeat-rate", "order-value", "lifetime-value", "time-between", "second-order"),
    *("cohort?month=2026-02", "cohort?month=2024-05&k=1", "cohort?month=2024-05&k=1&who=all"),
    *("purchases?month=2026-01", "net-revenue", "new-customers?month=2025-12", "second-order?month=2026-02"),
]


CHOICES = ["", "as_of=2026-03-10", "range=30", "range=all&channel=channel+1", "channel=(unknown)"]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_rule_of_a_number_finds_its_people(web, shop, number):
    buyers = {"if": "orders.count", "is": "at_least", "value": 1}
    group = actions.create_segment(shop, name="All", rule=buyers, by="user:1")
    name, _, query = number.partition("?")
    compared = 0
    for more in [*CHOICES, f"segment={group.pk}"]:
        page = web.get(f"{HOME}numbers/{name}/?{query}&{more}")
        crowd = {one.id for one in people.every(page.context["number"].crowd)}
        link = re.search(r'href="([^"]*/segments/new/[^"]*)"', page.content.decode())
        assert bool(link) == bool(crowd)
        if link:
            told = parse_qs(urlsplit(html.unescape(link[1])).query)["rule"][0]
            rule = json.loads(told)
            actions.check_rule(shop, rule)
            assert set(queries.customers_matching(shop, rule).values_list("pk", flat=True)) == crowd
            compared += 1
    assert compared > 2


def test_the_link_opens_the_builder(web, shop):
    page = web.get(f"{HOME}numbers/repeat-rate/").content.decode()
    link = html.unescape(re.search(r'href="([^"]*/segments/new/[^"]*)"', page)[1])
    opened = web.get(link).content.decode()
    assert "number of purchases is at least 2 in the last 365 days" in opened
    assert "who bought again" in opened


def test_who_may_not_make_segments_is_not_asked_to(as_user, ana, shop):
    assert "segments/new/" not in as_user(ana).get(f"{HOME}numbers/repeat-rate/").content.decode()


def test_a_segment_stays_in_the_address():
    chosen = filters.Filters(segment=7)
    assert chosen.query == "segment=7"
    assert chosen.narrowed
