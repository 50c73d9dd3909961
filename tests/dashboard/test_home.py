"""The front page: what it says, to whom, and what it costs."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.dashboard.shop import AS_OF, END, open_long_shop, open_shop
from tests.metrics.shop import a_customer, a_refund, an_order, tell_all

pytestmark = pytest.mark.django_db
HOME = "/fern-finch/"
IN_PART = {"HX-Request": "true", "HX-Target": "results"}


@pytest.fixture
def owner(olivia) -> Client:
    client = Client()
    client.force_login(olivia)
    return client


@pytest.fixture
def shop(store):
    return open_shop(store)


def text(client: Client, query: str = AS_OF, **headers: str) -> str:
    response = client.get(f"{HOME}?{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode().replace("\u00a0", " ")


def test_an_empty_store_says_the_first_step(owner, store):
    said = text(owner, "")
    assert "First, bring your orders" in said
    assert 'href="/fern-finch/import/"' in said
    assert "Repeat purchase rate" not in said


def test_a_reader_of_an_empty_store_is_told_whom_to_ask(client, ana, store):
    client.force_login(ana)
    assert "Your role reads only" in text(client, "")


def test_the_cards_show_the_figures_with_their_n(owner, shop):
    said = text(owner)
    assert "66.7 %" in said
    assert "3 buyers" in said
    assert "$30.00" in said
    assert "5 orders" in said
    # Ann after 30 days, Bob after 100.
    assert "65 days" in said
    assert "2 repeat orders" in said


def test_a_value_that_cannot_be_known_yet_says_what_it_waits_for(owner, shop):
    assert "Comes when the first cohort is 12 full months old" in text(owner)


def test_a_young_shop_is_not_compared_with_days_before_it_opened(owner, store):
    customer = a_customer(store)
    an_order(customer, date(2025, 6, 1))
    an_order(customer, date(2026, 6, 20))
    tell_all(store)
    assert "no figure a year ago" in text(owner)
    assert "vs a year ago" not in text(owner)


def test_the_cohort_that_is_not_over_is_marked(owner, shop):
    said = text(owner, "as_of=2026-06-15")
    assert 'class="base open"' in said
    assert "Jun 2026, month 0: 100.0 % of 1 customer, month not over" in said
    assert 'class="base open"' not in text(owner, "as_of=2026-06-30")


def test_the_tabs_show_other_figures_of_the_same_cohorts(owner, shop):
    assert "Jan 2026, month 0: 100.0 % of 2 customers" in text(owner)
    assert "Jan 2026, month 1: $20.00 net" in text(owner, f"{AS_OF}&tab=net")
    assert "Jan 2026, month 3: $50.00 per customer so far" in text(owner, f"{AS_OF}&tab=clv")


def test_a_filter_narrows_every_figure(owner, shop):
    said = text(owner, f"{AS_OF}&channel=email&country=CA")
    assert "100.0 %" in said
    assert "1 buyer" in said
    assert "$35.00" in said


def test_orders_without_a_channel_can_be_chosen(owner, shop):
    said = text(owner, f"{AS_OF}&channel=(unknown)")
    assert "Channel: unknown" in said
    assert "1 buyer" in said


@pytest.mark.parametrize(
    "query",
    [
        "range=7",
        "as_of=yesterday",
        "as_of=9999-12-31",
        "as_of=1970-01-01",
        "tab=pie",
        "curve=13&curve=9999-12&curve=2026-01",
        "channel=%00%27%22%3Cscript%3E",
        "country=" + "x" * 2000,
        "campaign=nowhere&category=nothing",
    ],
)
def test_a_filter_that_makes_no_sense_is_friendly(owner, shop, query):
    assert "<script>alert" not in text(owner, query)


def test_a_value_that_nobody_has_says_so_and_can_be_cleared(owner, shop):
    said = text(owner, f"{AS_OF}&channel=nowhere")
    assert "None of the customers you chose bought in the 365 days to Jun 30, 2026." in said
    assert "Clear" in said


@pytest.fixture
def with_guests(shop):
    """One guest of this June, two of the year before last."""
    for day, amount in ((date(2026, 6, 1), 9900), (date(2024, 6, 1), 1000), (date(2024, 6, 2), 2000)):
        an_order(None, day, amount, store=shop)
    tell_all(shop)
    return shop


def test_guests_are_counted_and_said(owner, with_guests):
    said = text(owner)
    assert "In the 365 days to Jun 30, 2026, 1 order ($99) came without an e-mail address." in said
    assert "They count in net revenue by month" in said
    assert "3 buyers" in said


def test_the_note_about_guests_follows_the_days(owner, with_guests):
    assert "3 orders ($129) came without an e-mail address" in text(owner, f"{AS_OF}&range=all")
    assert "came without" not in text(owner, "as_of=2026-05-31&range=30")


def test_under_a_filter_guests_are_said_to_be_left_out(owner, with_guests):
    said = text(owner, f"{AS_OF}&country=US")
    assert "1 order ($99) came without an e-mail address. They are left out of everything here" in said
    assert "They count in net revenue" not in said


def footer(said: str, chart: str) -> str:
    return said.partition(f'id="chart-{chart}"')[2].partition("<footer>")[2].partition("</footer>")[0]


def test_two_charts_of_the_same_months_say_whom_they_count(owner, with_guests):
    said = text(owner)
    assert "All orders, also 1 order without an e-mail address." in footer(said, "net-revenue")
    assert "without 1 order that had no e-mail address" in footer(said, "purchases")
    assert "month of their first order" in footer(said, "new-customers")
    narrowed = text(owner, f"{AS_OF}&country=US")
    for chart in ("net-revenue", "purchases"):
        assert "Only orders of the customers you chose." in footer(narrowed, chart)


def test_a_few_orders_have_no_value_that_is_likely_below_nothing(owner, store):
    for amount in (100, 100, 30000):
        an_order(a_customer(store), date(2026, 6, 1), amount)
    tell_all(store)
    assert "likely $0–$" in text(owner)
    assert "likely $0–$" in text(owner, f"{AS_OF}&country=(unknown)&channel=(unknown)")


def test_an_amount_below_nothing_leaves_the_range_as_it_is(owner, store):
    for amount in (100, 100, 30000):
        an_order(a_customer(store), date(2026, 6, 1), amount)
    order = an_order(a_customer(store), date(2026, 6, 1), 100)
    a_refund(store, date(2026, 6, 2), 300, order=order, customer=order.customer)
    tell_all(store)
    assert "likely -$" in text(owner)


def test_no_method_is_named_on_the_cards(owner, store):
    open_long_shop(store, people=3)
    said = text(owner)
    for word in ("Kaplan", "Wilson", "95 %", "± ", " pts", "(n)"):
        assert word not in said


def test_the_average_of_month_twelve_is_the_lifetime_value(owner, store):
    open_long_shop(store, people=1)
    first = a_customer(store)
    an_order(first, date(2023, 5, 5), 90000)
    tell_all(store)
    said = text(owner, f"{AS_OF}&tab=clv")
    card = re.search(r'id="card-lifetime-value".*?\$([\d.]+)<', said, re.S)
    last = re.findall(r"<td>([^<]*)</td>", said.partition("<tfoot>")[2])[-1]
    assert card
    assert last == str(round(float(card[1])))


def test_an_old_file_is_shown_as_of_its_last_order(owner, store):
    an_order(a_customer(store), date(2020, 5, 4))
    tell_all(store)
    assert "The last order is from May 4, 2020" in text(owner, "")


def test_the_figures_follow_the_locale_of_the_store(owner, shop):
    shop.locale = "de_DE"
    shop.currency = "EUR"
    shop.save()
    said = text(owner)
    assert "66,7 %" in said
    assert "30,00 €" in said


def test_htmx_gets_the_results_and_the_filters_and_nothing_else(owner, shop):
    said = text(owner, **IN_PART)
    assert said.strip().startswith('<div id="results"')
    assert 'id="filters"' in said
    assert '<nav class="side"' not in said


def test_a_name_is_escaped_wherever_it_appears(owner, shop):
    an_order(a_customer(shop), END, channel="<img src=x onerror=1>")
    tell_all(shop)
    assert "<img src=x" not in text(owner)


def test_the_number_of_queries_does_not_grow_with_the_shop(owner, store, other_store, stranger):
    open_long_shop(store, people=1)
    open_long_shop(other_store, people=6)
    few = _queries(owner, f"{HOME}?{AS_OF}")
    client = Client()
    client.force_login(stranger)
    assert _queries(client, f"/other-shop/?{AS_OF}") == few


def _queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def test_a_page_has_no_more_figures_than_it_shows(owner, store):
    """The table views come when asked for: a page of two years stays small."""
    open_long_shop(store, people=1)
    assert len(text(owner)) < 120_000
