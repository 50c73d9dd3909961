"""Questions about a store's customers, answered with numbers, their n and their intervals.

One dimension alone is answered from rollups, in milliseconds; several at once, or any set of people, from
fact rows. Both are exact for any day: what a rollup holds beyond `as_of` is taken off again from facts.

Money is in minor units of the store's currency, rates are fractions, days are in the store's time zone and
windows are (as_of - window, as_of]. Guests' orders count in `totals` only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from retention.customers.models import Customer
from retention.lib.intervals import Survival, kaplan_meier, mean_half_width, wilson
from retention.metrics import facts, months
from retention.metrics.models import Dimension, Purchase
from retention.metrics.rollups import DIMENSIONS, WINDOWS
from retention.stores.models import Store

CURVE_DAYS = (30, 60, 90, 180, 365)
NO_CELL = (0, 0, 0)
EVERY_GAP = 10**6


@dataclass(frozen=True)
class Slice:
    """Which purchases are meant: whose first purchase came from here, in these days.

    `start` and `end` (both included) select purchases; for cohorts, the months they lie in. `customers` is
    any queryset of customers. Everything given must hold; None means no limit, "" means unknown.
    """

    start: date | None = None
    end: date | None = None
    channel: str | None = None
    campaign: str | None = None
    country: str | None = None
    category: str | None = None
    customers: QuerySet[Customer] | None = None

    @property
    def rollup(self) -> tuple[str, str] | None:
        """(dimension, value) of the rollup that answers this slice; None if facts must."""
        chosen = [(name, getattr(self, name)) for name in DIMENSIONS if getattr(self, name) is not None]
        if self.customers is not None or len(chosen) > 1:
            return None
        return chosen[0] if chosen else (Dimension.ALL.value, "")

    def until(self, as_of: date) -> date:
        return min(as_of, self.end) if self.end else as_of


EVERYBODY = Slice()


@dataclass(frozen=True)
class Rate:
    """`successes` of `n`, as a fraction, with Wilson's 95 % interval. `value` is None when n is 0."""

    value: float | None
    low: float
    high: float
    n: int
    successes: int

    @classmethod
    def of(cls, successes: int, n: int) -> Rate:
        low, high = wilson(successes, n)
        return cls(successes / n if n else None, low, high, n, successes)


@dataclass(frozen=True)
class Mean:
    """A mean over n in minor units, with the normal 95 % interval; None where too few were seen."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, n: int, total: int, half: float | None) -> Mean:
        value = total / n if n else None
        if value is None or half is None:
            return cls(value, None, None, n)
        return cls(value, value - half, value + half, n)


@dataclass(frozen=True)
class Quartiles:
    """Days between consecutive purchases; n pairs."""

    lower: float | None
    median: float | None
    upper: float | None
    n: int


@dataclass(frozen=True)
class Totals:
    """Everything up to a day. Net is after discounts and refunds; guests have no customer."""

    customers: int
    orders: int
    customer_sales: int
    customer_refunds: int
    guest_orders: int
    guest_sales: int
    guest_refunds: int

    @property
    def customer_net_revenue(self) -> int:
        return self.customer_sales - self.customer_refunds

    @property
    def guest_net_revenue(self) -> int:
        return self.guest_sales - self.guest_refunds

    @property
    def net_revenue(self) -> int:
        return self.customer_net_revenue + self.guest_net_revenue


class Cell(NamedTuple):
    """A cohort in its month k: people active, their purchases, net revenue in the month and through it.

    `open`: the month is not over at `as_of`; leave it out of averages.
    """

    k: int
    active: int
    purchases: int
    net_revenue: int
    cumulative: int
    open: bool


@dataclass(frozen=True)
class Cohort:
    """`month` is its number (see `months`), `customers` its size, `cells` its months from k = 0 on."""

    month: int
    customers: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return months.name(self.month)


@dataclass(frozen=True)
class RatePoint:
    day: date
    rate: Rate


@dataclass(frozen=True)
class TrendPoint:
    """A calendar month; `open` when it is not over."""

    month: int
    purchases: int
    net_revenue: int
    new_customers: int
    open: bool

    @property
    def name(self) -> str:
        return months.name(self.month)


@dataclass(frozen=True)
class DimensionValue:
    value: str
    customers: int


@dataclass(frozen=True)
class Kpi:
    """A figure now and a year before; `before_as_of` is the day that `before` is true for."""

    now: Rate | Mean | Quartiles
    before: Rate | Mean | Quartiles
    as_of: date
    before_as_of: date

    @property
    def change(self) -> float | None:
        """Now minus before, in the figure's own unit (for quartiles: of medians)."""
        now, before = _central(self.now), _central(self.before)
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Kpis:
    repeat_purchase_rate: Kpi
    clv_to_date: Kpi
    average_order_value: Kpi
    time_between_purchases: Kpi


