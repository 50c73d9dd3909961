"""The words of the rule language: conditions declared by apps, each of which knows its SQL.

A condition is asked about a customer `c` (a row of customers_customer) with `f`, the row of totals that
only buyers have. It answers with a `Leaf`. NULL means no everywhere.

An upper app adds its own by `declare(...)` in its `vocabulary.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from retention.segments import types
from retention.segments.statement import Statement
from retention.segments.types import DateOperator, Json, Type
from retention.segments.windows import NEVER, Window

CONDITIONS: dict[str, Condition] = {}
Node = dict[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A condition of a rule as SQL.

    `turns`: the next moment at which it may change though nothing happens but time; None if never.
    `may_hold`, `may_fail`: holds (fails) now or may do so later by time alone. They may promise too much,
    which costs time, never too little. `buyers`: holds for people with purchases only, and reads `f` alone.
    """

    holds: str
    value: str
    turns: str | None = None
    may_hold: str = ""
    may_fail: str = ""
    buyers: bool = False

    @property
    def possible(self) -> str:
        return self.may_hold or ("true" if self.turns else self.holds)

    @property
    def refusable(self) -> str:
        return self.may_fail or ("true" if self.turns else f"({self.holds}) IS NOT TRUE")


@dataclass(frozen=True)
class Condition(ABC):
    """`heard`: beginnings of the timeline kinds that may change its answer."""

    name: str
    label: str
    type: Type
    heard: tuple[str, ...]
    # What else may stand in the rule beside operator and value: name -> JSON schema.
    extras: dict[str, Json] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    # Words for the builder's list of values, such as the channels that the store has; a SQL of one column.
    choices: str = ""

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]

    @property
    def benchmarks(self) -> bool:
        """Does its answer depend on what is usual in the store?"""
        return False

    def hears(self, node: Node) -> tuple[str, ...]:
        return self.heard

    @abstractmethod
    def leaf(self, s: Statement, node: Node) -> Leaf:
        """The condition as SQL: does it hold, for whom, and until when."""

    def problems(self, node: Node) -> Iterable[str]:
        """What is wrong beyond the schema, in the merchant's words."""
        return ()

    def sentence(self, node: Node, value: str) -> str:
        operator = self.type.operator(node["is"])
        assert operator is not None
        said = f"{self.label} {operator.words.format(value=value)}"
        return said + extras_in_words(node)


def declare(*conditions: Condition) -> None:
    """Add conditions to the rule language. Raises ValueError for a name that is taken."""
    for condition in conditions:
        if condition.name in CONDITIONS:
            raise ValueError(f"condition {condition.name} is declared twice")
        CONDITIONS[condition.name] = condition


def asked(s: Statement, kind: Type, node: Node, what: str) -> tuple[str, str | None, str]:
    """(holds, turns, may hold) of a node's operator on the SQL value `what`."""
    operator, value = kind.operator(node["is"]), node.get("value")
    if isinstance(operator, DateOperator):
        return types.date_leaf(s, operator, value, what, moment=kind.moment)
    assert operator is not None
    if operator.name == "month" and kind.moment:
        what = f"(({what}) AT TIME ZONE {{zone}})"
    return operator.sql(s, what, value), None, ""


def of_nothing(kind: Type, node: Node) -> bool:
    """Does the operator hold for somebody without any row?"""
    operator = kind.operator(node["is"])
    if isinstance(operator, DateOperator):
        return operator.negated
    assert operator is not None
    return operator.of_nothing(node.get("value"))


@dataclass(frozen=True)
class Known(Condition):
    """A value that stands in the row of the person (`c`) or of the buyer (`f`)."""

    what: str = ""
    # Reads `f` alone: what it finds nothing in is 0, or unknown.
    of_buyer: bool = False

    def leaf(self, s: Statement, node: Node) -> Leaf:
        nothing = of_nothing(self.type, node)
        what = self.what
        if self.of_buyer and nothing and self.type in (types.number, types.money):
            what = f"coalesce({what}, 0)"
        holds, turns, may_hold = asked(s, self.type, node, what)
        return Leaf(holds, what, turns, may_hold, buyers=self.of_buyer and not nothing)


