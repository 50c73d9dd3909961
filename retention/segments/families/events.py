"""What somebody did, from the timeline. How often ever, and the first and last time, are kept per kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from retention.segments import types
from retention.segments.conditions import (
    DURING,
    Condition,
    Leaf,
    Node,
    Rows,
    Summed,
    hour_problems,
    value_problems,
    where_schema,
    window_of,
)
from retention.segments.families.orders import replace_as_summed
from retention.segments.statement import Statement, day_start
from retention.segments.windows import NEVER
from retention.timeline.kinds import KINDS

# Kinds that segments themselves write: a rule that hears them could chase its own tail.
OWN = "segment."
KIND = {"type": "string", "minLength": 1, "maxLength": 64}
TALLY = Rows("segments_tally r", "r.customer_id", "r.last_at", moment=True, where="r.store_id = {store}")
# The events of a record that was merged into another stay under its own number.
TOLD = Rows(
    "(SELECT e.customer_id, e.kind, e.occurred_at, e.data FROM timeline_event e WHERE e.store_id = {store}"
    " AND e.customer_id IS NOT NULL"
    " UNION ALL SELECT m.merged_into_id, e.kind, e.occurred_at, e.data FROM customers_customer m"
    " JOIN timeline_event e ON e.store_id = {store} AND e.customer_id = m.id"
    " WHERE m.store_id = {store} AND m.merged_into_id IS NOT NULL) r",
    "r.customer_id",
    "r.occurred_at",
    moment=True,
)
# Comparisons of a count that only ask whether there is any.
ANY = {("at_least", 1), ("more_than", 0)}
NONE = {("equals", 0), ("at_most", 0), ("less_than", 1)}


def _of_kind(s: Statement, node: Node, rows: Rows) -> Rows:
    return replace(rows, where=f"{rows.where} AND r.kind = {s.text(node['kind'])}")


def _payload(s: Statement, one: Node) -> str:
    """A condition on one field of an event's payload; numbers compare as numbers."""
    name = s.text(one["field"])
    text = f"(r.data ->> {name})"
    if operator := types.TEXT_OPERATORS.get(one["is"]):
        return f"({operator.sql(s, text, one.get('value'))}) IS TRUE"
    number = f"(CASE WHEN jsonb_typeof(r.data -> {name}) = 'number' THEN {text}::numeric END)"
    return f"({types.NUMBERS[one['is']].sql(s, number, one.get('value'))}) IS TRUE"


@dataclass(frozen=True)
class OfKind(Summed):
    """About events of one kind."""

    def hears(self, node: Node) -> tuple[str, ...]:
        return (node["kind"],)

    def problems(self, node: Node) -> Iterable[str]:
        if node["kind"] not in KINDS:
            yield f"knows no event “{node['kind']}”"
        if node["kind"].startswith(OWN):
            yield "cannot ask about segments: use the condition “In segment”"
        if during := node.get("during"):
            yield from value_problems(types.WINDOWS[during["is"]].value, during)
            yield from hour_problems(during, moment=True)
        for one in node.get("where", []):
            operator = types.TEXT_OPERATORS.get(one["is"]) or types.NUMBERS[one["is"]]
            yield from value_problems(operator.value, one)

    def leaf(self, s: Statement, node: Node) -> Leaf:
        return Summed.leaf(replace_as_summed(self, _of_kind(s, node, TALLY), self.sum), s, node)

    def sentence(self, node: Node, value: str) -> str:
        return super().sentence(node, value).replace("event", f"event “{node['kind']}”", 1)


@dataclass(frozen=True)
class Did(OfKind):
    """How many times. Reads single events only when the time frame or the payload matters."""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        if not node.get("where") and not node.get("during"):
            return super().leaf(s, node)
        if not node.get("where") and self._any(node):
            return self._recently(s, node)
        rows = _of_kind(s, node, TOLD)
        payload = [_payload(s, one) for one in node.get("where", [])]
        rows = replace(rows, where=" AND ".join([rows.where, *payload]))
        bare = {k: v for k, v in node.items() if k != "where"}
        return Summed.leaf(replace_as_summed(self, rows, "count(*)"), s, bare)

    def _any(self, node: Node) -> bool:
        during = node["during"]
        if during["is"] != "in_last" or during["value"]["unit"] == "hours":
            return False
        return (node["is"], node.get("value")) in ANY | NONE

    def _recently(self, s: Statement, node: Node) -> Leaf:
        """Any in the last so many days: the last time tells, unless it lies in the future."""
        frame, kind = window_of(node["during"]), s.text(node["kind"])
        assert frame is not None
        assert frame.low is not None
        mine = f"t.customer_id = c.id AND t.store_id = {{store}} AND t.kind = {kind}"
        low, tomorrow = day_start(frame.low.at(s)), day_start("{today} + 1")
        happened = f"segments_happened({{store}}, c.id, {kind}, {low}, {tomorrow})"
        tally = f"EXISTS (SELECT FROM segments_tally t WHERE {mine} AND t.last_at"
        holds = f"{tally} >= {low} AND (t.last_at < {tomorrow} OR {happened}))"
        late = f"{tally} >= {tomorrow})"
        leaves = frame.leaves(s, "t.last_at", moment=True)
        turn = (
            f"coalesce((SELECT CASE WHEN t.last_at >= {tomorrow} THEN {tomorrow}"
            f" WHEN t.last_at >= {low} THEN {leaves} END FROM segments_tally t WHERE {mine}), {NEVER})"
        )
        told = _of_kind(s, node, TOLD)
        inside = frame.inside(s, told.when, moment=True)
        value = (
            f"(SELECT count(*) FROM {told.table} WHERE r.customer_id = c.id AND {told.where} AND {inside})"
        )
        if (node["is"], node.get("value")) in NONE:
            return Leaf(f"NOT {holds}", value, turn, "true", f"({holds} OR {late})")
        return Leaf(holds, value, turn, f"({holds} OR {late})", "true")


def conditions() -> Iterable[Condition]:
    extras = {"kind": KIND, "during": DURING, "where": where_schema(None)}
    yield Did(
        "events.count", "Times of event", types.number, (), extras, ("kind",), rows=TOLD, sum="sum(r.times)"
    )
    yield OfKind(
        "events.last",
        "Last event",
        types.moment,
        (),
        {"kind": KIND},
        ("kind",),
        rows=TALLY,
        sum="max(r.last_at)",
    )
    yield OfKind(
        "events.first",
        "First event",
        types.moment,
        (),
        {"kind": KIND},
        ("kind",),
        rows=TALLY,
        sum="min(r.first_at)",
    )
