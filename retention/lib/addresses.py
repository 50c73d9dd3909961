"""What an address of a page says, read with care: anybody can type anything there."""

from __future__ import annotations

from datetime import datetime


def id_of(text: str) -> int | None:
    """The number of a row; None for everything that cannot be one, such as thousands of digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def place_of(text: str) -> tuple[datetime, int] | None:
    """Where a page of a timeline ends: "2026-03-01T12:00:00+00:00~17", a moment and the number of a row."""
    moment, _, number = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    pk = id_of(number)
    return None if at.tzinfo is None or pk is None else (at, pk)
