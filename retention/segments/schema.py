"""The published JSON schema of rules, and a reader of the part of JSON Schema that it uses.

Messages are for merchants, which is why a general validator is of no use here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import Any

from retention.segments.conditions import CONDITIONS, Condition
from retention.segments.types import Json

DEPTH, MOST = 10, 100
GROUPS = {"all": "and", "any": "or"}


def published() -> Json:
    """The rule language as JSON Schema (2020-12), with every condition that is declared."""
    branches = [{"$ref": "#/$defs/group"}, *(_condition(c) for _, c in sorted(CONDITIONS.items()))]
    node = {"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1}
    groups = [_closed({name: node}) for name in GROUPS] + [_closed({"not": {"$ref": "#/$defs/node"}})]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule of a segment",
        "$ref": "#/$defs/node",
        "$defs": {"node": {"anyOf": branches}, "group": {"anyOf": groups}},
    }


def _closed(properties: Json, required: Iterable[str] | None = None) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def _condition(condition: Condition) -> Json:
    kind = condition.type
    forms = []
    for name in kind.names():
        operator = kind.operator(name)
        assert operator is not None
        value = {"value": operator.value} if operator.value is not None else {}
        properties = {"if": {"const": condition.name}, "is": {"const": name}, **value, **condition.extras}
        forms.append(_closed(properties, ["if", "is", *value, *condition.required]))
    return {"title": condition.label, "anyOf": forms}


def mistakes(schema: Json, value: Any) -> Iterable[str]:
    """What is wrong with a value, in words that complete “This condition ...”."""
    if "enum" in schema:
        if not isinstance(value, str) or value not in schema["enum"]:
            yield f"must be one of {', '.join(map(str, schema['enum']))}"
        return
    check = CHECKS.get(schema.get("type", ""))
    if check:
        yield from check(schema, value)


def _number(schema: Json, value: Any) -> Iterable[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
        yield "needs a number"
    elif schema["type"] == "integer" and not isinstance(value, int):
        yield "needs a whole number"
    elif schema.get("minimum") == 0 and value < 0:
        yield "cannot be below zero"
    elif not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"needs a number from {schema['minimum']:g} to {schema['maximum']:g}"


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def _string(schema: Json, value: Any) -> Iterable[str]:
    if not isinstance(value, str) or not value or not can_be_kept(value):
        yield "needs a text"
    elif len(value) > schema.get("maxLength", len(value)):
        yield "needs a shorter text"
    elif schema.get("format") == "date" and not _is_day(value):
        yield "needs a date such as 2026-03-31"


def can_be_kept(value: str) -> bool:
    """PostgreSQL takes neither a NUL nor half of a character."""
    return not any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in value)


def _is_day(value: str) -> bool:
    try:
        return len(value) == 10 and 1900 <= date.fromisoformat(value).year <= 2200
    except ValueError:
        return False


def _array(schema: Json, value: Any) -> Iterable[str]:
    if not isinstance(value, list) or len(value) < schema.get("minItems", 0):
        least = schema.get("minItems", 0)
        yield f"needs {'two values' if least == 2 else 'at least one value'}"
    elif len(value) > schema.get("maxItems", len(value)):
        yield f"takes at most {schema['maxItems']} values"
    else:
        for one in value:
            yield from mistakes(schema["items"], one)


def _mapping(schema: Json, value: Any) -> Iterable[str]:
    if not isinstance(value, dict):
        yield "is not complete"
        return
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"needs “{name}”"
    for name, one in value.items():
        if name not in known:
            yield f"does not know “{name}”"
        elif known[name]:
            yield from mistakes(known[name], one)
    if len(value) < schema.get("minProperties", 0) or len(value) > schema.get("maxProperties", len(value)):
        yield "needs exactly one kind of thing"


CHECKS = {
    "number": _number,
    "integer": _number,
    "string": _string,
    "array": _array,
    "object": _mapping,
}
