"""A rule while it is being built: a tree of groups and conditions that may still be wrong, as a form has it.

Every node has a key, its place in the tree: `r` is the whole, `r-0-1` the second part of its first part. A
form's names are `r-0-1:value.n`. "Not" is no node of its own: groups match "none", conditions are denied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from retention.lib import formats
from retention.segments import schema as language
from retention.segments.conditions import CONDITIONS, Condition
from retention.segments.inputs import Raw, lines_of, read, write
from retention.segments.rules import Path, Rule
from retention.segments.types import NUMBERS, TEXT_OPERATORS, WINDOWS, DateOperator, Operator, Type
from retention.stores.models import Store

MATCHES = {
    "all": "all of these",
    "any": "at least one of these",
    "none": "none of these",
    "not_all": "not all of these",
}
# A match as the group of the rule language, and whether it is denied.
GROUPS = {"all": ("all", False), "any": ("any", False), "none": ("any", True), "not_all": ("all", True)}
ANYTHING = Type("anything", {**TEXT_OPERATORS, **NUMBERS})
FIRST = "orders.count"
NAME = re.compile(r"(r(?:-\d{1,3}){0,11}):([\w.]{1,40})")


@dataclass(eq=False)
class Draft:
    """A group has a `match`, a condition has none."""

    match: str = ""
    children: list[Draft] = field(default_factory=list)
    fields: Raw = field(default_factory=dict)

    def get(self, name: str) -> str:
        return (self.fields.get(name) or [""])[0]

    def walk(self, key: str = "r") -> Iterator[tuple[str, Draft, Draft | None]]:
        """(key, node, its group), in the order of reading."""
        yield key, self, None
        for place, child in enumerate(self.children):
            for found, node, group in child.walk(f"{key}-{place}"):
                yield found, node, group or self


def empty() -> Draft:
    return Draft("all", [a_condition()])


def a_condition(name: str = FIRST) -> Draft:
    return Draft(fields={"if": [name]})


def type_of(condition: Condition, name: str) -> Type:
    """The type of what the rows of a condition are narrowed by."""
    rows = getattr(condition, "rows", None)
    known = getattr(rows, "fields", {}).get(name)
    return known.type if known else ANYTHING


def operator_of(kind: Type, name: str) -> Operator | DateOperator:
    """The named one; the first of the type where it has none of that name."""
    found = kind.operator(name) or kind.operator(kind.names()[0])
    assert found is not None
    return found


def digits_of(kind: Type, store: Store) -> int:
    return formats.decimals(store.currency) if kind.name == "money" else 0


# From a form, and from a rule


def parse(form: QueryDict | Mapping[str, Any]) -> Draft:
    """What the form shows; an empty rule where it shows none."""
    found: dict[str, Raw] = {"r": {}}
    for name in form:
        if match := NAME.fullmatch(name):
            values = form.getlist(name) if isinstance(form, QueryDict) else list(form[name])
            found.setdefault(match[1], {})[match[2]] = [value.replace("\x00", "") for value in values]
    root = _parsed("r", found)
    root.match = root.match or "all"
    return root


def _parsed(key: str, found: dict[str, Raw]) -> Draft:
    fields = found[key]
    if "if" in fields:
        return Draft(fields=_kept(_with_typed(fields)))
    match = (fields.get("match") or [""])[0]
    places = sorted(int(other.rpartition("-")[2]) for other in found if other.rpartition("-")[0] == key)
    children = [_parsed(f"{key}-{place}", found) for place in places]
    return Draft(match if match in MATCHES else "all", children)


def _with_typed(fields: Raw) -> Raw:
    """A word in a search that was not chosen from the list is a value all the same, unless it has to be one
    of the list: then it goes on being searched for."""
    kept = dict(fields)
    for name in [name for name in fields if name.startswith("find.")]:
        value = name.removeprefix("find.")
        if not numbered(fields, value):
            kept[value] = [*fields.get(value, ()), *kept.pop(name)]
    return kept


def numbered(fields: Raw, name: str) -> bool:
    """Is this value a number of something, which nobody can type?"""
    if name == "of.value":
        return (fields.get("of.kind") or [""])[0] == "product"
    return fields.get("if") in (["segments.member"], ["lists.member"])


def _kept(fields: Raw) -> Raw:
    """Another condition takes no values over, another comparison only those of its own shape, and other
    goods none of the former."""
    name = fields["if"][0]
    was, compared, goods = [*(fields.get("was") or [f"{name}|"])[0].split("|"), "", ""][:3]
    condition = CONDITIONS.get(name)
    if condition is None or was != name:
        return {key: fields[key] for key in ("if", "not") if key in fields}
    kept = {key: values for key, values in fields.items() if key != "was"}
    now = operator_of(condition.type, (fields.get("is") or [""])[0])
    if compared and operator_of(condition.type, compared).value != now.value:
        kept = {key: values for key, values in kept.items() if key.partition(".")[0] != "value"}
    if goods and [goods] != fields.get("of.kind"):
        kept = {key: values for key, values in kept.items() if not key.endswith("of.value")}
    return kept


def from_rule(rule: Rule, store: Store) -> Draft:
    """A checked rule as the form shows it."""
    root = _of_node(rule, store, denied=False)
    return root if root.match else Draft("all", [root])


def _of_node(node: Rule, store: Store, *, denied: bool) -> Draft:
    if "not" in node:
        return _of_node(node["not"], store, denied=not denied)
    if "if" in node:
        return Draft(fields={**_of_condition(node, store), **({"not": ["1"]} if denied else {})})
    name = next(group for group in language.GROUPS if group in node)
    match = next(match for match, kind in GROUPS.items() if kind == (name, denied))
    return Draft(match, [_of_node(child, store, denied=False) for child in node[name]])


def _of_condition(node: Rule, store: Store) -> Raw:
    condition = CONDITIONS[node["if"]]
    operator = operator_of(condition.type, node["is"])
    raw: Raw = {"if": [node["if"]], "is": [node["is"]]}
    if operator.value is not None:
        raw |= write(operator.value, "value", node["value"], digits=digits_of(condition.type, store))
    for name, schema in condition.extras.items():
        if name not in node:
            continue
        if name == "during":
            raw |= _of_compared("during", WINDOWS[node[name]["is"]], node[name], 0)
        elif name == "where":
            for place, one in enumerate(node[name]):
                kind = type_of(condition, one["field"])
                operator = operator_of(kind, one["is"])
                raw[f"where.{place}.field"] = [one["field"]]
                raw |= _of_compared(f"where.{place}", operator, one, digits_of(kind, store))
        elif name == "of":
            goods, values = next(iter(node[name].items()))
            raw["of.kind"] = [goods]
            raw |= write(schema["properties"][goods], "of.value", values)
        else:
            raw |= write(schema, name, node[name])
    return raw


def _of_compared(name: str, operator: Operator | DateOperator, one: Rule, digits: int) -> Raw:
    raw: Raw = {f"{name}.is": [one["is"]]}
    if operator.value is not None:
        raw |= write(operator.value, f"{name}.value", one["value"], digits=digits)
    return raw


# To a rule


def to_rule(draft: Draft, store: Store) -> tuple[Rule, dict[Path, str]]:
    """The rule, which may be wrong, and the key of the node at each of its paths."""
    keys: dict[Path, str] = {}
    return _node(draft, store, "r", (), keys), keys


def _node(draft: Draft, store: Store, key: str, path: Path, keys: dict[Path, str]) -> Rule:
    keys[path] = key
    name, denied = GROUPS.get(draft.match, ("", draft.get("not") == "1"))
    inner = (*path, "not") if denied else path
    keys[inner] = key
    node: Rule
    if draft.match:
        node = {
            name: [
                _node(child, store, f"{key}-{place}", (*inner, name, place), keys)
                for place, child in enumerate(draft.children)
            ]
        }
    else:
        node = _condition(draft, store)
    return {"not": node} if denied else node


def _condition(draft: Draft, store: Store) -> Rule:
    condition = CONDITIONS.get(draft.get("if"))
    if condition is None:
        return {"if": draft.get("if")}
    operator = operator_of(condition.type, draft.get("is"))
    node: Rule = {"if": condition.name, "is": operator.name}
    _put(node, "value", operator, draft.fields, digits_of(condition.type, store))
    for name, schema in condition.extras.items():
        value = _extra(draft, condition, name, schema, store)
        if value is not None:
            node[name] = value
    return node


def _put(node: Rule, name: str, operator: Operator | DateOperator, raw: Raw, digits: int) -> None:
    if operator.value is not None:
        value = read(operator.value, name, raw, digits=digits)
        if value is not None:
            node["value"] = value


def _extra(draft: Draft, condition: Condition, name: str, schema: Any, store: Store) -> Any:
    raw = draft.fields
    if name == "during":
        if draft.get("during.is") not in WINDOWS:
            return None
        frame: Rule = {"is": draft.get("during.is")}
        _put(frame, "during.value", WINDOWS[frame["is"]], raw, 0)
        return frame
    if name == "where":
        return [_narrowing(draft, condition, place, store) for place in narrowings(draft)] or None
    if name == "of":
        kind = draft.get("of.kind")
        if kind not in schema["properties"]:
            return None
        return {kind: read(schema["properties"][kind], "of.value", raw) or []}
    return read(schema, name, raw)


def narrowings(draft: Draft) -> list[int]:
    """Places of the narrowing rows of a condition."""
    return sorted({int(m[1]) for name in draft.fields if (m := re.match(r"where\.(\d{1,3})\.", name))})


def _narrowing(draft: Draft, condition: Condition, place: int, store: Store) -> Rule:
    name = draft.get(f"where.{place}.field")
    kind = type_of(condition, name)
    operator = operator_of(kind, draft.get(f"where.{place}.is"))
    one: Rule = {"field": name, "is": operator.name}
    _put(one, f"where.{place}.value", operator, draft.fields, digits_of(kind, store))
    return one


def incomplete(draft: Draft) -> bool:
    """Nothing was typed into it yet, so there is nothing to complain about."""
    typed = (name for name, values in draft.fields.items() if any(values) and _is_value(name))
    return not draft.match and next(typed, None) is None


def _is_value(name: str) -> bool:
    return name not in ("if", "is", "not", "was", "of.kind", "during.is") and not name.endswith(
        (".unit", ".is", ".field")
    )


# Changes


def act(root: Draft, command: str) -> str:
    """Do what a button says ("up:r-0"), and return the id of what then has the focus; "" for nothing."""
    verb, _, key = command.partition(":")
    key, _, place = key.partition(".")
    found = {one: (node, group) for one, node, group in root.walk()}
    if key not in found or (verb not in VERBS and verb not in ("widen", "drop")):
        return ""
    node, group = found[key]
    if verb == "drop":
        return _drop(root, node, place)
    if verb == "widen":
        return _remove_narrowing(root, node, int(place)) if place.isdecimal() else ""
    return VERBS[verb](root, node, group)


def key_of(root: Draft, wanted: Draft) -> str:
    return next((key for key, node, _ in root.walk() if node is wanted), "r")


def _add(root: Draft, node: Draft, group: Draft | None) -> str:
    if not node.match:
        return ""
    made = a_condition()
    node.children.append(made)
    return f"{key_of(root, made)}-if"


def _add_group(root: Draft, node: Draft, group: Draft | None) -> str:
    if not node.match:
        return ""
    made = Draft("any" if node.match == "all" else "all", [a_condition()])
    node.children.append(made)
    return f"{key_of(root, made)}-match"


def _remove(root: Draft, node: Draft, group: Draft | None) -> str:
    if group is None:
        node.children[:] = [a_condition()]
        return "r-0-if"
    place = group.children.index(node)
    group.children.remove(node)
    near = group.children[min(place, len(group.children) - 1)] if group.children else group
    _prune(root)
    if not root.children:
        root.children.append(a_condition())
        return "r-0-if"
    if all(node is not near for _, node, _ in root.walk()):
        near = root.children[-1]
    key = key_of(root, near)
    return f"{key}-match" if near.match else f"{key}-remove"


def _prune(group: Draft) -> None:
    for child in group.children:
        _prune(child)
    group.children[:] = [child for child in group.children if not child.match or child.children]


def _up(root: Draft, node: Draft, group: Draft | None) -> str:
    return _moved(root, node, group, -1)


def _down(root: Draft, node: Draft, group: Draft | None) -> str:
    return _moved(root, node, group, 1)


def _moved(root: Draft, node: Draft, group: Draft | None, step: int) -> str:
    """One line up or down, as the page reads: also into a group and out of it."""
    if group is None:
        return ""
    place, above = group.children.index(node), _group_of(root, group)
    other = group.children[place + step] if 0 <= place + step < len(group.children) else None
    group.children.remove(node)
    if other is not None and other.match and not node.match:
        other.children.insert(len(other.children) if step < 0 else 0, node)
    elif other is not None:
        group.children.insert(place + step, node)
    elif above is not None:
        above.children.insert(above.children.index(group) + (step > 0), node)
    else:
        group.children.insert(place, node)
    _prune(root)
    return f"{key_of(root, node)}-{'up' if step < 0 else 'down'}"


def _group_of(root: Draft, wanted: Draft) -> Draft | None:
    return next(group for _, node, group in root.walk() if node is wanted)


def _group(root: Draft, node: Draft, group: Draft | None) -> str:
    """Put it into a group of its own."""
    if group is None:
        return ""
    made = Draft("any" if group.match == "all" else "all", [node])
    group.children[group.children.index(node)] = made
    return f"{key_of(root, made)}-match"


def _ungroup(root: Draft, node: Draft, group: Draft | None) -> str:
    """Its parts take its place."""
    if group is None or not node.match:
        return ""
    place = group.children.index(node)
    group.children[place : place + 1] = node.children
    first = group.children[place]
    return f"{key_of(root, first)}-{'match' if first.match else 'if'}"


def _copy(root: Draft, node: Draft, group: Draft | None) -> str:
    if group is None:
        return ""
    made = _copied(node)
    group.children.insert(group.children.index(node) + 1, made)
    return f"{key_of(root, made)}-{'match' if made.match else 'if'}"


def _copied(node: Draft) -> Draft:
    return Draft(node.match, [_copied(child) for child in node.children], dict(node.fields))


def _narrow(root: Draft, node: Draft, group: Draft | None) -> str:
    place = max(narrowings(node), default=-1) + 1
    condition = CONDITIONS.get(node.get("if"))
    known = getattr(getattr(condition, "rows", None), "fields", {})
    node.fields[f"where.{place}.field"] = [next(iter(known), "")]
    return f"{key_of(root, node)}-where-{place}-field"


def _remove_narrowing(root: Draft, node: Draft, place: int) -> str:
    gone = f"where.{place}."
    node.fields = {name: values for name, values in node.fields.items() if not name.startswith(gone)}
    return f"{key_of(root, node)}-narrow"


def _drop(root: Draft, node: Draft, place: str) -> str:
    """Take one of several chosen values out: "of.value.2" is the third of them."""
    name, _, number = place.rpartition(".")
    values = list(lines_of(node.fields.get(name, ())))
    if not number.isdecimal() or int(number) >= len(values):
        return ""
    del values[int(number)]
    node.fields[name] = values
    return f"{key_of(root, node)}-{name.replace('.', '-')}"


VERBS: dict[str, Callable[[Draft, Draft, Draft | None], str]] = {
    "add": _add,
    "add-group": _add_group,
    "remove": _remove,
    "up": _up,
    "down": _down,
    "group": _group,
    "ungroup": _ungroup,
    "copy": _copy,
    "narrow": _narrow,
}