Figure = Callable[[Store, Slice, date], Rate | Mean | Quartiles]


def _central(figure: Rate | Mean | Quartiles) -> float | None:
    return figure.median if isinstance(figure, Quartiles) else figure.value


def today(store: Store) -> date:
    """The date it is in the store's time zone."""
    return timezone.now().astimezone(store.tz).date()


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
        buyers, repeaters = _daily_sums(store, slice.rollup, [n, repeat], until=until)
        return Rate.of(repeaters, buyers)
    where, given = _where(store, slice, until=until, window=window)
    [(buyers, repeaters)] = _rows(
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

    A slice that no rollup answers costs one query over facts per point.
    """
    until = slice.until(as_of or today(store))
    asked = [until - timedelta(days=back) for back in range(0, days, step)][::-1]
    if not slice.rollup or window not in WINDOWS:
        return [
            RatePoint(d, repeat_purchase_rate(store, replace(slice, start=None), d, window)) for d in asked
        ]
    # Differences summed from one asked day to the next; the first sum holds everything before it.
    rows = _rows(
        f"SELECT greatest(0, (day - %s + %s) / %s), sum(buyers_{window})::bigint,"
        f" sum(repeaters_{window})::bigint FROM metrics_daily"
        " WHERE store_id = %s AND dimension = %s AND value = %s AND day <= %s GROUP BY 1 ORDER BY 1",
        [asked[0], step - 1, step, store.pk, *slice.rollup, until],
    )
    return _running(asked, {int(turn): (int(buyers), int(repeaters)) for turn, buyers, repeaters in rows})


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
    low, high = _cohort_range(slice, reached)
    if slice.rollup:
        [(n, net, squares)] = _rows(
            "SELECT sum(customers), sum(net), sum(squares) FROM metrics_cohortvalue WHERE store_id = %s"
            " AND dimension = %s AND value = %s AND cohort BETWEEN %s AND %s",
            [store.pk, *slice.rollup, low, high],
        )
    else:
        where, given = _where(store, replace(slice, start=None))
        [(n, net, squares)] = _rows(
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
        return _daily_sums(store, slice.rollup, columns, since=since, until=until)
    window = (until - since).days + 1 if since else None
    where, given = _where(store, slice, until=until, window=window)
    [bought] = _rows(
        "SELECT count(*), sum(p.sales), sum(p.undated), sum(p.kept), sum(p.kept::numeric * p.kept)"
        f" FROM metrics_purchase p WHERE {where}",
        given,
    )
    [[back]] = _rows(f"SELECT sum(p.amount) FROM metrics_refundfact p WHERE {where}", given)
    n, sales, undated, kept, squares = (int(v or 0) for v in bought)
    return [n, sales, undated + int(back or 0), kept, squares]


def time_between_purchases(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, *, about: float | None = None
) -> Quartiles:
    """Days between consecutive purchases whose later one is not after `as_of` (nor before `slice.start`).

    `about` is where the upper quartile is expected: gaps far above are then not read, which are most rows.
    """
    until = slice.until(as_of or today(store))
    if not slice.rollup or slice.start:
        window = (until - slice.start).days + 1 if slice.start else None
        where, given = _where(store, slice, until=until, window=window)
        return _quartiles(_rows(_pairs(where), given))
    if about is None:
        return _quartiles(_gaps(store, slice, until, EVERY_GAP))
    gaps, up_to = _added_up(_gaps(store, slice, until, _far(about)))
    bought, new = _daily_sums(store, slice.rollup, ["purchases", "new_customers"], until=until)
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
    rows = _rows(
        "SELECT gap, sum(pairs)::bigint FROM ("
        f" SELECT gap, pairs FROM metrics_gap WHERE {mine} AND month = 0 UNION ALL"
        f" SELECT gap, -pairs FROM metrics_gap WHERE {mine} AND month > %(month)s) AS g GROUP BY gap",
        {
            **{"store": store.pk, "name": name, "value": value},
            **{"most": most, "month": months.month_of(until)},
        },
    )
    rest = _rest_of_month(until)
    where, given = _where(store, slice)
    later = _rows(_pairs(f"{where} AND p.day > %s AND p.day <= %s"), [*given, *rest]) if rest else []
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
    rows = _rows(
        "SELECT month, array_agg(gap ORDER BY gap), array_agg(pairs ORDER BY gap) FROM metrics_gap"
        " WHERE store_id = %s AND dimension = %s AND value = %s AND month = ANY(%s) AND gap <= %s"
        " AND pairs > 0 GROUP BY month",
        [store.pk, *slice.rollup, asked, most],
    )
    seen = {month: (gaps, list(accumulate(pairs))) for month, gaps, pairs in rows}
    if about is None:
        return [(month, _ranked_quartiles(*seen[month], seen[month][1][-1])) for month in sorted(seen)]
    sums = _trend_rows(store, slice, months.first_day(asked[0]), months.last_day(last))
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


def _rest_of_month(day: date) -> tuple[date, date] | None:
    end = months.last_day(months.month_of(day))
    return (day, end) if day < end else None


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


def cohort_matrix(store: Store, slice: Slice = EVERYBODY, as_of: date | None = None) -> list[Cohort]:
    """Cohorts with their months, oldest first, as known at the end of `as_of`."""
    until = as_of or today(store)
    last = months.month_of(until)
    low, high = _cohort_range(slice, last)
    where, given = _where(store, replace(slice, start=None))
    cells: Cells = {}
    if slice.rollup:
        _add_cells(
            cells,
            _rows(
                "SELECT cohort, month, active, purchases, sales - refunds FROM metrics_cohortmonth"
                " WHERE store_id = %s AND dimension = %s AND value = %s"
                " AND cohort BETWEEN %s AND %s AND month <= %s",
                [store.pk, *slice.rollup, low, high, last],
            ),
        )
        rest = _rest_of_month(until)
        if rest:
            _add_facts(cells, f"{where} AND p.day > %s AND p.day <= %s", [*given, *rest], (low, high), -1)
    else:
        _add_facts(cells, f"{where} AND p.day <= %s", [*given, until], (low, high), 1)
    return _cohorts(cells, last, months.last_complete(until))


# cohort -> month -> (active, purchases, net revenue)
Cells = dict[int, dict[int, tuple[int, int, int]]]


def _add_facts(cells: Cells, where: str, given: list[Any], cohorts: tuple[int, int], sign: int) -> None:
    within = f"{where} AND p.cohort BETWEEN %s AND %s"
    bought = _rows(
        "SELECT p.cohort, p.month, sum(p.first_in_month::int), count(*), sum(p.sales - p.undated)::bigint"
        f" FROM metrics_purchase p WHERE {within} GROUP BY 1, 2",
        [*given, *cohorts],
    )
    back = _rows(
        "SELECT p.cohort, p.month, 0, 0, -sum(p.amount)::bigint FROM metrics_refundfact p"
        f" WHERE {within} GROUP BY 1, 2",
        [*given, *cohorts],
    )
    _add_cells(cells, [*bought, *back], sign)


def _add_cells(cells: Cells, rows: Iterable[tuple[Any, ...]], sign: int = 1) -> None:
    for cohort, month, active, purchases, net in rows:
        row = cells.setdefault(cohort, {})
        known = row.get(month, NO_CELL)
        row[month] = (known[0] + sign * active, known[1] + sign * purchases, known[2] + sign * net)


def _cohorts(cells: Cells, last: int, complete: int) -> list[Cohort]:
    rows = []
    for cohort, row in sorted(cells.items()):
        size = row.get(cohort, NO_CELL)[0]
        if not size:
            continue
        # Money can come back before the first purchase's month: a credit note. It counts in month 0.
        early = sum(net for month, (_, _, net) in row.items() if month < cohort)
        line, total = [], 0
        for month in range(cohort, last + 1):
            active, purchases, net = row.get(month, NO_CELL)
            net, early = net + early, 0
            total += net
            line.append(Cell(month - cohort, active, purchases, net, total, month > complete))
        rows.append(Cohort(cohort, size, tuple(line)))
    return rows


def repeat_curve(
    store: Store,
    slice: Slice = EVERYBODY,
    as_of: date | None = None,
    cohort: int | None = None,
    days: Iterable[int] = CURVE_DAYS,
) -> list[Survival]:
    """Probability of a second purchase within so many days of the first (Kaplan, Meier 1958).

    Over all people whose first purchase is not after `as_of`, or one cohort's (its month's number); who has
    not come back by `as_of` is censored there. Days that nobody has reached are left out.
    """
    until = as_of or today(store)
    low, high = (cohort, cohort) if cohort else _cohort_range(slice, months.month_of(until))
    bounds = (months.first_day(max(low, 12)), min(months.last_day(high), until))
    whole = cohort is None and slice.start is None and slice.end is None
    if slice.rollup:
        events, waiting = _curve_rollup(store, slice, until, bounds, (low, high), whole)
    else:
        events, waiting = _curve_facts(store, slice, until, bounds)
    return kaplan_meier(events, waiting.items(), days)


def _curve_rollup(
    store: Store, slice: Slice, until: date, bounds: tuple[date, date], cohorts: tuple[int, int], whole: bool
) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """(days until the second purchase, people), and days waited so far -> people who still wait."""
    assert slice.rollup
    gaps = _rows(
        "SELECT gap, sum(customers)::bigint FROM metrics_secondgap WHERE store_id = %s AND dimension = %s"
        " AND value = %s AND cohort BETWEEN %s AND %s GROUP BY gap",
        [store.pk, *slice.rollup, *((0, 0) if whole else cohorts)],
    )
    waiting = dict(
        _rows(
            "SELECT %s - day, new_customers - returned FROM metrics_daily WHERE store_id = %s"
            " AND dimension = %s AND value = %s AND day BETWEEN %s AND %s AND new_customers <> returned",
            [until, store.pk, *slice.rollup, *bounds],
        )
    )
    where, given = _where(store, replace(slice, start=None))
    # Who came back after `as_of` was still waiting on that day, or, if new after it, not there at all.
    later = _rows(
        "SELECT p.first_day, p.day - p.first_day, count(*) FROM metrics_purchase p"
        f" WHERE {where} AND p.nth = 2 AND p.day > %s AND p.cohort BETWEEN %s AND %s GROUP BY 1, 2",
        [*given, until, *cohorts] if not whole else [*given, until, 0, 10**6],
    )
    for first, gap, n in later:
        gaps.append((gap, -n))
        if first <= until:
            waited = (until - first).days
            waiting[waited] = waiting.get(waited, 0) + n
    return gaps, waiting


def _curve_facts(
    store: Store, slice: Slice, until: date, bounds: tuple[date, date]
) -> tuple[list[tuple[int, int]], dict[int, int]]:
    where, given = _where(store, replace(slice, start=None))
    rows = _rows(
        "SELECT %s - p.first_day, CASE WHEN p.second_day <= %s THEN p.second_day - p.first_day END, count(*)"
        f" FROM metrics_customerfact p WHERE {where} AND p.first_day BETWEEN %s AND %s GROUP BY 1, 2",
        [until, until, *given, *bounds],
    )
    waiting = {waited: n for waited, gap, n in rows if gap is None}
    return [(gap, n) for _, gap, n in rows if gap is not None], waiting


def trend(
    store: Store, slice: Slice = EVERYBODY, as_of: date | None = None, *, count: int = 24
) -> list[TrendPoint]:
    """Purchases, net revenue and new people in each of the last `count` calendar months; oldest first."""
    until = slice.until(as_of or today(store))
    last, complete = months.month_of(until), months.last_complete(as_of or today(store))
    since = max(months.first_day(last - count + 1), slice.start or date.min)
    sums = _trend_rows(store, slice, since, until)
    return [
        TrendPoint(month, *sums.get(month, (0, 0, 0)), month > complete)
        for month in range(months.month_of(since), last + 1)
    ]


def _trend_rows(store: Store, slice: Slice, since: date, until: date) -> dict[int, tuple[int, int, int]]:
    if slice.rollup:
        rows = _rows(
            f"SELECT {facts.month('day')}, sum(purchases), sum(sales - refunds), sum(new_customers)"
            " FROM metrics_daily"
            " WHERE store_id = %s AND dimension = %s AND value = %s AND day BETWEEN %s AND %s GROUP BY 1",
            [store.pk, *slice.rollup, since, until],
        )
        return {month: (int(n), int(net), int(new)) for month, n, net, new in rows}
    where, given = _where(store, slice, until=until, window=(until - since).days + 1)
    rows = _rows(
        "SELECT month, sum(n), sum(net), sum(new) FROM ("
        " SELECT p.month, count(*) AS n, sum(p.sales - p.undated) AS net, sum((p.nth = 1)::int) AS new"
        f" FROM metrics_purchase p WHERE {where} GROUP BY 1 UNION ALL"
        f" SELECT p.month, 0, -sum(p.amount), 0 FROM metrics_refundfact p WHERE {where} GROUP BY 1"
        ") AS m GROUP BY 1",
        [*given, *given],
    )
    return {month: (int(n), int(net), int(new)) for month, n, net, new in rows}


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
    return Totals(*_daily_sums(store, ("all", ""), columns, until=as_of or today(store)))


def dimension_values(store: Store, dimension: str) -> list[DimensionValue]:
    """The values of a dimension with how many people came that way, most first."""
    rows = _rows(
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


def _cohort_range(slice: Slice, last: int) -> tuple[int, int]:
    low = months.month_of(slice.start) if slice.start else 1
    return low, min(months.month_of(slice.end), last) if slice.end else last


def _daily_sums(
    store: Store, rollup: tuple[str, str], columns: list[str], *, until: date, since: date | None = None
) -> list[int]:
    sums = ", ".join(f"sum({column})" for column in columns)
    [row] = _rows(
        f"SELECT {sums} FROM metrics_daily WHERE store_id = %s AND dimension = %s AND value = %s"
        " AND day BETWEEN %s AND %s",
        [store.pk, *rollup, since or date.min, until],
    )
    return [int(value or 0) for value in row]


def _where(
    store: Store, slice: Slice, *, until: date | None = None, window: int | None = None
) -> tuple[str, list[Any]]:
    """SQL condition on a fact row `p`, with its parameters."""
    parts: list[str] = ["p.store_id = %s"]
    given: list[Any] = [store.pk]
    for name in DIMENSIONS:
        if (value := getattr(slice, name)) is not None:
            parts.append(f"p.{name} = %s")
            given.append(value)
    if slice.customers is not None:
        sql, params = slice.customers.order_by().values("pk").query.sql_with_params()
        parts.append(f"p.customer_id IN ({sql})")
        given += params
    if until is not None:
        parts.append("p.day <= %s")
        given.append(until)
    if until is not None and window is not None:
        parts.append("p.day > %s")
        given.append(until - timedelta(days=window))
    return " AND ".join(parts), given


def _rows(sql: str, given: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())
