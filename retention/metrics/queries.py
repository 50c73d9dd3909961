"""Questions about a store's customers, answered with numbers, their n and their intervals.

One dimension alone is answered from rollups, in milliseconds; several at once, or any set of people, from
fact rows. Both are exact for any day: what a rollup holds beyond `as_of` is taken off again from facts.

Money is in minor units of the store's currency, rates are fractions, days are in the store's time zone and
windows are (as_of - window, as_of]. Guests' orders count in `totals` only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from retention.customers.models import Customer
from retention.lib.intervals import mean_half_width
from retention.metrics import months
from retention.metrics.answers import (
    EVERYBODY,
    Cell,
    Cohort,
    DimensionValue,
    Figure,
    Kpi,
    Kpis,
    Mean,
    Quartiles,
    Rate,
    RatePoint,
    Slice,
    Totals,
    TrendPoint,
)
from retention.metrics.cohorts import CURVE_DAYS, cohort_matrix, repeat_curve, repeat_curves
from retention.metrics.gaps import gaps_course, time_between_purchases
from retention.metrics.models import Purchase
from retention.metrics.reading import cohort_range, daily_sums, narrowed, rows_of, today
from retention.metrics.rollups import DIMENSIONS, WINDOWS, course
from retention.metrics.trends import trend
from retention.stores.models import Store

__all__ = [
    "CURVE_DAYS",
    "EVERYBODY",
    "Cell",
    "Cohort",
    "DimensionValue",
    "Kpi",
    "Kpis",
    "Mean",
    "Quartiles",
    "Rate",
    "RatePoint",
    "Slice",
    "Totals",
    "TrendPoint",
    "average_order_value",
    "clv_to_date",
    "cohort_matrix",
    "dimension_values",
    "gaps_course",
    "kpis",
    "people_behind",
    "repeat_curve",
    "repeat_curves",
    "repeat_purchase_rate",
    "rpr_series",
    "time_between_purchases",
    "today",
    "totals",
    "trend",
]


def repeat_purchase_rate(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, window: int | None = 365
) -> Rate:
    """People with 2 or more purchases among people with at least 1, in `window` days (None: all time)."""
    until = slice.until(as_of or today(store))
    window = (until - slice.start).days + 1 if slice.start else window
    if slice.rollup and (window is None or window in WINDOWS):
        n, repeat = (
            ("new_customers", "seconds") if window is None else (f"buyers_{window}", f"repeaters_{window}")
        )
        buyers, repeaters = daily_sums(store, slice.rollup, [n, repeat], until=until)
        return Rate.of(repeaters, buyers)
    where, given = narrowed(store, slice, until=until, window=window)
    [(buyers, repeaters)] = rows_of(
        "SELECT count(*), count(*) FILTER (WHERE b.n > 1) FROM (SELECT count(*) AS n FROM metrics_purchase p"
        f" WHERE {where} GROUP BY p.customer_id) AS b",
        given,
    )
    return Rate.of(repeaters, buyers)


def rpr_series(
    store: Store,
    slice: Slice = EVERYBODY,
    as_of: date | None = None,
    window: int = 365,
    *,
    days: int = 730,
    step: int = 7,
) -> list[RatePoint]:
    """The trailing repeat purchase rate every `step` days of the last `days`; oldest first, `as_of` last.

    One query: of the rollup, or of all purchases of the slice. A window of other days than `WINDOWS` costs
    one query per point.
    """
    until = slice.until(as_of or today(store))
    asked = [until - timedelta(days=back) for back in range(0, days, step)][::-1]
    whole = replace(slice, start=None)
    if window not in WINDOWS:
        return [RatePoint(d, repeat_purchase_rate(store, whole, d, window)) for d in asked]
    if slice.rollup:
        changes = (
            f"SELECT day, buyers_{window} AS buyers, repeaters_{window} AS repeaters FROM metrics_daily"
            " WHERE store_id = %s AND dimension = %s AND value = %s"
        )
        given: list[Any] = [store.pk, *slice.rollup]
    else:
        where, given = narrowed(store, replace(whole, end=None))
        changes = (
            "WITH mine AS MATERIALIZED (SELECT day, previous_day, next_day FROM metrics_purchase p"
            f" WHERE {where}) {course(window, 'mine')}"
        )
    # Differences summed from one asked day to the next; the first sum holds everything before it.
    rows = rows_of(
        "SELECT greatest(0, (day - %s + %s) / %s), sum(buyers)::bigint, sum(repeaters)::bigint"
        f" FROM ({changes}) AS c WHERE day <= %s GROUP BY 1 ORDER BY 1",
        [asked[0], step - 1, step, *given, until],
    )
    return _running(asked, {turn: (buyers, repeaters) for turn, buyers, repeaters in rows})


def _running(asked: list[date], changes: dict[int, tuple[int, int]]) -> list[RatePoint]:
    """Differences added up; `changes` is by the place in `asked`."""
    points, buyers, repeaters = [], 0, 0
    for turn, day in enumerate(asked):
        came, repeated = changes.get(turn, (0, 0))
        buyers, repeaters = buyers + came, repeaters + repeated
        points.append(RatePoint(day, Rate.of(repeaters, buyers)))
    return points


def clv_to_date(store: Store, slice: Slice = EVERYBODY, as_of: date | None = None) -> Mean:
    """Net revenue per person through month 12 after the first purchase's month.

    Over all people of the cohorts whose month 12 is over at `as_of`, buyers and lapsed alike.
    """
    until = as_of or today(store)
    reached = months.last_complete(until) - 12
    low, high = cohort_range(slice, reached)
    if slice.rollup:
        [(n, net, squares)] = rows_of(
            "SELECT sum(customers), sum(net), sum(squares) FROM metrics_cohortvalue WHERE store_id = %s"
            " AND dimension = %s AND value = %s AND cohort BETWEEN %s AND %s",
            [store.pk, *slice.rollup, low, high],
        )
    else:
        where, given = narrowed(store, replace(slice, start=None))
        [(n, net, squares)] = rows_of(
            "SELECT count(*), sum(p.net_12), sum(p.net_12::numeric * p.net_12) FROM metrics_customerfact p"
            f" WHERE {where} AND p.cohort BETWEEN %s AND %s",
            [*given, low, high],
        )
    return _mean(n, net, net, squares)


def average_order_value(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, window: int | None = 365
) -> Mean:
    """Net revenue / purchases, in minor units. A refund counts on its own date.

    The interval's spread is that of the purchases' values net of all their refunds so far.
    """
    until = slice.until(as_of or today(store))
    since = slice.start or (until - timedelta(days=window - 1) if window else None)
    n, sales, refunds, kept, squares = _money(store, slice, since, until)
    return _mean(n, sales - refunds, kept, squares)


def _money(store: Store, slice: Slice, since: date | None, until: date) -> list[int]:
    """purchases, sales, refunds, kept, squares"""
    if slice.rollup:
        columns = ["purchases", "sales", "refunds", "kept", "squares"]
        return daily_sums(store, slice.rollup, columns, since=since, until=until)
    window = (until - since).days + 1 if since else None
    where, given = narrowed(store, slice, until=until, window=window)
    [bought] = rows_of(
        "SELECT count(*), sum(p.sales), sum(p.undated), sum(p.kept), sum(p.kept::numeric * p.kept)"
        f" FROM metrics_purchase p WHERE {where}",
        given,
    )
    [[back]] = rows_of(f"SELECT sum(p.amount) FROM metrics_refundfact p WHERE {where}", given)
    n, sales, undated, kept, squares = (int(v or 0) for v in bought)
    return [n, sales, undated + int(back or 0), kept, squares]


def totals(store: Store, as_of: date | None = None) -> Totals:
    """Everything up to and including `as_of`, guests apart."""
    columns = [
        "new_customers",
        "purchases",
        "sales",
        "refunds",
        "guest_orders",
        "guest_sales",
        "guest_refunds",
    ]
    return Totals(*daily_sums(store, ("all", ""), columns, until=as_of or today(store)))


def dimension_values(store: Store, dimension: str) -> list[DimensionValue]:
    """The values of a dimension with how many people came that way, most first."""
    rows = rows_of(
        "SELECT value, sum(customers) FROM metrics_cohortvalue WHERE store_id = %s AND dimension = %s"
        " GROUP BY value HAVING sum(customers) > 0 ORDER BY 2 DESC, 1",
        [store.pk, dimension],
    )
    return [DimensionValue(value, int(customers)) for value, customers in rows]


def people_behind(
    store: Store,
    slice: Slice = EVERYBODY,
    as_of: date | None = None,
    *,
    cohort: int | None = None,
    k: int | None = None,
    window: int | None = None,
    repeat: bool = False,
) -> QuerySet[Customer]:
    """The people in a number: a cohort (its month's number), those of it active in month k, the buyers of
    the window that ends at `as_of`, or with `repeat` those who bought twice in it."""
    until = slice.until(as_of or today(store))
    rows = Purchase.objects.filter(store=store, day__lte=until)
    rows = rows.filter(**{d: getattr(slice, d) for d in DIMENSIONS if getattr(slice, d) is not None})
    since = slice.start or (until - timedelta(days=window - 1) if window else None)
    if slice.customers is not None:
        rows = rows.filter(customer_id__in=slice.customers.values("pk"))
    if since and cohort is None:
        rows = rows.filter(day__gte=since)
    if cohort is not None:
        rows = rows.filter(cohort=cohort)
    if k is not None and cohort is not None:
        rows = rows.filter(month=cohort + k)
    ids = rows.values("customer_id").annotate(n=Count("pk")).filter(n__gt=1 if repeat else 0)
    return Customer.objects.filter(store=store, pk__in=ids.values("customer_id"))


def kpis(store: Store, slice: Slice = EVERYBODY, as_of: date | None = None) -> Kpis:
    """The four headline figures, each against a year before.

    Time between purchases is compared at the end of the last complete month of a year ago.
    """
    now = slice.until(as_of or today(store))
    then = months.year_before(now)
    # A chosen range moves back as a whole.
    before = replace(
        slice,
        start=months.year_before(slice.start) if slice.start else None,
        end=months.year_before(slice.end) if slice.end else None,
    )
    month_end = then if slice.start else months.last_day(months.last_complete(then))

    def compare(figure: Figure, day: date) -> Kpi:
        return Kpi(figure(store, slice, now), figure(store, before, day), now, day)

    return Kpis(
        repeat_purchase_rate=compare(repeat_purchase_rate, then),
        clv_to_date=compare(clv_to_date, then),
        average_order_value=compare(average_order_value, then),
        time_between_purchases=compare(time_between_purchases, month_end),
    )


def _mean(n: Any, total: Any, kept: Any, squares: Any) -> Mean:
    count = int(n or 0)
    half = mean_half_width(count, int(kept or 0), int(squares or 0))
    return Mean.of(count, int(total or 0), half)
