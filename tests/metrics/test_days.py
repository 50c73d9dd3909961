"""A day, a month and a cohort are those of the store's own clock; money is in its own currency."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from retention.metrics import check, queries
from retention.metrics.models import Daily, Purchase, State
from retention.metrics.report import build_report
from retention.metrics.tasks import sweep
from retention.orders.models import Order
from tests import world
from tests.metrics.shop import a_customer, a_refund, a_store, an_order, tell, tell_all

pytestmark = pytest.mark.django_db


def days(store):
    return list(Purchase.objects.filter(store=store).order_by("placed_at").values_list("day", flat=True))


def test_an_order_before_midnight_in_new_york_is_of_that_day():
    store = a_store(time_zone="America/New_York")
    # 31 January 23:30 in New York.
    an_order(a_customer(store), datetime(2025, 2, 1, 4, 30, tzinfo=UTC))
    tell_all(store)
    assert days(store) == [date(2025, 1, 31)]
    assert build_report(store, date(2025, 2, 28))["cohorts"][0]["month"] == "2025-01"


def test_the_short_and_the_long_day_of_the_year():
    """On 9 March clocks go from 2 to 3, on 2 November from 2 back to 1: midnight moves by an hour in UTC."""
    store = a_store(time_zone="America/New_York")
    customer = a_customer(store)
    for moment in ("2025-03-09 04:59", "2025-03-09 05:00", "2025-03-10 03:59", "2025-03-10 04:00"):
        an_order(customer, datetime.fromisoformat(moment + "+00:00"))
    for moment in ("2025-11-02 03:59", "2025-11-02 04:00", "2025-11-03 04:59", "2025-11-03 05:00"):
        an_order(customer, datetime.fromisoformat(moment + "+00:00"))
    tell_all(store)
    march, november = [8, 9, 9, 10], [1, 2, 2, 3]
    assert days(store) == [date(2025, 3, d) for d in march] + [date(2025, 11, d) for d in november]
    assert check.differences(store) == []


def test_another_time_zone_is_a_rebuild_by_the_sweep():
    store = a_store(time_zone="UTC")
    customer = a_customer(store)
    an_order(customer, datetime(2025, 1, 31, 23, 30, tzinfo=UTC))
    tell_all(store)
    store.time_zone = "Asia/Tokyo"
    store.save()
    # Until then everything is still told in the old zone, also what is new.
    an_order(customer, datetime(2025, 2, 1, 23, 30, tzinfo=UTC))
    tell_all(store)
    assert days(store) == [date(2025, 1, 31), date(2025, 2, 1)]
    sweep()
    assert days(store) == [date(2025, 2, 1), date(2025, 2, 2)]
    assert State.objects.get(store=store).time_zone == "Asia/Tokyo"
    assert check.differences(store) == []


def test_a_store_of_another_currency_reports_in_its_own():
    store = a_store(currency="JPY")
    an_order(a_customer(store), 0, 1200)
    tell_all(store)
    report = build_report(store, date(2025, 1, 31))
    assert (report["currency"], report["net_revenue"], report["aov"]) == ("JPY", 1200, 1200)


def test_guests_are_revenue_and_nobody():
    store = a_store()
    an_order(a_customer(store), 0, 1000)
    guest = an_order(None, 1, 5000, store=store)
    a_refund(store, date(2025, 1, 5), 500, order=guest)
    tell_all(store)
    report = build_report(store, date(2025, 1, 31))
    assert (report["customers"], report["orders"], report["guest_orders"]) == (1, 1, 1)
    assert (report["net_revenue"], report["customer_net_revenue"]) == (5500, 1000)
    assert report["aov"] == 1000
    assert report["repeat_purchase_rate_all"]["n"] == 1
    assert check.differences(store) == []


def test_a_guest_who_turns_out_to_be_somebody_joins_the_rates():
    store = a_store()
    customer = a_customer(store)
    an_order(customer, 0)
    guest = an_order(None, 1, store=store)
    tell_all(store)
    Order.objects.filter(pk=guest.pk).update(customer=customer)
    tell(store, "order.changed", customer.pk, order=guest.pk)
    report = build_report(store, date(2025, 1, 31))
    assert (report["guest_orders"], report["repeat_purchase_rate_all"]["repeat"]) == (0, 1)
    assert check.differences(store) == []


def test_a_refund_counts_on_its_own_day_and_a_refunded_order_stays_a_purchase():
    store = a_store()
    order = an_order(a_customer(store), date(2025, 1, 10), 1000)
    a_refund(store, date(2025, 3, 5), 1000, order=order)
    tell_all(store)
    assert queries.totals(store, date(2025, 3, 4)).net_revenue == 1000
    assert queries.totals(store, date(2025, 3, 5)).net_revenue == 0
    report = build_report(store, date(2025, 3, 31))
    assert (report["orders"], report["customers"]) == (1, 1)
    assert report["cohorts"][0]["net_revenue"] == [1000, 0, -1000]


def test_the_report_has_the_agreed_keys():
    store = a_store()
    an_order(a_customer(store), 0)
    tell_all(store)
    out = StringIO()
    call_command("report", "--store", "shop", "--as-of", "2025-02-15", "--json", stdout=out)
    report = json.loads(out.getvalue())
    agreed = "customers orders net_revenue currency repeat_purchase_rate_365 repeat_purchase_rate_all aov"
    agreed += " median_days_between repeat_curve cohorts as_of"
    assert set(agreed.split()) <= set(report)
    assert set(report["repeat_purchase_rate_365"]) == {"value", "low", "high", "n", "repeat"}
    assert [set(point) for point in report["repeat_curve"]] == [{"days", "value", "low", "high"}]
    assert report["cohorts"] == [
        {"month": "2025-01", "customers": 1, "active": [1, 0], "net_revenue": [1000, 0]}
    ]
    plain = StringIO()
    call_command("report", "--store", "shop", stdout=plain)
    told = dict(line.rsplit(maxsplit=1) for line in plain.getvalue().splitlines() if "$" in line)
    assert told["net revenue"] == told["aov"] == "$10.00"


def test_the_report_of_a_store_without_orders():
    a_store()
    out = StringIO()
    call_command("report", "--store", "shop", "--as-of", "2025-02-15", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert (report["customers"], report["aov"], report["cohorts"]) == (0, None, [])


def test_the_check_names_what_differs_and_fails():
    store = a_store()
    order = an_order(a_customer(store), 0)
    tell_all(store)
    Daily.objects.filter(store=store, dimension="all", purchases=1).update(sales=999)
    Purchase.objects.filter(pk=order.pk).update(nth=7)
    errors = StringIO()
    with pytest.raises(CommandError, match="2 differences"):
        call_command("check_metrics", "--store", "shop", stdout=StringIO(), stderr=errors)
    assert f"purchase {order.pk}" in errors.getvalue()
    assert "daily ('all', '', datetime.date(2025, 1, 1))" in errors.getvalue()


def test_an_order_that_the_follower_was_not_told_of_is_found():
    store = a_store()
    an_order(a_customer(store), 0)
    tell_all(store)
    an_order(a_customer(store), 1)
    assert any("purchase" in line for line in check.differences(store))


@pytest.mark.django_db(transaction=True)
def test_the_check_waits_for_what_the_follower_is_still_to_read():
    store = world.a_store(slug="shop")
    world.an_order(world.a_customer(store))
    out = StringIO()
    call_command("check_metrics", "--store", "shop", stdout=out)
    assert "shop: exact" in out.getvalue()
    assert Purchase.objects.count() == 1
