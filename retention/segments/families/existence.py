"""Conditions that ask whether there is any row at all: bought or not, under way or not."""

from __future__ import annotations

from dataclasses import dataclass

from retention.segments.conditions import Leaf, Node, Rows, Summed, window_of
from retention.segments.statement import Statement


@dataclass(frozen=True)
class Exists(Summed):
    """Yes or no. `turning` is an aggregate over the same rows: when the next of them begins to count;
    `counting` is what makes a row count now."""

    counting: str = "true"
    turning: str = ""

    def rows_of(self, node: Node) -> Rows:
        return self.rows

    def leaf(self, s: Statement, node: Node) -> Leaf:
        rows = self.rows_of(node)
        frame, source = window_of(node.get("during")), rows.source(node)
        where = [rows.where, f"{rows.customer} = c.id", *self.narrowing(s, node)]
        inside = frame.inside(s, rows.when, moment=rows.moment) if frame else self.counting
        exists = f"EXISTS (SELECT FROM {source} WHERE {_all([*where, inside])})"
        turns = f"(SELECT {self.turning} FROM {source} WHERE {_all(where)})" if self.turning else None
        if frame and frame.moves:
            turns = Summed._crossing(_with(self, rows), s, source, where[:1] + where[2:], frame)
        if turns:
            turns = f"coalesce({turns}, 'infinity'::timestamptz)"
        value = f"(SELECT count(*) FROM {source} WHERE {_all([*where, inside])})"
        return Leaf(f"{'NOT ' if node['is'] == 'no' else ''}{exists}", value, turns)


def _with(condition: Exists, rows: Rows) -> Summed:
    return Summed(condition.name, condition.label, condition.type, condition.heard, rows=rows)


def _all(parts: list[str]) -> str:
    return " AND ".join(f"({part})" for part in parts)
