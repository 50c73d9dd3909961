"""A chart alone: as a table, as a file and as data."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.test import Client

from tests.dashboard.shop import AS_OF, open_long_shop, open_shop
from tests.metrics.shop import an_order, tell_all

pytestmark = pytest.mark.django_db
CHARTS = "/fern-finch/charts/"
NAMES = ["cohorts", "curves", "repeat-rate", "purchases", "net-revenue", "new-customers"]


@pytest.fixture
def analyst(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def rows(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{CHARTS}{name}.csv?{AS_OF}&{query}")
    assert response.status_code == 200
    assert f'filename="fern-finch-{name}.csv"' in response["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_has_a_table_a_file_and_data(analyst, store, name):
    open_long_shop(store, people=1)
    said = analyst.get(f"{CHARTS}{name}/?{AS_OF}").content.decode()
    assert "<table" in said
    assert rows(analyst, name)
    data = analyst.get(f"{CHARTS}{name}.json?{AS_OF}").json()
    assert data["rows"]
    assert data["figure"]["data"][0]["type"] in ("bar", "scatter", "heatmap")


def test_the_file_of_cohorts_is_exact(analyst, store):
    open_shop(store)
    found = {(r["cohort"], r["month"]): r for r in rows(analyst, "cohorts")}
    third = found["2026-01", "3"]
    assert [third[k] for k in ("customers", "active", "net_revenue", "cumulative")] == [
        "2",
        "1",
        "40.0",
        "100.0",
    ]
    assert third["month_over"] == "yes"


def test_a_filter_holds_in_the_file(analyst, store):
    open_shop(store)
    assert sum(float(r["net_revenue"]) for r in rows(analyst, "net-revenue", "country=US")) == 80.0


def test_guests_count_in_the_revenue_of_a_month_unless_a_filter_is_set(analyst, store):
    open_shop(store)
    an_order(None, date(2026, 6, 1), 9900, store=store)
    tell_all(store)
    assert rows(analyst, "net-revenue")[-1]["net_revenue"] == "149.0"
    assert rows(analyst, "net-revenue", "country=US")[-1]["net_revenue"] == "50.0"


def test_the_chosen_cohorts_are_drawn(analyst, store):
    open_long_shop(store, people=2)
    names = {r["cohort"] for r in rows(analyst, "curves", "curve=2026-01&curve=2025-11&curve=1999-01")}
    assert names == {"All customers", "Jan 2026", "Nov 2025"}


def test_a_chart_that_nobody_knows_is_not_found(analyst, store):
    assert analyst.get(f"{CHARTS}pie.csv").status_code == 404
    assert analyst.get(f"{CHARTS}pie/").status_code == 404


def test_an_empty_store_has_empty_files(analyst, store):
    for name in NAMES:
        assert rows(analyst, name) == []
        assert analyst.get(f"{CHARTS}{name}/").status_code == 200