@dataclass(frozen=True)
class Field:
    """Something that rows of a condition can be narrowed by."""

    label: str
    type: Type
    what: str


@dataclass(frozen=True)
class Rows:
    """Where a condition looks: rows with a customer and a date, and what they can be narrowed by.

    `table` is SQL after FROM; `joined` is added when the rows are narrowed by a field.
    """

    table: str
    customer: str
    when: str
    moment: bool = False
    where: str = "true"
    joined: str = ""
    fields: dict[str, Field] = field(default_factory=dict)

    def source(self, node: Node) -> str:
        return f"{self.table} {self.joined}" if node.get("where") else self.table


DURING: Json = {
    "type": "object",
    "description": "A time frame: a date operator and its value",
    "properties": {"is": {"enum": list(types.WINDOWS)}, "value": {}},
    "required": ["is"],
    "additionalProperties": False,
}


def where_schema(fields: Iterable[str] | None) -> Json:
    named: Json = (
        {"enum": list(fields)} if fields is not None else {"type": "string", "minLength": 1, "maxLength": 64}
    )
    return {
        "type": "array",
        "maxItems": 20,
        "items": {
            "type": "object",
            "properties": {
                "field": named,
                "is": {"enum": sorted({*types.TEXT_OPERATORS, *types.NUMBERS})},
                "value": {},
            },
            "required": ["field", "is"],
            "additionalProperties": False,
        },
    }


@dataclass(frozen=True)
class Summed(Condition):
    """A number, or a date, made of a person's rows: how many, how much, the last one."""

    rows: Rows = field(default_factory=lambda: Rows("", "", ""))
    # SQL of the aggregate; NULL where the answer is unknown.
    sum: str = "count(*)"
    # The same without any narrowing, straight from `f`.
    total: str = ""

    def narrowing(self, s: Statement, node: Node) -> list[str]:
        """Conditions on rows, from the rule; a subclass adds its own."""
        return [narrowed(s, self.rows.fields[one["field"]], one) for one in node.get("where", [])]

    def plain(self, node: Node) -> bool:
        return bool(self.total) and not any(node.get(extra) for extra in self.extras)

    def problems(self, node: Node) -> Iterable[str]:
        yield from window_problems(node.get("during"), moment=self.rows.moment)
        for one in node.get("where", []):
            known = self.rows.fields.get(one["field"])
            if known is None:
                yield f"cannot be narrowed by “{one['field']}”"
            elif (operator := known.type.operators.get(one["is"])) is None:
                yield f"“{known.label}” cannot be compared by “{one['is']}”"
            else:
                yield from value_problems(operator.value, one)

    def leaf(self, s: Statement, node: Node) -> Leaf:
        if self.plain(node):
            return _of_total(self, s, node)
        frame = window_of(node.get("during"))
        where = [self.rows.where, *self.narrowing(s, node)]
        inside = where + ([frame.inside(s, self.rows.when, moment=self.rows.moment)] if frame else [])
        source = self.rows.source(node)
        holds, turns, may_hold = self._held(s, node, source, inside)
        crossing = self._crossing(s, source, where, frame) if frame else None
        if crossing:
            turns, may_hold = (f"least({turns}, {crossing})" if turns else crossing), "true"
        return Leaf(holds, self._scalar(source, inside), turns, may_hold)

    def _mine(self, where: list[str]) -> str:
        return " AND ".join(f"({part})" for part in [f"{self.rows.customer} = c.id", *where])

    def _scalar(self, source: str, where: list[str]) -> str:
        return f"(SELECT {self.sum} FROM {source} WHERE {self._mine(where)})"

    def _held(self, s: Statement, node: Node, source: str, where: list[str]) -> tuple[str, str | None, str]:
        """People are found by their groups of rows; those without any by there being no group that fails."""
        asks, turns, may_hold = asked(s, self.type, node, self.sum)
        nothing = of_nothing(self.type, node)
        holds = self._exists(source, where, f"({asks}) IS NOT TRUE" if nothing else asks)
        if turns is None:
            return f"{'NOT ' * nothing}{holds}", None, ""
        _, of_one, _ = asked(s, self.type, node, "s.v")
        of_one = f"(SELECT {of_one} FROM (SELECT {self.sum} AS v FROM {source} WHERE {self._mine(where)}) s)"
        possible = "true" if nothing else self._exists(source, where, may_hold)
        return f"{'NOT ' * nothing}{holds}", f"coalesce({of_one}, {NEVER})", possible

    def _exists(self, source: str, where: list[str], having: str) -> str:
        # Shaped so that the planner may hash the groups of everybody, or look up those of one person.
        among = " AND ".join(f"({part})" for part in where)
        return (
            f"EXISTS (SELECT FROM (SELECT {self.rows.customer} AS id FROM {source} WHERE {among}"
            f" GROUP BY {self.rows.customer} HAVING {having}) s WHERE s.id = c.id)"
        )

    def _crossing(self, s: Statement, source: str, where: list[str], frame: Window) -> str | None:
        """SQL: when the next of a person's rows enters or leaves the time frame."""
        if not frame.moves:
            return None
        when, moment = self.rows.when, self.rows.moment
        inside, beyond = frame.inside(s, when, moment=moment), frame.beyond(s, when, moment=moment)
        return (
            f"(SELECT least({frame.leaves(s, 's.first_in', moment=moment)},"
            f" {frame.enters(s, 's.first_beyond', moment=moment)}, {NEVER}) FROM"
            f" (SELECT min({when}) FILTER (WHERE {inside}) AS first_in,"
            f" min({when}) FILTER (WHERE {beyond}) AS first_beyond"
            f" FROM {source} WHERE {self._mine(where)}) s)"
        )


