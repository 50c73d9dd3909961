"""What can be asked of a value: the operators of each type, their JSON, their words and their SQL.

SQL of an operator may be NULL, which means no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from retention.lib import formats
from retention.segments import anniversaries
from retention.segments.statement import Statement
from retention.segments.windows import (
    UNITS,
    DaysAgo,
    Fixed,
    HoursAgo,
    HourWindow,
    PeriodEnd,
    PeriodStart,
    Window,
    ahead,
    back,
)

Json = dict[str, Any]
LARGEST = 10**15
NUMBER: Json = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 500}
TEXTS: Json = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 1000}
COUNT: Json = {"type": "integer", "minimum": 1, "maximum": 3650}
DAY: Json = {"type": "string", "format": "date"}
PAIR: Json = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
# Of what is counted nothing is below zero; money can be, when more came back than was paid.
COUNTED: Json = {**NUMBER, "minimum": 0}
COUNTED_PAIR: Json = {**PAIR, "items": COUNTED}


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


UNIT: Json = {"enum": list(UNITS)}
SPAN = _object(n=COUNT, unit=UNIT)
DAY_UNIT: Json = {"enum": ["days", "weeks", "months"]}
DAY_SPAN = _object(n=COUNT, unit=DAY_UNIT)
BETWEEN_AGO = {
    **_object(**{"from": {"type": "integer", "minimum": 0, "maximum": 3650}, "to": COUNT, "unit": UNIT})
}
PERIOD: Json = {"enum": ["week", "month", "quarter", "year"]}


@dataclass(frozen=True)
class Operator:
    """`words` complete "Number of purchases ..."; `{value}` is the value in words."""

    name: str
    words: str
    value: Json | None
    sql: Callable[[Statement, str, Any], str]
    # What holds for somebody of whom nothing is known (no row, number 0): decides how a set is searched.
    of_nothing: Callable[[Any], bool] = lambda value: False


@dataclass(frozen=True)
class DateOperator:
    name: str
    words: str
    value: Json | None
    window: Callable[[Any], Window]
    yearly: bool = False
    # Not in the window, or no date at all.
    negated: bool = False


@dataclass(frozen=True)
class Type:
    name: str
    operators: dict[str, Operator] = field(default_factory=dict)
    dates: dict[str, DateOperator] = field(default_factory=dict)
    # Hours need a moment; days need no more than a date.
    moment: bool = False

    def operator(self, name: str) -> Operator | DateOperator | None:
        return self.operators.get(name) or self.dates.get(name)

    def names(self) -> list[str]:
        return [*self.operators, *self.dates]


def _number(s: Statement, value: float) -> str:
    # Whole numbers stay whole: comparing as numeric costs a conversion per row.
    if isinstance(value, int):
        return s.whole(value)
    return s.put(Decimal(str(value)), "numeric")


def _compare(sign: str) -> Callable[[Statement, str, Any], str]:
    return lambda s, what, value: f"({what}) {sign} {_number(s, value)}"


def _between(s: Statement, what: str, value: list[float]) -> str:
    low, high = sorted(value)
    return f"({what}) BETWEEN {_number(s, low)} AND {_number(s, high)}"


SET = Operator("set", "is known", None, lambda s, what, value: f"({what}) IS NOT NULL")
NOT_SET = Operator(
    "not_set", "is not known", None, lambda s, what, value: f"({what}) IS NULL", lambda value: True
)


def _operators(*operators: Operator) -> dict[str, Operator]:
    return {operator.name: operator for operator in operators}


NUMBERS = _operators(
    Operator("equals", "is {value}", NUMBER, _compare("="), lambda value: value == 0),
    Operator("not_equals", "is not {value}", NUMBER, _compare("<>"), lambda value: value != 0),
    Operator("at_least", "is at least {value}", NUMBER, _compare(">="), lambda value: value <= 0),
    Operator("more_than", "is more than {value}", NUMBER, _compare(">"), lambda value: value < 0),
    Operator("at_most", "is at most {value}", NUMBER, _compare("<="), lambda value: value >= 0),
    Operator("less_than", "is less than {value}", NUMBER, _compare("<"), lambda value: value > 0),
    Operator("between", "is from {value}", PAIR, _between, lambda value: min(value) <= 0 <= max(value)),
)
COUNTS = {
    name: replace(one, value=COUNTED_PAIR if one.value is PAIR else COUNTED) for name, one in NUMBERS.items()
}
# A quotient of nothing is unknown: then only "is not known" holds.
QUOTIENTS = {
    **{name: Operator(o.name, o.words, o.value, o.sql) for name, o in NUMBERS.items()},
    **_operators(SET, NOT_SET),
}


def _text(form: str) -> Callable[[Statement, str, Any], str]:
    return lambda s, what, value: form.format(what=f"lower({what})", value=f"lower({s.text(value)})")


def _any_text(form: str) -> Callable[[Statement, str, Any], str]:
    return lambda s, what, value: form.format(
        what=f"lower({what})", value=s.texts([one.lower() for one in value])
    )


def _both(name: str, words: str, no: str, yes_sql: str) -> tuple[Operator, Operator]:
    """An operator on text and its negation, which also holds where there is no text."""
    return (
        Operator(name, words, TEXT, _text(yes_sql)),
        Operator(f"not_{name}", no, TEXT, _text(f"({yes_sql}) IS NOT TRUE"), lambda value: True),
    )


TEXT_OPERATORS = _operators(
    Operator("is", "is {value}", TEXT, _text("{what} = {value}")),
    Operator("is_not", "is not {value}", TEXT, _text("{what} IS DISTINCT FROM {value}"), lambda value: True),
    *_both("contains", "contains {value}", "does not contain {value}", "position({value} IN {what}) > 0"),
    *_both(
        "starts_with", "starts with {value}", "does not start with {value}", "starts_with({what}, {value})"
    ),
    *_both(
        "ends_with",
        "ends with {value}",
        "does not end with {value}",
        "right({what}, length({value})) = {value}",
    ),
    Operator("is_any_of", "is one of {value}", TEXTS, _any_text("{what} = ANY({value})")),
    Operator(
        "is_none_of",
        "is none of {value}",
        TEXTS,
        _any_text("({what} = ANY({value})) IS NOT TRUE"),
        lambda value: True,
    ),
    Operator("set", "is known", None, lambda s, what, value: f"({what}) <> ''"),
    Operator(
        "not_set",
        "is not known",
        None,
        lambda s, what, value: f"({what} <> '') IS NOT TRUE",
        lambda value: True,
    ),
)


def _has(form: str, *, many: bool = True) -> Callable[[Statement, str, Any], str]:
    """`what` is a text[] in lower case, never NULL."""
    return lambda s, what, value: form.format(
        what=f"({what})", value=s.texts([one.lower() for one in (value if many else [value])])
    )


def _size(sign: str) -> Callable[[Statement, str, Any], str]:
    return lambda s, what, value: f"cardinality({what}) {sign} {s.whole(value)}"


SIZE: Json = {"type": "integer", "minimum": 0, "maximum": 1000}
LISTS = _operators(
    Operator("has", "include {value}", TEXT, _has("{what} @> {value}", many=False)),
    Operator("has_not", "do not include {value}", TEXT, _has("NOT {what} @> {value}", many=False)),
    Operator("has_any_of", "include one of {value}", TEXTS, _has("{what} && {value}")),
    Operator("has_all_of", "include all of {value}", TEXTS, _has("{what} @> {value}")),
    Operator("has_none_of", "include none of {value}", TEXTS, _has("NOT {what} && {value}")),
    Operator("empty", "are empty", None, lambda s, what, value: f"cardinality({what}) = 0"),
    Operator("not_empty", "are not empty", None, lambda s, what, value: f"cardinality({what}) > 0"),
    Operator("count_at_least", "are at least {value}", SIZE, _size(">=")),
    Operator("count_at_most", "are at most {value}", SIZE, _size("<=")),
)

YES_OR_NO = _operators(
    Operator("yes", "holds", None, lambda s, what, value: f"({what}) IS TRUE"),
    Operator("no", "does not hold", None, lambda s, what, value: f"({what}) IS FALSE"),
    SET,
    NOT_SET,
)
SURE = {name: YES_OR_NO[name] for name in ("yes", "no")}


def _hours(value: Any) -> bool:
    return bool(value["unit"] == "hours")


def _in_last(value: Any) -> Window:
    if _hours(value):
        return HourWindow(HoursAgo(hours=value["n"]), HoursAgo(hours=0))
    return Window(back(value, 1), DaysAgo(days=0))


def _more_than_ago(value: Any) -> Window:
    if _hours(value):
        return HourWindow(None, HoursAgo(hours=value["n"]))
    return Window(None, back(value, -1))


def _between_ago(value: Any) -> Window:
    near, far = sorted((value["from"], value["to"]))
    if _hours(value):
        return HourWindow(HoursAgo(hours=far), HoursAgo(hours=near))
    return Window(back({**value, "n": far}), back({**value, "n": near}))


def _in_next(value: Any) -> Window:
    if _hours(value):
        return HourWindow(HoursAgo(hours=0), HoursAgo(hours=-value["n"]))
    return Window(DaysAgo(days=0), ahead(value, -1))


def _exactly_ago(value: Any) -> Window:
    return Window(back(value), back(value))


def _fixed(text: str, shift: int = 0) -> Fixed:
    return Fixed(day=date.fromordinal(date.fromisoformat(text).toordinal() + shift))


def _between_days(value: Any) -> Window:
    first, last = sorted(value)
    return Window(_fixed(first), _fixed(last))


def _this(value: Any) -> Window:
    return Window(PeriodStart(unit=value), PeriodEnd(unit=value))


def _previous(value: Any) -> Window:
    return Window(PeriodStart(unit=value, back=1), PeriodEnd(unit=value, back=1))


def _today(value: Any) -> Window:
    return Window(DaysAgo(days=0), DaysAgo(days=0))


DAYS: Json = {"type": "array", "items": DAY, "minItems": 2, "maxItems": 2}
YEAR_SPAN = _object(n={"type": "integer", "minimum": 1, "maximum": 365}, unit={"enum": ["days"]})
WINDOWS = {
    operator.name: operator
    for operator in (
        DateOperator("in_last", "in the last {value}", SPAN, _in_last),
        DateOperator("more_than_ago", "more than {value} ago", SPAN, _more_than_ago),
        DateOperator("between_ago", "{value} ago", BETWEEN_AGO, _between_ago),
        DateOperator("exactly_ago", "exactly {value} ago", DAY_SPAN, _exactly_ago),
        DateOperator("in_next", "in the next {value}", SPAN, _in_next),
        DateOperator("today", "today", None, _today),
        DateOperator("this", "this {value}", PERIOD, _this),
        DateOperator("previous", "last {value}", PERIOD, _previous),
        DateOperator("on", "on {value}", DAY, lambda value: Window(_fixed(value), _fixed(value))),
        DateOperator("before", "before {value}", DAY, lambda value: Window(None, _fixed(value, -1))),
        DateOperator("after", "after {value}", DAY, lambda value: Window(_fixed(value, 1), None)),
        DateOperator("between", "from {value}", DAYS, _between_days),
    )
}
YEARLY = {
    operator.name: operator
    for operator in (
        DateOperator("anniversary_today", "has its anniversary today", None, _today, yearly=True),
        DateOperator(
            "anniversary_in_next",
            "has its anniversary in the next {value}",
            YEAR_SPAN,
            _in_next,
            yearly=True,
        ),
    )
}


def _asked(operator: DateOperator) -> DateOperator:
    return DateOperator(operator.name, f"was {operator.words}", operator.value, operator.window)


MONTHS: Json = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 12},
    "minItems": 1,
    "maxItems": 12,
}


def _month_in(s: Statement, what: str, value: list[int]) -> str:
    return f"extract(month FROM {what}) = ANY({s.put(value, 'int[]')})"


DATES = {
    **{name: _asked(operator) for name, operator in WINDOWS.items()},
    "not_in_last": DateOperator("not_in_last", "was not in the last {value}", SPAN, _in_last, negated=True),
    **YEARLY,
}
DATE_CHECKS = _operators(SET, NOT_SET, Operator("month", "is in the month of {value}", MONTHS, _month_in))

number = Type("number", COUNTS)
money = Type("money", NUMBERS)
quotient = Type("number", QUOTIENTS)
average = Type("money", QUOTIENTS)
percent = Type("percent", QUOTIENTS)
text = Type("text", TEXT_OPERATORS)
texts = Type("list", LISTS)
maybe = Type("boolean", YES_OR_NO)
sure = Type("boolean", SURE)
day = Type("date", DATE_CHECKS, DATES)
moment = Type("date", DATE_CHECKS, DATES, moment=True)


def date_leaf(
    s: Statement, operator: DateOperator, value: Any, what: str, *, moment: bool
) -> tuple[str, str | None, str]:
    """(holds, next turn, holds now or later) of a date operator on `what`."""
    window = operator.window(value)
    if operator.yearly:
        local = f"(({what}) AT TIME ZONE {{zone}})::date" if moment else what
        return (
            anniversaries.inside(s, window, local),
            anniversaries.turns(s, window, local),
            f"{what} IS NOT NULL",
        )
    inside = window.inside(s, what, moment=moment)
    turns = window.turns(s, what, moment=moment)
    if operator.negated:
        return f"({inside}) IS NOT TRUE", turns, "true"
    return inside, turns, window.reachable(s, what, moment=moment)


def in_words(kind: Type, operator: Operator | DateOperator, value: Any, *, currency: str, locale: str) -> str:
    """The value as a person reads it."""
    if kind.name == "money" and isinstance(value, (int, float)):
        return formats.money(value, currency, locale)
    if kind.name == "money" and isinstance(value, list):
        return " to ".join(formats.money(one, currency, locale) for one in value)
    if kind.name == "percent":
        return " to ".join(f"{one:g} %" for one in (value if isinstance(value, list) else [value]))
    return _said(operator, value, locale)


def _said(operator: Operator | DateOperator, value: Any, locale: str) -> str:
    if isinstance(value, dict) and "from" in value:
        return f"{value['from']} to {value['to']} {value['unit']}"
    if isinstance(value, dict) and "n" in value:
        return f"{value['n']} {value['unit'] if value['n'] != 1 else value['unit'][:-1]}"
    if operator.value in (DAY, DAYS):
        days = value if isinstance(value, list) else [value]
        return " to ".join(formats.day(date.fromisoformat(one), locale) for one in days)
    if operator.value is MONTHS:
        return " or ".join(date(2000, one, 1).strftime("%B") for one in value)
    if operator.value in (PAIR, COUNTED_PAIR):
        return f"{value[0]:g} to {value[1]:g}"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
