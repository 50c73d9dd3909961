"""Values of rules as inputs of a form and back, by their JSON schema: upper apps' conditions need no page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from retention.segments.choices import Option
from retention.segments.types import Json

# What the form sent for one node, names relative to it: {"value.n": ["30"], "value.unit": ["days"]}.
Raw = dict[str, list[str]]
Options = Sequence[tuple[str, str]]
ORDER = ("n", "from", "to", "unit")
LABELS = {"n": "How many", "from": "From", "to": "To", "unit": "Unit", "0": "From", "1": "To"}


@dataclass(frozen=True)
class Input:
    """`kind`: number, text, lines, date, select, checks, and pick: values found by typing, each a chip."""

    kind: str
    name: str
    label: str
    values: tuple[str, ...] = ()
    options: Options = ()
    # What stands before and after it, such as a currency or "ago".
    unit: str = ""
    # What it is chosen from, as in choices.py, while typing; "" for nothing.
    search: str = ""
    # Of a pick: the chosen ones, what was typed without choosing, and what that finds; for no more than one?
    chosen: Sequence[Option] = ()
    typed: str = ""
    found: Sequence[Option] = ()
    single: bool = False

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def asked(self) -> str:
        """The name of the field that is typed into."""
        return f"find.{self.name}" if self.kind == "pick" else self.name

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        return [(value, label, value in self.values) for value, label in self.options]


def _enum(schema: Json) -> list[str] | None:
    return [str(one) for one in schema["enum"]] if "enum" in schema else None


def _numbers(schema: Json) -> list[int] | None:
    """A short range of whole numbers, as of months."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("type") == "integer" and low is not None and high is not None and high - low < 31:
        return list(range(low, high + 1))
    return None


def _pair(schema: Json) -> bool:
    return schema.get("minItems") == schema.get("maxItems") == 2


def _properties(schema: Json) -> list[str]:
    return sorted(schema["properties"], key=lambda one: ORDER.index(one) if one in ORDER else 9)


def inputs(
    schema: Json, name: str, raw: Raw, *, label: str = "Value", hours: bool = True, search: str = ""
) -> list[Input]:
    """What to type for a value of this schema; `hours`: is its time of day known?"""
    kind = schema.get("type")
    values = tuple(raw.get(name, ()))
    if choices := _enum(schema):
        options = [(one, spoken(one)) for one in choices if hours or one != "hours"]
        return [Input("select", name, label, values, options)]
    if kind == "object":
        found = []
        for one in _properties(schema):
            below, title = schema["properties"][one], f"{label}: {LABELS.get(one, spoken(one)).lower()}"
            found += inputs(below, f"{name}.{one}", raw, label=title, hours=hours)
        return found
    if kind == "array":
        return _several(schema, name, raw, label, search)
    single = "date" if schema.get("format") == "date" else "text" if kind == "string" else "number"
    return [Input(single, name, label, values, search=search if single == "text" else "")]


def _several(schema: Json, name: str, raw: Raw, label: str, search: str) -> list[Input]:
    items, values = schema["items"], tuple(raw.get(name, ()))
    if _pair(schema):
        return [
            one
            for place in ("0", "1")
            for one in inputs(items, f"{name}.{place}", raw, label=f"{label}: {LABELS[place].lower()}")
        ]
    if choices := _enum(items):
        return [Input("checks", name, label, values, [(one, spoken(one)) for one in choices])]
    if numbers := _numbers(items):
        months = [
            (str(n), date(2000, n, 1).strftime("%b") if len(numbers) == 12 else str(n)) for n in numbers
        ]
        return [Input("checks", name, label, values, months)]
    if search:
        return [Input("pick", name, label, lines_of(values), search=search, typed=typed_of(name, raw))]
    return [Input("lines", name, f"{label}, one per line", values)]


def lines_of(values: Iterable[str]) -> tuple[str, ...]:
    """Several values may come in one text, one per line."""
    lines = (line.strip() for text in values for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def typed_of(name: str, raw: Raw) -> str:
    """What stands in the search of a pick."""
    return (raw.get(f"find.{name}") or [""])[0]


def spoken(word: str) -> str:
    return word.replace("_", " ")


def read(schema: Json, name: str, raw: Raw, *, digits: int = 0) -> Any:
    """The value that was typed; None for nothing. What cannot be read stays text, so that the check names
    it. `digits`: the decimals of a currency, where amounts are typed in major units."""
    kind = schema.get("type")
    if kind == "object":
        parts = {one: read(schema["properties"][one], f"{name}.{one}", raw) for one in schema["properties"]}
        # A unit alone is chosen from the start.
        typed = {one: value for one, value in parts.items() if value is not None}
        return typed if any(one != "unit" for one in typed) else None
    if kind == "array":
        return _read_several(schema, name, raw, digits)
    text = (raw.get(name) or [""])[0].strip()
    if not text:
        return None
    return _number(text, whole=kind == "integer", digits=digits) if kind in ("number", "integer") else text


def _read_several(schema: Json, name: str, raw: Raw, digits: int) -> Any:
    items = schema["items"]
    if _pair(schema):
        both = [read(items, f"{name}.{place}", raw, digits=digits) for place in ("0", "1")]
        return [one for one in both if one is not None] or None
    found = list(lines_of(raw.get(name, ())))
    if items.get("type") == "integer":
        return [_number(one, whole=True) for one in found] or None
    return found or None


def _number(text: str, *, whole: bool = False, digits: int = 0) -> Any:
    try:
        value = Decimal(text.replace(",", ".")) * 10**digits
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value) > 10**18:
        return text
    return int(value) if value == int(value) or (digits and not whole) else float(value)


def write(schema: Json, name: str, value: Any, *, digits: int = 0) -> Raw:
    """The inverse of `read`, of a value that was checked."""
    kind = schema.get("type")
    if kind == "object":
        return _joined(write(schema["properties"][k], f"{name}.{k}", v) for k, v in value.items())
    if kind == "array" and _pair(schema):
        return _joined(
            write(schema["items"], f"{name}.{i}", one, digits=digits) for i, one in enumerate(value)
        )
    if kind == "array" and "enum" not in schema["items"] and schema["items"].get("type") == "string":
        return {name: ["\n".join(value)]}
    if kind == "array":
        return {name: [str(one) for one in value]}
    return {name: [_typed(value, digits)]}


def _typed(value: Any, digits: int) -> str:
    if digits and isinstance(value, (int, float)):
        amount = Decimal(str(value)) / 10**digits
        return f"{amount.normalize():f}"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _joined(parts: Any) -> Raw:
    return {name: values for part in parts for name, values in part.items()}
