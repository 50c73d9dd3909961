"""SQL under construction: text of ours with named gaps, and the values that belong in them.

A merchant's value never becomes text: `put` leaves a gap such as `{v3}`, which psycopg fills with a quoted
literal (so the planner knows the value), or with a parameter where a statement is prepared once for many.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg import sql

from retention.segments.benchmarks import Benchmarks

# Local midnight, said so that one which does not exist, or comes twice, is still the first moment of its day.
DAY_START = "((({day})::timestamp - interval '1 second') AT TIME ZONE {{zone}} + interval '1 second')"


class Statement:
    """Values and surroundings of one statement. `{store}`, `{zone}`, `{now}`, `{today}` are always known."""

    def __init__(self, store: int, zone: str, benchmarks: Benchmarks) -> None:
        self.store, self.zone, self.benchmarks = store, zone, benchmarks
        self.values: dict[str, Any] = {}

    def put(self, value: object, cast_to: str) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"({{{name}}})::{cast_to}"

    def whole(self, value: object) -> str:
        return self.put(value, "bigint")

    def text(self, value: object) -> str:
        return self.put(value, "text")

    def texts(self, values: object) -> str:
        return self.put(values, "text[]")

    def filled(self, text: str, **gaps: sql.Composable) -> sql.Composed:
        """`text` with its values; `gaps` are what the caller fills in itself, such as now."""
        known = {name: sql.Literal(value) for name, value in self.values.items()}
        around = {"store": sql.Literal(self.store), "zone": sql.Literal(self.zone)}
        return sql.SQL(text).format(**known, **around, **gaps)

    def at(self, text: str, now: datetime, **gaps: sql.Composable) -> str:
        """The finished statement for one moment."""
        return spelled(self.filled(text, **moment(now, self.zone), **gaps))


def moment(now: datetime, zone: str) -> dict[str, sql.Composable]:
    """What `{now}` and `{today}` stand for at a moment."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return {"now": sql.Literal(now), "today": sql.Literal(today)}


def spelled(composed: sql.Composable) -> str:
    connection.ensure_connection()
    return composed.as_string(connection.connection)


def day_start(day: str) -> str:
    """SQL: the first moment of a local day."""
    return DAY_START.format(day=day)
