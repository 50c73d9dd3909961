"""Who may be written to, and how much they want to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from retention.customers.models import Channel, Frequency, Purpose, Status
from retention.segments import types
from retention.segments.conditions import Condition, Leaf, Node, Rows, Summed
from retention.segments.families.existence import Exists
from retention.segments.families.orders import replace_as_summed
from retention.segments.statement import Statement
from retention.segments.types import Json, Operator, Type

HEARD = ("customer.", "consent.", "preferences.")
EXTRAS: dict[str, Json] = {"channel": {"enum": Channel.values}, "purpose": {"enum": Purpose.values}}
CONSENTS = Rows("customers_consent k", "k.customer_id", "k.since", moment=True, where="k.store_id = {store}")
PREFERENCES = Rows(
    "customers_preference k",
    "k.customer_id",
    "k.paused_until",
    moment=True,
    where="k.paused_until IS NOT NULL",
)


def _choice(values: list[str]) -> Type:
    one: Json = {"enum": values}
    many: Json = {"type": "array", "items": one, "minItems": 1, "maxItems": len(values)}

    def among(s: Statement, what: str, value: Any) -> str:
        return f"{what} = ANY({s.texts(value if isinstance(value, list) else [value])})"

    def not_among(s: Statement, what: str, value: Any) -> str:
        return f"{what} <> ALL({s.texts(value if isinstance(value, list) else [value])})"

    operators = (
        Operator("is", "is {value}", one, among),
        Operator("is_not", "is not {value}", one, not_among),
        Operator("is_any_of", "is one of {value}", many, among),
        Operator("is_none_of", "is none of {value}", many, not_among),
    )
    return Type("choice", {operator.name: operator for operator in operators})


def _chosen(node: Node, values: list[str]) -> list[str]:
    """Which values satisfy the operator."""
    named = node["value"] if isinstance(node["value"], list) else [node["value"]]
    wanted = node["is"] in ("is", "is_any_of")
    return [value for value in values if (value in named) == wanted]


@dataclass(frozen=True)
class Chosen(Condition):
    """A value of which a missing row means `missing`."""

    table: str = ""
    column: str = ""
    values: tuple[str, ...] = ()
    missing: str = ""

    def narrowing(self, s: Statement, node: Node) -> str:
        return " AND ".join(
            ["k.customer_id = c.id", *(f"k.{name} = {s.text(node[name])}" for name in self.required)]
        )

    def leaf(self, s: Statement, node: Node) -> Leaf:
        chosen, mine = _chosen(node, list(self.values)), self.narrowing(s, node)
        value = f"coalesce((SELECT k.{self.column} FROM {self.table} k WHERE {mine}), {s.text(self.missing)})"
        nothing = self.missing in chosen
        sign = "<> ALL" if nothing else "= ANY"
        exists = (
            f"EXISTS (SELECT FROM {self.table} k WHERE {mine} AND k.{self.column} {sign}({s.texts(chosen)}))"
        )
        return Leaf(f"{'NOT ' * nothing}{exists}", value)

    def sentence(self, node: Node, value: str) -> str:
        said = super().sentence(node, value).replace("_", " ")
        return said + "".join(f", {name} {node[name]}" for name in self.required)


@dataclass(frozen=True)
class Since(Summed):
    def leaf(self, s: Statement, node: Node) -> Leaf:
        where = [self.rows.where, *(f"k.{name} = {s.text(node[name])}" for name in self.required)]
        rows = Rows(
            self.rows.table, self.rows.customer, self.rows.when, moment=True, where=" AND ".join(where)
        )
        return Summed.leaf(replace_as_summed(self, rows, self.sum), s, node)


def conditions() -> Iterable[Condition]:
    both = ("channel", "purpose")
    yield Chosen("consent.status", "Consent", _choice(Status.values), HEARD, EXTRAS, both,
                 table="customers_consent", column="status", values=tuple(Status.values),
                 missing=Status.NEVER)  # fmt: skip
    yield Since("consent.since", "Last change of consent", types.moment, HEARD, EXTRAS, both,
                rows=CONSENTS, sum="max(k.since)")  # fmt: skip
    yield Chosen("consent.frequency", "Wanted frequency", _choice(Frequency.values), HEARD,
                 table="customers_preference", column="frequency", values=tuple(Frequency.values),
                 missing=Frequency.ALL)  # fmt: skip
    yield Exists("consent.paused", "A pause of messages", types.sure, HEARD, rows=PREFERENCES,
                 counting="k.paused_until > {now}",
                 turning="min(k.paused_until) FILTER (WHERE k.paused_until > {now})")  # fmt: skip
