"""Calendar months as numbers, year * 12 + month - 1, so that months apart is a difference."""

from __future__ import annotations

from datetime import date, timedelta


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    return first_day(month + 1) - timedelta(days=1)


def name(month: int) -> str:
    """2026-03"""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def last_complete(as_of: date) -> int:
    """The latest month that is over at the end of `as_of`."""
    return month_of(as_of + timedelta(days=1)) - 1


def year_before(day: date) -> date:
    """The same date a year ago; 28 February for a leap day."""
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)
