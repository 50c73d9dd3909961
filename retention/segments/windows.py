"""Spans of time that move with today: which days lie in one, and when a given day enters or leaves it.

A day lies in a window when low <= day <= high. Both ends move forward only, so for a fixed day there is one
moment of entering (high reaches it) and one of leaving (low passes it): that is what makes the next change
of a segment a number to be computed, not a question to be asked every night.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import Any

from retention.segments.statement import Statement, day_start

NEVER = "'infinity'::timestamptz"


@dataclass(frozen=True)
class Edge(ABC):
    """An end of a window, as SQL. `moves` tells whether it depends on today."""

    moves: bool = False

    @abstractmethod
    def at(self, s: Statement) -> str:
        """SQL: the day where this edge is."""

    @abstractmethod
    def reached(self, s: Statement, day: str) -> str:
        """SQL: the first today on which this edge is at `day` or later."""


@dataclass(frozen=True)
class Fixed(Edge):
    day: date = date.min

    def at(self, s: Statement) -> str:
        return s.put(self.day, "date")

    def reached(self, s: Statement, day: str) -> str:
        return NEVER


@dataclass(frozen=True)
class DaysAgo(Edge):
    days: int = 0
    moves: bool = True

    def at(self, s: Statement) -> str:
        return f"({{today}} - {s.put(self.days, 'int')})"

    def reached(self, s: Statement, day: str) -> str:
        return f"(({day}) + {s.put(self.days, 'int')})"


@dataclass(frozen=True)
class MonthsAgo(Edge):
    """So many calendar months back (ahead when negative), and then `shift` days. 31 March minus one month is
    the last day of February."""

    months: int = 0
    shift: int = 0
    moves: bool = True

    def at(self, s: Statement) -> str:
        months, shift = s.put(self.months, "int"), s.put(self.shift, "int")
        return f"(({{today}} - make_interval(months => {months}))::date + {shift})"

    def reached(self, s: Statement, day: str) -> str:
        months, shift = s.put(self.months, "int"), s.put(self.shift, "int")
        # When the month is too short for the day, it is reached by the first of the next month only.
        return (
            "(SELECT CASE WHEN extract(day FROM m.there) < extract(day FROM m.here) THEN m.there + 1"
            " ELSE m.there END FROM"
            f" (SELECT x.here, (x.here + make_interval(months => {months}))::date AS there"
            f" FROM (SELECT ({day}) - {shift} AS here) x) m)"
        )


PERIODS = {"week": "7 days", "month": "1 month", "quarter": "3 months", "year": "1 year"}


@dataclass(frozen=True)
class PeriodStart(Edge):
    """The first day of the calendar week, month, quarter or year `back` periods before the present one."""

    unit: str = "month"
    back: int = 0
    moves: bool = True

    def _shifted(self, day: str, periods: int) -> str:
        return f"(date_trunc('{self.unit}', {day}) + {periods} * interval '{PERIODS[self.unit]}')::date"

    def at(self, s: Statement) -> str:
        return self._shifted("{today}::timestamp", -self.back)

    def reached(self, s: Statement, day: str) -> str:
        # The first period that starts at `day` or later is the one after the day before it.
        return self._shifted(f"(({day}) - 1)::timestamp", 1 + self.back)


@dataclass(frozen=True)
class PeriodEnd(PeriodStart):
    """The last day of it."""

    def at(self, s: Statement) -> str:
        return f"({self._shifted('{today}::timestamp', 1 - self.back)} - 1)"

    def reached(self, s: Statement, day: str) -> str:
        return self._shifted(f"({day})::timestamp", self.back)


@dataclass(frozen=True)
class Window:
    """`low` and `high` are included; None is without end."""

    low: Edge | None = None
    high: Edge | None = None

    @property
    def moves(self) -> bool:
        return any(edge is not None and edge.moves for edge in (self.low, self.high))

    def inside(self, s: Statement, what: str, *, moment: bool) -> str:
        parts = [
            self._from(s, what, moment) if self.low else "",
            f"NOT ({self.beyond(s, what, moment=moment)})" if self.high else "",
        ]
        return " AND ".join(part for part in parts if part) or f"{what} IS NOT NULL"

    def _from(self, s: Statement, what: str, moment: bool) -> str:
        assert self.low is not None
        low = self.low.at(s)
        return f"{what} >= {day_start(low)}" if moment else f"{what} >= {low}"

    def beyond(self, s: Statement, what: str, *, moment: bool) -> str:
        """Still to come: later than the window."""
        if self.high is None:
            return "false"
        high = self.high.at(s)
        return f"{what} >= {day_start(f'{high} + 1')}" if moment else f"{what} > {high}"

    def reachable(self, s: Statement, what: str, *, moment: bool) -> str:
        """Inside now, or later without anything happening but time."""
        if self.high is None or not self.high.moves:
            return self.inside(s, what, moment=moment)
        return self._from(s, what, moment) if self.low else f"{what} IS NOT NULL"

    def enters(self, s: Statement, what: str, *, moment: bool) -> str:
        """SQL: when something beyond the window will enter it."""
        if self.high is None or not self.high.moves:
            return NEVER
        return day_start(self.high.reached(s, _day(what, moment)))

    def leaves(self, s: Statement, what: str, *, moment: bool) -> str:
        """SQL: when something inside the window will leave it."""
        if self.low is None or not self.low.moves:
            return NEVER
        return day_start(self.low.reached(s, f"{_day(what, moment)} + 1"))

    def turns(self, s: Statement, what: str, *, moment: bool) -> str | None:
        """SQL: the next moment at which `what` crosses an end of the window; None if it never can."""
        if not self.moves:
            return None
        inside = self.inside(s, what, moment=moment)
        return (
            f"CASE WHEN {self.beyond(s, what, moment=moment)} THEN {self.enters(s, what, moment=moment)}"
            f" WHEN {inside} THEN {self.leaves(s, what, moment=moment)} ELSE {NEVER} END"
        )


@dataclass(frozen=True)
class HoursAgo(Edge):
    hours: int = 0
    moves: bool = True

    def at(self, s: Statement) -> str:
        return f"({{now}} - {s.put(self.hours, 'int')} * interval '1 hour')"

    def reached(self, s: Statement, day: str) -> str:
        return f"({day} + {s.put(self.hours, 'int')} * interval '1 hour')"


@dataclass(frozen=True)
class HourWindow(Window):
    """low < moment <= high, to the microsecond; for things that know their moment."""

    def _from(self, s: Statement, what: str, moment: bool) -> str:
        assert self.low is not None
        return f"{what} > {self.low.at(s)}"

    def beyond(self, s: Statement, what: str, *, moment: bool) -> str:
        return "false" if self.high is None else f"{what} > {self.high.at(s)}"

    def enters(self, s: Statement, what: str, *, moment: bool) -> str:
        return NEVER if self.high is None else self.high.reached(s, what)

    def leaves(self, s: Statement, what: str, *, moment: bool) -> str:
        return NEVER if self.low is None else self.low.reached(s, what)


def _day(what: str, moment: bool) -> str:
    return f"(({what}) AT TIME ZONE {{zone}})::date" if moment else what


UNITS = ("hours", "days", "weeks", "months")


def back(value: dict[str, Any], extra: int = 0) -> Edge:
    """The edge so many units before today, and `extra` days later."""
    n, unit = value["n"], value["unit"]
    if unit == "months":
        return MonthsAgo(months=n, shift=extra)
    return DaysAgo(days=n * (7 if unit == "weeks" else 1) - extra)


def ahead(value: dict[str, Any], extra: int = 0) -> Edge:
    return back({**value, "n": -value["n"]}, extra)
