"""How figures are read: conditions on facts, sums of rollups, and days of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from retention.metrics import months
from retention.metrics.answers import Slice
from retention.metrics.rollups import DIMENSIONS
from retention.stores.models import Store


def today(store: Store) -> date:
    """The date it is in the store's time zone."""
    return timezone.now().astimezone(store.tz).date()


def rest_of_month(day: date) -> tuple[date, date] | None:
    end = months.last_day(months.month_of(day))
    return (day, end) if day < end else None


def cohort_range(slice: Slice, last: int) -> tuple[int, int]:
    low = months.month_of(slice.start) if slice.start else 1
    return low, min(months.month_of(slice.end), last) if slice.end else last


def daily_sums(
    store: Store, rollup: tuple[str, str], columns: list[str], *, until: date, since: date | None = None
) -> list[int]:
    sums = ", ".join(f"sum({column})" for column in columns)
    [row] = rows_of(
        f"SELECT {sums} FROM metrics_daily WHERE store_id = %s AND dimension = %s AND value = %s"
        " AND day BETWEEN %s AND %s",
        [store.pk, *rollup, since or date.min, until],
    )
    return [int(value or 0) for value in row]


def narrowed(
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


def rows_of(sql: str, given: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())
