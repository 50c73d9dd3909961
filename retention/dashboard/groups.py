"""The people behind a number as a rule, so that a segment can be made of them in one click.

What was true for a past day stays so: the rule then names its days. A window that ends today moves on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from retention.dashboard import queries
from retention.dashboard.filters import DIMENSIONS
from retention.dashboard.numbers import TREND_LABELS, Answer, Question
from retention.metrics import months
from retention.segments.rules import Rule

MEMBER = {"rule": "segments.member", "list": "lists.member"}


def new_segment_link(name: str, question: Question, answer: Answer) -> str:
    """Where the builder opens with these people; "" for a number whose people no rule tells."""
    narrowed = queries.segment_of(question.store, question.filters.segment)
    if name not in RULES or (question.filters.segment and narrowed is None):
        return ""
    parts = RULES[name](question)
    if narrowed:
        parts.append(_if(MEMBER[narrowed.kind], "in", narrowed.pk))
    for dimension in DIMENSIONS:
        if dimension in question.filters.where:
            parts.append(_first(dimension, question.filters.where[dimension]))
    title = f"{answer.label}: {answer.people_title.lower()}"
    query = {"name": title[:120], "rule": json.dumps({"all": parts}, separators=(",", ":"))}
    return f"{reverse('segments:new', args=[question.store.slug])}?{urlencode(query)}"


def _if(name: str, operator: str, value: Any = None, **extras: Any) -> Rule:
    return {"if": name, "is": operator, **({} if value is None else {"value": value}), **extras}


def _first(dimension: str, value: str) -> Rule:
    name = f"orders.first_{dimension}"
    return _if(name, "is", value) if value else _if(name, "not_set")


def _bought(times: int, frame: Rule | None) -> Rule:
    return _if("orders.count", "at_least", times, **({"during": frame} if frame else {}))


def _window(q: Question, days: int | None) -> Rule | None:
    """The days of the page, as a time frame."""
    if q.when.as_of < q.when.today:
        if days is None:
            return {"is": "before", "value": (q.when.as_of + timedelta(days=1)).isoformat()}
        return _between(q.when.as_of - timedelta(days=days - 1), q.when.as_of)
    return None if days is None else {"is": "in_last", "value": {"n": days, "unit": "days"}}


def _between(first: date, last: date) -> Rule:
    return {"is": "between", "value": [first.isoformat(), last.isoformat()]}


def _of_month(month: date, until: date | None = None) -> Rule:
    last = months.last_day(months.month_of(month))
    return _between(month, min(last, until) if until and until >= month else last)


def _cohort_of(month: date) -> Rule:
    return {"if": "orders.first", **_of_month(month)}


def _repeat_rate(q: Question) -> list[Rule]:
    return [_bought(1 if q.everybody else 2, _window(q, q.filters.days))]


def _order_value(q: Question) -> list[Rule]:
    return [_bought(1, _window(q, q.filters.days))]


def _lifetime_value(q: Question) -> list[Rule]:
    reached = months.last_complete(q.when.as_of) - 12
    return [_if("orders.first", "before", months.first_day(reached + 1).isoformat())]


def _time_between(q: Question) -> list[Rule]:
    return [_bought(2, _window(q, None))]


def _cohort(q: Question) -> list[Rule]:
    if q.month is None:
        return [_bought(1, None)]
    found = [_cohort_of(q.month)]
    if q.k is not None and not q.everybody:
        found.append(_bought(1, _of_month(months.first_day(months.month_of(q.month) + q.k))))
    return found


def _second_order(q: Question) -> list[Rule]:
    found = [_cohort_of(q.month)] if q.month else []
    return [*found, _bought(1, None) if q.everybody else _bought(2, _window(q, None))]


def _month_bought(q: Question) -> list[Rule]:
    month = q.month or months.first_day(months.month_of(q.when.as_of))
    return [_bought(1, _of_month(month, q.when.as_of))]


def _month_new(q: Question) -> list[Rule]:
    return [_cohort_of(q.month or months.first_day(months.month_of(q.when.as_of)))]


RULES: dict[str, Callable[[Question], list[Rule]]] = {
    "repeat-rate": _repeat_rate,
    "lifetime-value": _lifetime_value,
    "order-value": _order_value,
    "time-between": _time_between,
    "cohort": _cohort,
    "second-order": _second_order,
    **dict.fromkeys(TREND_LABELS, _month_bought),
    "new-customers": _month_new,
}
