"""What hangs on people: tables of upper apps with a column `customer_id`, declared in their `vocabulary.py`.

So that merging moves them, exporting shows them and erasing reaches them, without this app knowing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Fact:
    """One table. `parts` are tables of its rows' details, with the column that points here; `texts` are
    columns that people write into, emptied when the person is erased."""

    name: str
    table: str
    parts: dict[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trace:
    """Something that names people without hanging on them: found by the words that name them."""

    name: str
    erase: Callable[[int, list[str]], None]


FACTS: dict[str, Fact] = {}
TRACES: dict[str, Trace] = {}


def hangs_on_people(
    name: str, *, table: str, parts: dict[str, str] | None = None, texts: tuple[str, ...] = ()
) -> None:
    FACTS[name] = Fact(name, table, parts or {}, texts)


def names_people(name: str, erase: Callable[[int, list[str]], None]) -> None:
    """`erase(store_id, words)` removes what holds any of the words: addresses and ids of an erased person."""
    TRACES[name] = Trace(name, erase)
