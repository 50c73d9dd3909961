"""Our answers and DuckDB's in one shape, so that they can be compared to the unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from retention.lib.intervals import kaplan_meier
from retention.metrics import queries
from retention.metrics.queries import EVERYBODY, Cohort, Mean, Quartiles, Rate
from retention.stores.models import Store

Ask = Callable[[Store, date], Any]
Plain = Callable[[Any], object]


def _cells(cohorts: list[Cohort]) -> object:
    return [
        (c.month, c.month + cell.k, cell.active, cell.purchases, cell.net_revenue)
        for c in cohorts
        for cell in c.cells
        if cell.active or cell.net_revenue
    ]


def _rate(rate: Rate) -> object:
    return rate.n, rate.successes


def _mean(mean: Mean) -> object:
    return mean.n, round((mean.value or 0) * mean.n)


def _quartiles(found: Quartiles) -> object:
    return found.lower, found.median, found.upper, found.n


def _curve(points: Any) -> object:
    return [(p.time, round(p.value, 12), p.at_risk) for p in points]


ANSWERS: dict[str, tuple[Ask, Plain]] = {
    "cohort_matrix": (lambda s, d: queries.cohort_matrix(s, EVERYBODY, d), _cells),
    "repeat_purchase_rate": (lambda s, d: queries.repeat_purchase_rate(s, EVERYBODY, d), _rate),
    "average_order_value": (lambda s, d: queries.average_order_value(s, EVERYBODY, d), _mean),
    "time_between_purchases": (lambda s, d: queries.time_between_purchases(s, EVERYBODY, d), _quartiles),
    "clv_to_date": (lambda s, d: queries.clv_to_date(s, EVERYBODY, d), _mean),
    "repeat_curve": (lambda s, d: queries.repeat_curve(s, EVERYBODY, d), _curve),
}


def from_duck(question: str, rows: list[tuple[Any, ...]], as_of: date) -> object:
    if question == "cohort_matrix":
        return [tuple(map(int, row)) for row in rows if row[2] or row[4]]
    if question == "time_between_purchases":
        [(gaps, n)] = rows
        return (*gaps, n)
    if question == "repeat_curve":
        events = [(time, back) for time, back, _ in rows]
        waiting = [(time, n - back) for time, back, n in rows]
        return _curve(kaplan_meier(events, waiting, queries.CURVE_DAYS))
    return tuple(map(int, rows[0]))