def _of_total(condition: Summed, s: Statement, node: Node) -> Leaf:
    known = Known(
        condition.name, condition.label, condition.type, condition.heard, what=condition.total, of_buyer=True
    )
    return known.leaf(s, node)


def narrowed(s: Statement, known: Field, one: Node) -> str:
    operator = known.type.operators[one["is"]]
    return f"({operator.sql(s, known.what, one.get('value'))}) IS TRUE"


def window_of(during: Node | None) -> Window | None:
    return types.WINDOWS[during["is"]].window(during.get("value")) if during else None


def window_problems(during: Node | None, *, moment: bool) -> Iterable[str]:
    if during:
        yield from value_problems(types.WINDOWS[during["is"]].value, during)
        yield from hour_problems(during, moment=moment)


def hour_problems(node: Node, *, moment: bool) -> Iterable[str]:
    value = node.get("value")
    if not moment and isinstance(value, dict) and value.get("unit") == "hours":
        yield "knows its day, not its hour: choose days, weeks or months"


def value_problems(schema: Json | None, node: Node) -> Iterable[str]:
    from retention.segments.schema import mistakes

    if schema is None:
        if node.get("value") is not None:
            yield f"“{node['is']}” takes no value"
    else:
        yield from mistakes(schema, node.get("value"))


def extras_in_words(node: Node) -> str:
    """The narrowing and the time frame of a condition, as they end its sentence."""
    said = ""
    if during := node.get("during"):
        frame = types.WINDOWS[during["is"]]
        value = types.in_words(types.day, frame, during.get("value"), currency="", locale="en_US")
        said += " " + frame.words.format(value=value)
    for one in node.get("where", []):
        operator = types.TEXT_OPERATORS.get(one["is"]) or types.NUMBERS[one["is"]]
        value = one.get("value")
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        said += f", {one['field'].replace('_', ' ')} {operator.words.format(value=shown)}"
    return said
