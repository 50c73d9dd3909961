"""Answers from rollups are answers from facts, on any day; and a day's figures never learn from later ones."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta

import pytest

from retention.customers.models import Customer
from retention.metrics import months, queries
from retention.metrics.queries import Slice
from retention.metrics.rebuild import rebuild
from retention.metrics.report import build_report
from retention.orders.models import Order, Refund
from tests.metrics.shop import a_customer, a_refund, a_store, an_order, tell_all

pytestmark = pytest.mark.django_db
DAYS = [date(2025, 3, 31), date(2025, 6, 14), date(2026, 1, 1), date(2026, 12, 31)]


@pytest.fixture
def shop():
    """Thirty people, some 150 purchases in a year and a half, some refunds; always the same."""
    store, luck = a_store(time_zone="America/New_York"), random.Random(5)
    for number in range(30):
        customer = a_customer(store)
        day = luck.randrange(300)
        for _ in range(luck.choice([1, 1, 2, 3, 9, 14])):
            order = an_order(customer, day, luck.randrange(9000), channel=f"channel {number % 3}")
            if luck.random() < 0.2:
                a_refund(store, order.placed_at.date() + timedelta(days=luck.randrange(60)), 100, order=order)
            day += luck.choice([0, 1, 5, 29, 30, 31, 60, 91])
    an_order(None, 10, 777, store=store)
    tell_all(store)
    return store


def answers(store, slice, day):
    curve = [queries.repeat_curve(store, slice, day, cohort) for cohort in (None, months.month_of(DAYS[0]))]
    return {
        "rates": [queries.repeat_purchase_rate(store, slice, day, w) for w in (30, 90, 180, 365, None)],
        "series": queries.rpr_series(store, slice, day, 90, days=200, step=9),
        "clv": queries.clv_to_date(store, slice, day),
        "aov": [queries.average_order_value(store, slice, day, w) for w in (30, 365, None)],
        "gap": queries.time_between_purchases(store, slice, day),
        "cohorts": queries.cohort_matrix(store, slice, day),
        "curves": [[(p.time, p.at_risk, round(p.value, 12), round(p.low, 12)) for p in c] for c in curve],
        "trend": queries.trend(store, slice, day),
    }


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("chosen", [{}, {"channel": "channel 1"}])
def test_rollups_answer_as_facts_do(shop, chosen, day):
    everybody = Customer.objects.filter(store=shop)
    from_rollups = answers(shop, Slice(**chosen), day)
    from_facts = answers(shop, Slice(**chosen, customers=everybody), day)
    assert from_rollups == from_facts
    assert from_rollups["rates"][-1].n > 0


@pytest.mark.parametrize("window", [30, 90, 365])
def test_the_course_of_some_people_is_their_rate_day_by_day(shop, window):
    some = Slice(customers=Customer.objects.filter(store=shop, pk__in=_odd(shop)), channel="channel 2")
    course = queries.rpr_series(shop, some, DAYS[2], window, days=330, step=11)
    assert [p.rate for p in course] == [
        queries.repeat_purchase_rate(shop, some, p.day, window) for p in course
    ]
    assert course[-1].day == DAYS[2]
    assert any(point.rate.successes for point in course)


def _odd(shop):
    return [pk for pk in Customer.objects.filter(store=shop).values_list("pk", flat=True) if pk % 2]


@pytest.mark.parametrize("day", DAYS)
def test_what_comes_later_changes_nothing_of_a_day(shop, day):
    """The report as of a day is the report of a store whose history ends with that day."""
    before = build_report(shop, day)
    tomorrow = datetime.combine(day + timedelta(days=1), time(), tzinfo=shop.tz)
    Refund.objects.filter(store=shop, refunded_at__gte=tomorrow).delete()
    Order.objects.filter(store=shop, placed_at__gte=tomorrow).delete()
    rebuild(shop)
    assert build_report(shop, day) == before


@pytest.mark.parametrize("day", [*DAYS, date(2025, 9, 20)])
@pytest.mark.parametrize("chosen", [{}, {"channel": "channel 1"}])
def test_the_course_of_gaps_is_that_of_its_pairs(shop, chosen, day):
    last = months.month_of(day)
    now, before, by_month = queries.gaps_course(shop, Slice(**chosen), day, before=last - 5, count=9)
    assert now == queries.time_between_purchases(shop, Slice(**chosen), day)
    everybody = Customer.objects.filter(store=shop)
    facts = Slice(**chosen, customers=everybody)
    assert (now, before, []) == queries.gaps_course(shop, facts, day, before=last - 5)
    assert len(by_month) <= 9
    for month, found in by_month:
        start, end = months.first_day(month), months.last_day(month)
        assert queries.time_between_purchases(shop, Slice(**chosen, start=start, end=end), end) == found
    assert by_month or now.n == 0 or day.year == 2026


def test_people_behind_a_number_are_as_many_as_it_says(shop):
    day = DAYS[2]
    rate = queries.repeat_purchase_rate(shop, as_of=day)
    assert queries.people_behind(shop, as_of=day, window=365).count() == rate.n
    assert queries.people_behind(shop, as_of=day, window=365, repeat=True).count() == rate.successes
    for cohort in queries.cohort_matrix(shop, as_of=day):
        for cell in cohort.cells:
            behind = queries.people_behind(shop, as_of=day, cohort=cohort.month, k=cell.k)
            assert behind.count() == cell.active
