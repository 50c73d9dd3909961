"""Calendar months, one beside the other."""

from __future__ import annotations

from datetime import date

from retention.metrics import facts, months
from retention.metrics.answers import EVERYBODY, Slice, TrendPoint
from retention.metrics.reading import narrowed, rows_of, today
from retention.stores.models import Store


def trend(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, *, count: int = 24
) -> list[TrendPoint]:
    """Purchases, net revenue and new people in each of the last `count` calendar months; oldest first."""
    until = slice.until(as_of or today(store))
    last, complete = months.month_of(until), months.last_complete(as_of or today(store))
    since = max(months.first_day(last - count + 1), slice.start or date.min)
    sums = sums_by_month(store, slice, since, until)
    return [
        TrendPoint(month, *sums.get(month, (0, 0, 0)), month > complete)
        for month in range(months.month_of(since), last + 1)
    ]


def sums_by_month(store: Store, slice: Slice, since: date, until: date) -> dict[int, tuple[int, int, int]]:
    if slice.rollup:
        rows = rows_of(
            f"SELECT {facts.month('day')}, sum(purchases), sum(sales - refunds), sum(new_customers)"
            " FROM metrics_daily"
            " WHERE store_id = %s AND dimension = %s AND value = %s AND day BETWEEN %s AND %s GROUP BY 1",
            [store.pk, *slice.rollup, since, until],
        )
        return {month: (int(n), int(net), int(new)) for month, n, net, new in rows}
    where, given = narrowed(store, slice, until=until, window=(until - since).days + 1)
    rows = rows_of(
        "SELECT month, sum(n), sum(net), sum(new) FROM ("
        " SELECT p.month, count(*) AS n, sum(p.sales - p.undated) AS net, sum((p.nth = 1)::int) AS new"
        f" FROM metrics_purchase p WHERE {where} GROUP BY 1 UNION ALL"
        f" SELECT p.month, 0, -sum(p.amount), 0 FROM metrics_refundfact p WHERE {where} GROUP BY 1"
        ") AS m GROUP BY 1",
        [*given, *given],
    )
    return {month: (int(n), int(net), int(new)) for month, n, net, new in rows}
