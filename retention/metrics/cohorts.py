"""People by the month of their first purchase: what they did since, and how soon they came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from retention.lib.intervals import Survival, kaplan_meier
from retention.metrics import facts, months
from retention.metrics.answers import EVERYBODY, Cell, Cohort, Slice
from retention.metrics.reading import cohort_range, narrowed, rest_of_month, rows_of, today
from retention.stores.models import Store

CURVE_DAYS = (30, 60, 90, 180, 365)
NO_CELL = (0, 0, 0)


def cohort_matrix(store: Store, slice: Slice = EVERYBODY, as_of: date | None = None) -> list[Cohort]:
    """Cohorts with their months, oldest first, as known at the end of `as_of`."""
    until = as_of or today(store)
    last = months.month_of(until)
    low, high = cohort_range(slice, last)
    where, given = narrowed(store, replace(slice, start=None))
    cells: Cells = {}
    if slice.rollup:
        _add_cells(
            cells,
            rows_of(
                "SELECT cohort, month, active, purchases, sales - refunds FROM metrics_cohortmonth"
                " WHERE store_id = %s AND dimension = %s AND value = %s"
                " AND cohort BETWEEN %s AND %s AND month <= %s",
                [store.pk, *slice.rollup, low, high, last],
            ),
        )
        rest = rest_of_month(until)
        if rest:
            _add_facts(cells, f"{where} AND p.day > %s AND p.day <= %s", [*given, *rest], (low, high), -1)
    else:
        _add_facts(cells, f"{where} AND p.day <= %s", [*given, until], (low, high), 1)
    return _cohorts(cells, last, months.last_complete(until))


# cohort -> month -> (active, purchases, net revenue)
Cells = dict[int, dict[int, tuple[int, int, int]]]


def _add_facts(cells: Cells, where: str, given: list[Any], cohorts: tuple[int, int], sign: int) -> None:
    within = f"{where} AND p.cohort BETWEEN %s AND %s"
    bought = rows_of(
        "SELECT p.cohort, p.month, sum(p.first_in_month::int), count(*), sum(p.sales - p.undated)::bigint"
        f" FROM metrics_purchase p WHERE {within} GROUP BY 1, 2",
        [*given, *cohorts],
    )
    back = rows_of(
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
    return repeat_curves(store, slice, as_of, [cohort], days)[0]


def repeat_curves(
    store: Store, slice: Slice, as_of: date | None, cohorts: Sequence[int | None], days: Iterable[int]
) -> list[list[Survival]]:
    """`repeat_curve` of each of these; None is everybody. Three queries where a rollup answers."""
    until, asked = as_of or today(store), sorted(days)
    if slice.rollup and not slice.start and not slice.end:
        # Beyond the last day that is asked for, only how many there are matters.
        found = _curves_rollup(store, slice, until, [cohort or 0 for cohort in cohorts], asked[-1] + 1)
    else:
        found = [_curve_facts(store, slice, until, cohort) for cohort in cohorts]
    return [kaplan_meier(events, waiting, asked) for events, waiting in found]


# (days until the second purchase, people), and (days waited so far, people who still wait).
Seen = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def _curves_rollup(store: Store, slice: Slice, until: date, cohorts: list[int], far: int) -> list[Seen]:
    """`far` stands for that many days and for more; cohort 0 is everybody."""
    assert slice.rollup
    seen: dict[int, Seen] = {cohort: ([], []) for cohort in cohorts}
    gaps = rows_of(
        "SELECT cohort, least(gap, %s), sum(customers)::bigint FROM metrics_secondgap WHERE store_id = %s"
        " AND dimension = %s AND value = %s AND cohort = ANY(%s) GROUP BY 1, 2",
        [far, store.pk, *slice.rollup, cohorts],
    )
    for cohort, gap, n in gaps:
        seen[cohort][0].append((gap, n))
    waiting = rows_of(
        f"SELECT {facts.month('day')}, least(%s - day, %s), sum(new_customers - returned)::bigint"
        " FROM metrics_daily WHERE store_id = %s AND dimension = %s AND value = %s AND day <= %s"
        " GROUP BY 1, 2",
        [until, far, store.pk, *slice.rollup, until],
    )
    for cohort, waited, n in waiting:
        for key in {0, cohort} & seen.keys():
            seen[key][1].append((waited, n))
    where, given = narrowed(store, slice)
    # Who came back after `as_of` was still waiting on that day, or, if new after it, not there at all.
    later = rows_of(
        "SELECT p.cohort, p.first_day, p.day - p.first_day, count(*) FROM metrics_purchase p"
        f" WHERE {where} AND p.nth = 2 AND p.day > %s GROUP BY 1, 2, 3",
        [*given, until],
    )
    for cohort, first, gap, n in later:
        for key in {0, cohort} & seen.keys():
            seen[key][0].append((min(gap, far), -n))
            if first <= until:
                seen[key][1].append((min((until - first).days, far), n))
    return [seen[cohort] for cohort in cohorts]


def _curve_facts(store: Store, slice: Slice, until: date, cohort: int | None) -> Seen:
    low, high = (cohort, cohort) if cohort else cohort_range(slice, months.month_of(until))
    bounds = (months.first_day(max(low, 12)), min(months.last_day(high), until))
    where, given = narrowed(store, replace(slice, start=None))
    rows = rows_of(
        "SELECT %s - p.first_day, CASE WHEN p.second_day <= %s THEN p.second_day - p.first_day END, count(*)"
        f" FROM metrics_customerfact p WHERE {where} AND p.first_day BETWEEN %s AND %s GROUP BY 1, 2",
        [until, until, *given, *bounds],
    )
    return [(gap, n) for _, gap, n in rows if gap is not None], [(w, n) for w, gap, n in rows if gap is None]
