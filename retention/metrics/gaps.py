"""Days between consecutive purchases of a person: quartiles over a histogram of whole days."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate

from retention.metrics import months
from retention.metrics.answers import EVERYBODY, Quartiles, Slice
from retention.metrics.reading import narrowed, rest_of_month, rows_of, today
from retention.metrics.trends import sums_by_month
from retention.stores.models import Store

# Days apart -> pairs of purchases.
Histogram = dict[int, int]
EVERY_GAP = 10**6


def time_between_purchases(store: Store, slice: Slice = EVERYBODY, as_of: date | None = None) -> Quartiles:
    """Days between consecutive purchases whose later one is not after `as_of` (nor before `slice.start`)."""
    until = slice.until(as_of or today(store))
    if not slice.rollup or slice.start:
        window = (until - slice.start).days + 1 if slice.start else None
        where, given = narrowed(store, slice, until=until, window=window)
        return _quartiles(dict(rows_of(_pairs(where), given)))
    whole = _by_end_of(store, slice, months.month_of(until))
    return _quartiles(_less(whole, _later_in_month(store, slice, until)))


def gaps_course(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, *, before: int, count: int = 24
) -> tuple[Quartiles, Quartiles, list[tuple[int, Quartiles]]]:
    """Quartiles now, at the end of the month `before`, and of the pairs that end in each of the `count`
    months up to now's; oldest first, whole months, those without a pair left out.

    At most four queries where a rollup answers; elsewhere the months are left out altogether.
    """
    until = slice.until(as_of or today(store))
    if not slice.rollup or slice.start:
        then = time_between_purchases(store, slice, months.last_day(before))
        return time_between_purchases(store, slice, until), then, []
    last = months.month_of(until)
    whole = _by_end_of(store, slice, last)
    now = _quartiles(_less(whole, _later_in_month(store, slice, until)))
    asked = range(min(before, last - count) + 1, last + 1)
    # Gaps far above the upper quartile are most of the rows, and not needed for it.
    far = EVERY_GAP if now.upper is None else 2 * int(now.upper) + 30
    ended = _ended(store, slice, asked)
    seen = _by_month(store, slice, asked, far)
    if any(_too_few(seen.get(month, {}), n) for month, n in ended.items()):
        far, seen = EVERY_GAP, _by_month(store, slice, asked, EVERY_GAP)
    near = {gap: pairs for gap, pairs in whole.items() if gap <= far}
    then_seen = _less(near, *(seen.get(month, {}) for month in range(before + 1, last + 1)))
    then_n = sum(whole.values()) - sum(n for month, n in ended.items() if month > before)
    if _too_few(then_seen, then_n):
        return (
            now,
            time_between_purchases(store, slice, months.last_day(before)),
            _each(seen, ended, last - count),
        )
    return now, _quartiles(then_seen, then_n), _each(seen, ended, last - count)


def _each(seen: dict[int, Histogram], ended: dict[int, int], after: int) -> list[tuple[int, Quartiles]]:
    return [(month, _quartiles(seen[month], n)) for month, n in sorted(ended.items()) if month > after]


def _too_few(seen: Histogram, n: int) -> bool:
    """Does the histogram end before the upper quartile of n pairs?"""
    return sum(seen.values()) < min(n, 0.75 * n + 2)


def _by_end_of(store: Store, slice: Slice, month: int) -> Histogram:
    """Of all pairs that end by then: all there are, less those of later months."""
    assert slice.rollup
    mine = "store_id = %(store)s AND dimension = %(name)s AND value = %(value)s"
    name, value = slice.rollup
    return dict(
        rows_of(
            "SELECT gap, sum(pairs)::bigint FROM ("
            f" SELECT gap, pairs FROM metrics_gap WHERE {mine} AND month = 0 UNION ALL"
            f" SELECT gap, -pairs FROM metrics_gap WHERE {mine} AND month > %(month)s) AS g GROUP BY gap",
            {"store": store.pk, "name": name, "value": value, "month": month},
        )
    )


def _later_in_month(store: Store, slice: Slice, day: date) -> Histogram:
    """Of the pairs that end in the same month, but after the day: from facts, there are few days."""
    rest = rest_of_month(day)
    if not rest:
        return {}
    where, given = narrowed(store, slice)
    return dict(rows_of(_pairs(f"{where} AND p.day > %s AND p.day <= %s"), [*given, *rest]))


def _by_month(store: Store, slice: Slice, asked: Iterable[int], far: int) -> dict[int, Histogram]:
    assert slice.rollup
    rows = rows_of(
        "SELECT month, array_agg(gap), array_agg(pairs) FROM metrics_gap WHERE store_id = %s"
        " AND dimension = %s AND value = %s AND month = ANY(%s) AND gap <= %s AND pairs > 0 GROUP BY month",
        [store.pk, *slice.rollup, list(asked), far],
    )
    return {month: dict(zip(gaps, pairs, strict=True)) for month, gaps, pairs in rows}


def _ended(store: Store, slice: Slice, asked: range) -> dict[int, int]:
    """How many pairs end in each month: every purchase but a person's first ends one."""
    sums = sums_by_month(store, slice, months.first_day(asked[0]), months.last_day(asked[-1]))
    return {month: n - new for month, (n, _, new) in sums.items() if n > new}


def _less(whole: Histogram, *parts: Histogram) -> Histogram:
    left = dict(whole)
    for part in parts:
        for gap, pairs in part.items():
            left[gap] -= pairs
    return left


def _pairs(where: str) -> str:
    return (
        "SELECT p.day - p.previous_day, count(*) FROM metrics_purchase p"
        f" WHERE p.previous_day IS NOT NULL AND {where} GROUP BY 1"
    )


def _quartiles(seen: Histogram, n: int | None = None) -> Quartiles:
    """Of n pairs, by default those of the histogram; it may end anywhere above their upper quartile."""
    # Built-ins from end to end: this runs over thousands of numbers for one card of the front page.
    gaps = sorted(seen)
    up_to = list(accumulate(map(seen.__getitem__, gaps)))
    n = (up_to[-1] if up_to else 0) if n is None else n
    if not n:
        return Quartiles(None, None, None, 0)
    lower, median, upper = (_quantile(gaps, up_to, n, q) for q in (0.25, 0.5, 0.75))
    return Quartiles(lower, median, upper, n)


def _quantile(gaps: Sequence[int], up_to: Sequence[int], n: int, q: float) -> float:
    """Linear between the two nearest ranks, as PostgreSQL's percentile_cont."""
    rank = q * (n - 1)
    below, share = int(rank), rank - int(rank)
    first = gaps[bisect_right(up_to, below)]
    second = gaps[bisect_right(up_to, min(below + 1, n - 1))]
    return first + share * (second - first)
