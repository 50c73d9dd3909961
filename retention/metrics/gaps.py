"""Days between consecutive purchases of a person: quartiles over a histogram of whole days."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate
from typing import Any

from retention.metrics import months
from retention.metrics.answers import EVERYBODY, Quartiles, Slice
from retention.metrics.reading import daily_sums, narrowed, rest_of_month, rows_of, today
from retention.metrics.trends import sums_by_month
from retention.stores.models import Store

EVERY_GAP = 10**6


def time_between_purchases(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, *, about: float | None = None
) -> Quartiles:
    """Days between consecutive purchases whose later one is not after `as_of` (nor before `slice.start`).

    `about` is where the upper quartile is expected: gaps far above are then not read, which are most rows.
    """
    until = slice.until(as_of or today(store))
    if not slice.rollup or slice.start:
        window = (until - slice.start).days + 1 if slice.start else None
        where, given = narrowed(store, slice, until=until, window=window)
        return _quartiles(rows_of(_pairs(where), given))
    if about is None:
        return _quartiles(_gaps(store, slice, until, EVERY_GAP))
    gaps, up_to = _added_up(_gaps(store, slice, until, _far(about)))
    bought, new = daily_sums(store, slice.rollup, ["purchases", "new_customers"], until=until)
    # Every purchase but a person's first ends a pair.
    n = bought - new
    if not n or (up_to[-1] if up_to else 0) < 0.75 * n + 2:
        return time_between_purchases(store, slice, as_of)
    return _ranked_quartiles(gaps, up_to, n)


def _far(about: float) -> int:
    return 2 * int(about) + 30


def _gaps(store: Store, slice: Slice, until: date, most: int) -> list[tuple[int, int]]:
    """(gap, pairs that end by `until`) from the rollup: all there are, less those of later months, and of
    the later days of this month."""
    assert slice.rollup
    mine = "store_id = %(store)s AND dimension = %(name)s AND value = %(value)s AND gap <= %(most)s"
    name, value = slice.rollup
    rows = rows_of(
        "SELECT gap, sum(pairs)::bigint FROM ("
        f" SELECT gap, pairs FROM metrics_gap WHERE {mine} AND month = 0 UNION ALL"
        f" SELECT gap, -pairs FROM metrics_gap WHERE {mine} AND month > %(month)s) AS g GROUP BY gap",
        {
            **{"store": store.pk, "name": name, "value": value},
            **{"most": most, "month": months.month_of(until)},
        },
    )
    rest = rest_of_month(until)
    where, given = narrowed(store, slice)
    later = rows_of(_pairs(f"{where} AND p.day > %s AND p.day <= %s"), [*given, *rest]) if rest else []
    if not later:
        return rows
    counts = dict(rows)
    for gap, pairs in later:
        if gap <= most:
            counts[gap] -= pairs
    return list(counts.items())


def gaps_by_month(
    store: Store, slice: Slice, last: int, count: int = 24, *, about: float | None = None
) -> list[tuple[int, Quartiles]]:
    """Month and quartiles of the pairs that end in it, for the `count` months up to `last`; oldest first.

    Whole months, and only for a slice that a rollup answers; months without a pair are left out. `about` is
    where the upper quartiles are expected: gaps far above are then not read, which are most of the rows.
    """
    if not slice.rollup:
        return []
    asked = list(range(last - count + 1, last + 1))
    most = EVERY_GAP if about is None else _far(about)
    rows = rows_of(
        "SELECT month, array_agg(gap ORDER BY gap), array_agg(pairs ORDER BY gap) FROM metrics_gap"
        " WHERE store_id = %s AND dimension = %s AND value = %s AND month = ANY(%s) AND gap <= %s"
        " AND pairs > 0 GROUP BY month",
        [store.pk, *slice.rollup, asked, most],
    )
    seen = {month: (gaps, list(accumulate(pairs))) for month, gaps, pairs in rows}
    if about is None:
        return [(month, _ranked_quartiles(*seen[month], seen[month][1][-1])) for month in sorted(seen)]
    sums = sums_by_month(store, slice, months.first_day(asked[0]), months.last_day(last))
    # Every purchase but a person's first ends a pair.
    ended = {month: n - new for month, (n, _, new) in sorted(sums.items()) if n > new}
    if any(month not in seen or seen[month][1][-1] < 0.75 * n + 2 for month, n in ended.items()):
        return gaps_by_month(store, slice, last, count)
    return [(month, _ranked_quartiles(*seen[month], n)) for month, n in ended.items()]


def _pairs(where: str) -> str:
    return (
        "SELECT p.day - p.previous_day, count(*) FROM metrics_purchase p"
        f" WHERE p.previous_day IS NOT NULL AND {where} GROUP BY 1"
    )


def _quartiles(counts: Iterable[tuple[Any, ...]]) -> Quartiles:
    gaps, up_to = _added_up(counts)
    if not gaps:
        return Quartiles(None, None, None, 0)
    return _ranked_quartiles(gaps, up_to, up_to[-1])


def _added_up(counts: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """The gaps that were seen, in order, and how many pairs are at most so far apart."""
    ordered = sorted((gap, pairs) for gap, pairs in counts if pairs)
    return [gap for gap, _ in ordered], list(accumulate(pairs for _, pairs in ordered))


def _ranked_quartiles(gaps: Sequence[int], up_to: Sequence[int], n: int) -> Quartiles:
    """`up_to` counts the pairs up to each gap; gaps beyond the upper quartile may be missing."""
    lower, median, upper = (_quantile(gaps, up_to, n, q) for q in (0.25, 0.5, 0.75))
    return Quartiles(lower, median, upper, n)


def _quantile(gaps: Sequence[int], up_to: Sequence[int], n: int, q: float) -> float:
    """Linear between the two nearest ranks, as PostgreSQL's percentile_cont."""
    rank = q * (n - 1)
    below, share = int(rank), rank - int(rank)
    first = gaps[bisect_right(up_to, below)]
    second = gaps[bisect_right(up_to, min(below + 1, n - 1))]
    return first + share * (second - first)
