"""What a number opens: its meaning, and the customers behind it."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from django.test import Client

from retention.dashboard import people
from retention.dashboard.numbers import NUMBERS
from tests.dashboard.shop import AS_OF, END, open_shop
from tests.metrics.shop import a_customer, an_order, tell_all

pytestmark = pytest.mark.django_db
NUMBER = "/fern-finch/numbers/"


@pytest.fixture
def owner(olivia) -> Client:
    client = Client()
    client.force_login(olivia)
    return client


@pytest.fixture
def shop(store):
    return open_shop(store)


def opened(client: Client, name: str, query: str = "", **headers: str) -> str:
    response = client.get(f"{NUMBER}{name}/?{AS_OF}&{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode().replace("\u00a0", " ")


def names(said: str) -> list[str]:
    return [name.strip() for name in re.findall(r'<th scope="row">(?:<a [^>]+>)?([^<]+)', said)]


def lines(client: Client, name: str, query: str = "") -> list[list[str]]:
    response = client.get(f"{NUMBER}{name}/customers.csv?{AS_OF}&{query}")
    assert response.streaming
    assert response["Content-Type"].startswith("text/csv")
    told = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(told)))


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_says_what_it_means_and_how_fresh_it_is(owner, shop, name):
    said = opened(owner, name, "month=2026-01")
    assert "Freshness" in said
    assert "True for the end of" in said
    assert "Customer" in said


def test_the_rate_shows_its_arithmetic_and_who_bought_again(owner, shop):
    said = opened(owner, "repeat-rate")
    assert "2 who bought 2 or more times ÷ 3 who bought = 66.7 %" in said
    assert "20.8 % – 93.9 %" in said
    assert names(said) == ["bob@example.com", "Ann Lee"]
    assert names(opened(owner, "repeat-rate", "who=all")) == ["Cyd Ng", "bob@example.com", "Ann Lee"]


def test_a_cell_shows_who_bought_in_its_month(owner, shop):
    said = opened(owner, "cohort", "month=2026-01&k=1")
    assert "1 ÷ 2 = 50.0 %" in said
    assert names(said) == ["Ann Lee"]
    assert names(opened(owner, "cohort", "month=2026-01&k=1&who=all")) == ["bob@example.com", "Ann Lee"]
    assert "$50.00" in opened(owner, "cohort", "month=2026-01&k=3&tab=clv")
    assert "$40.00" in opened(owner, "cohort", "month=2026-01&k=3&tab=net")


def test_a_month_shows_its_new_customers(owner, shop):
    assert names(opened(owner, "new-customers", "month=2026-06")) == ["Cyd Ng"]
    assert names(opened(owner, "purchases", "month=2026-02")) == ["Ann Lee"]


def test_revenue_of_a_month_is_as_high_as_its_bar(owner, shop):
    an_order(None, date(2026, 6, 1), 9900, store=shop)
    tell_all(shop)
    bars = owner.get(f"/fern-finch/charts/net-revenue.json?{AS_OF}").json()["rows"]
    said = opened(owner, "net-revenue", "month=2026-06")
    assert f"${bars[-1]['net_revenue']:.2f}<" in said
    assert "$50.00, 1 order" in said
    assert "$99.00, 1 order" in said
    narrowed = opened(owner, "net-revenue", "month=2026-06&country=US")
    assert "$50.00<" in narrowed
    assert "Only orders of the customers you chose." in narrowed
    purchases = opened(owner, "purchases", "month=2026-06")
    assert "Left out, without an e-mail address" in purchases


def test_the_method_has_its_name_behind_an_explanation(owner, shop):
    said = opened(owner, "repeat-rate")
    before, method = said.split("How this is computed")
    assert "Wilson" in method
    assert "95 times in 100" in method
    for word in ("Wilson", "95 %", "(n)"):
        assert word not in before
    assert "Kaplan–Meier" in opened(owner, "second-order").split("How this is computed")[1]


def test_filters_hold_in_the_drawer(owner, shop):
    said = opened(owner, "order-value", "country=CA")
    assert "$70.00 ÷ 2 purchases = $35.00" in said
    assert names(said) == ["bob@example.com"]


def test_without_javascript_it_is_a_page_that_leads_back(owner, shop):
    said = opened(owner, "repeat-rate", "country=CA")
    assert f'href="/fern-finch/?{AS_OF}&amp;country=CA"' in said
    in_part = opened(owner, "repeat-rate", **{"HX-Request": "true", "HX-Target": "drawer"})
    assert "data-close" in in_part
    assert "<html" not in in_part


@pytest.mark.parametrize(
    "query", ["month=9999-12", "month=x&k=y", "k=-1", "k=99999", "after=x.y", "who=1", "month=2026-01&k=9"]
)
def test_an_address_that_makes_no_sense_is_friendly(owner, shop, query):
    for name in NUMBERS:
        opened(owner, name, query)


def test_a_number_that_nobody_knows_is_not_found(owner, shop):
    assert owner.get(f"{NUMBER}happiness/").status_code == 404
    assert owner.get(f"{NUMBER}happiness/customers.csv").status_code == 404


def test_the_pages_of_people_show_everybody_once(owner, store, monkeypatch):
    monkeypatch.setattr(people, "PAGE", 2)
    monkeypatch.setattr(people.listed, "__kwdefaults__", {"after": "", "size": 2})
    for number in range(5):
        an_order(a_customer(store, first_name=f"P{number}"), END)
    tell_all(store)
    seen, url = [], f"{NUMBER}order-value/?{AS_OF}"
    while url:
        said = owner.get(url).content.decode()
        seen += names(said)
        more = re.search(r'href="([^"]+after=[^"]+)"[^>]*>Next', said)
        url = more[1].replace("&amp;", "&") if more else ""
    assert sorted(seen) == [f"P{number}" for number in range(5)]


def test_the_file_holds_the_same_people(owner, shop):
    head, *rest = lines(owner, "repeat-rate")
    assert head == ["customer", "name", "email", "purchases", "net_revenue", "last_purchase"]
    assert [line[1:] for line in rest] == [
        ["", "bob@example.com", "2", "70.0", "2026-04-30"],
        ["Ann Lee", "ann@example.com", "2", "30.0", "2026-02-09"],
    ]


def test_no_cell_of_a_file_starts_a_formula(owner, store):
    an_order(a_customer(store, first_name="=HYPERLINK(1)", email="+1@example.com"), END)
    tell_all(store)
    assert lines(owner, "order-value")[1][1:3] == ["'=HYPERLINK(1)", "'+1@example.com"]


def test_a_long_file_is_read_in_batches(owner, store, monkeypatch):
    monkeypatch.setattr(people, "BATCH", 2)
    for number in range(5):
        an_order(a_customer(store, first_name=f"P{number}"), date(2026, 6, number + 1))
    tell_all(store)
    assert [line[1] for line in lines(owner, "order-value")[1:]] == ["P4", "P3", "P2", "P1", "P0"]


def test_people_of_another_store_stay_there(owner, shop, other_store):
    an_order(a_customer(other_store, first_name="Zoe"), END)
    tell_all(other_store)
    assert "Zoe" not in opened(owner, "order-value")
