"""Why somebody is in a segment or not: each condition with its answer and the value behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from retention.segments import rules
from retention.segments.compiling import Compiled, compiled
from retention.segments.members import Surroundings
from retention.segments.rules import Path, Rule
from retention.segments.schema import GROUPS
from retention.segments.windows import NEVER
from retention.stores.models import Store


@dataclass(frozen=True)
class Explained:
    """A node of a rule for one person. `kind`: all, any, not or if.

    A condition has `words`, the `value` found (None: nothing) and, if time alone can change its answer,
    `turns_at`.
    """

    path: Path
    kind: str
    holds: bool
    words: str = ""
    value: Any = None
    turns_at: datetime | None = None
    children: tuple[Explained, ...] = ()

    def conditions(self) -> Iterator[Explained]:
        if self.kind == "if":
            yield self
        for child in self.children:
            yield from child.conditions()


Answer = tuple[bool, Any, datetime | None]


def explain(store: Store, rule: Rule, customer: int, now: datetime) -> Explained | None:
    """None when there is no such customer in the store."""
    around = Surroundings.of(store)
    statement = around.statement()
    one = compiled(rule, statement)
    columns = []
    for leaf in one.found.values():
        columns += [
            f"({leaf.holds}) IS TRUE",
            f"to_jsonb({leaf.value})",
            f"nullif({leaf.turns or NEVER}, {NEVER})",
        ]
    text = (
        f"SELECT {', '.join(columns)} FROM customers_customer c"
        " LEFT JOIN metrics_customerfact f ON f.customer_id = c.id"
        f" WHERE c.id = {statement.whole(customer)} AND c.store_id = {{store}}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.at(text, now))
        row = cursor.fetchone()
    if row is None:
        return None
    return _node(rule, (), store, _answers(one, row))


def _answers(one: Compiled, row: tuple[Any, ...]) -> dict[Path, Answer]:
    found = {}
    for i, path in enumerate(one.found):
        holds, value, turns_at = row[3 * i : 3 * i + 3]
        found[path] = (holds, None if value is None else json.loads(value), turns_at)
    return found


def _node(node: Rule, path: Path, store: Store, found: dict[Path, Answer]) -> Explained:
    if "if" in node:
        holds, value, turns_at = found[path]
        return Explained(path, "if", holds, rules.words(node, store), value, turns_at)
    if "not" in node:
        child = _node(node["not"], (*path, "not"), store, found)
        return Explained(path, "not", not child.holds, children=(child,))
    name = next(group for group in GROUPS if group in node)
    children = tuple(_node(child, (*path, name, i), store, found) for i, child in enumerate(node[name]))
    holds = (all if name == "all" else any)(child.holds for child in children)
    return Explained(path, name, holds, children=children)
