"""Words that name a person, found in text: whole ones only, so that erasing one person harms nobody else.

A pattern reads the same for Python and for PostgreSQL, both without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Q

ERASED = "(erased)"
# What is shorter is no number of anybody, but a placeholder, and part of many other things.
FEWEST_DIGITS = 6


def is_number_of_somebody(phone: str) -> bool:
    return sum(sign.isdecimal() for sign in phone) >= FEWEST_DIGITS


def pattern(word: str) -> str:
    """Of an address, what is no part of a longer one: ann@example.com is not in joann@example.com."""
    before, after = (r"(?<![\w.+%-])", r"(?![\w-]|\.\w)") if "@" in word else (r"(?<!\w)", r"(?!\w)")
    return before + re.escape(word) + after


def without(text: str, words: Iterable[str]) -> str:
    """The text with the words crossed out."""
    for word in words:
        text = re.sub(pattern(word), ERASED, text, flags=re.IGNORECASE)
    return text


def names(text: str, words: Iterable[str]) -> bool:
    return any(re.search(pattern(word), text, re.IGNORECASE) for word in words)


def naming(field: str, words: Iterable[str]) -> Q:
    """Rows of which this field holds a word."""
    found = Q(pk__in=[])
    for word in words:
        found |= Q(**{f"{field}__iregex": pattern(word)})
    return found


def parts_of(word: str) -> list[str]:
    """Of a name its parts, because tables have a cell for each."""
    return [word] if "@" in word or any(sign.isdecimal() for sign in word) else word.split()
