"""Membership of other segments and lists, and chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retention.segments.conditions import Condition, Leaf, Node
from retention.segments.statement import Statement
from retention.segments.types import Json, Operator, Type

ID: Json = {"type": "integer", "minimum": 1, "maximum": 2**62}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 100}


def _member(s: Statement, what: str, value: int) -> str:
    return (
        "EXISTS (SELECT FROM segments_membership m WHERE m.customer_id = c.id"
        f" AND m.segment_id = {s.whole(value)} AND m.left_at IS NULL)"
    )


def _bucket(s: Statement, what: str, value: float) -> str:
    return f"{what} < {s.whole(round(value * 100))}"


def _in_or_out(value: Json, sql: object) -> dict[str, Operator]:
    return {
        "in": Operator("in", "includes them: {value}", value, sql),  # type: ignore[arg-type]
        "not_in": Operator(
            "not_in",
            "does not include them: {value}",
            value,
            lambda s, what, v: f"NOT {sql(s, what, v)}",  # type: ignore[operator]
        ),
    }


group = Type("segment", _in_or_out(ID, _member))
sample = Type("percent", _in_or_out(SHARE, _bucket))


@dataclass(frozen=True)
class InGroup(Condition):
    def hears(self, node: Node) -> tuple[str, ...]:
        # Those who move are handed on from segment to segment, not through the timeline.
        return ()

    def leaf(self, s: Statement, node: Node) -> Leaf:
        operator = group.operators[node["is"]]
        return Leaf(operator.sql(s, "", node["value"]), _member(s, "", node["value"]))


@dataclass(frozen=True)
class RandomShare(Condition):
    """The same people every time, as long as the salt is the same."""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        salted = f"{s.text(node['salt'])} || ':' || c.id"
        bucket = f"(('x' || substr(md5({salted}), 1, 8))::bit(32)::bigint % 10000)"
        operator = sample.operators[node["is"]]
        return Leaf(operator.sql(s, bucket, node["value"]), f"{bucket} / 100.0")


def conditions() -> Iterable[Condition]:
    yield InGroup("segments.member", "Segment", group, ())
    yield InGroup("lists.member", "List", group, ())
    salt = {"salt": {"type": "string", "minLength": 1, "maxLength": 64}}
    yield RandomShare("random.share", "Random share", sample, (), salt, ("salt",))
