"""What an address of a page says, read with care: anybody can type anything there."""

from __future__ import annotations


def id_of(text: str) -> int | None:
    """The number of a row; None for everything that cannot be one, such as thousands of digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
