"""Rules as JSON trees: read, checked and put into words.

{"all": [{"if": "orders.count", "is": "at_least", "value": 2},
         {"not": {"any": [...]}}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from retention.segments import schema
from retention.segments.conditions import CONDITIONS, Condition, hour_problems, value_problems
from retention.segments.types import in_words
from retention.stores.models import Store

Rule = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """`path` leads to the faulty node: ("all", 1, "not")."""

    path: Path
    message: str


class RuleError(ValueError):
    """The rule cannot be read. `problems` names every faulty condition."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def check(rule: Any) -> None:
    """Raises RuleError unless the rule can be read."""
    problems = list(_problems(rule, (), 1))
    if not problems and sum(1 for _ in leaves(rule)) > schema.MOST:
        problems = [Problem((), f"A rule has at most {schema.MOST} conditions.")]
    if problems:
        raise RuleError(problems)


def leaves(rule: Rule, path: Path = ()) -> Iterator[tuple[Path, Rule]]:
    """Every condition with its path, in the order of reading."""
    for name in schema.GROUPS:
        for i, child in enumerate(rule.get(name, ())):
            yield from leaves(child, (*path, name, i))
    if "not" in rule:
        yield from leaves(rule["not"], (*path, "not"))
    if "if" in rule:
        yield path, rule


def _problems(node: Any, path: Path, depth: int) -> Iterable[Problem]:
    if depth > schema.DEPTH:
        yield Problem(path, f"Groups may be nested {schema.DEPTH} deep.")
    elif not isinstance(node, dict):
        yield Problem(path, "This is not a condition.")
    elif "if" in node:
        yield from _of_condition(node, path)
    elif len(node) != 1 or next(iter(node)) not in (*schema.GROUPS, "not"):
        yield Problem(path, "A group is “all”, “any” or “not”.")
    elif "not" in node:
        yield from _problems(node["not"], (*path, "not"), depth + 1)
    else:
        yield from _of_group(node, path, depth)


def _of_group(node: Rule, path: Path, depth: int) -> Iterable[Problem]:
    name, children = next(iter(node.items()))
    if not isinstance(children, list) or not children:
        yield Problem(path, "A group needs at least one condition.")
        return
    for i, child in enumerate(children):
        yield from _problems(child, (*path, name, i), depth + 1)


def _of_condition(node: Rule, path: Path) -> Iterable[Problem]:
    condition = CONDITIONS.get(node["if"]) if isinstance(node["if"], str) else None
    if condition is None:
        yield Problem(path, f"There is no condition “{node['if']}”.")
        return
    for message in _mistakes(condition, node):
        yield Problem(path, f"“{condition.label}” {message}.")


def _mistakes(condition: Condition, node: Rule) -> Iterable[str]:
    name = node.get("is")
    operator = condition.type.operator(name) if isinstance(name, str) else None
    if operator is None:
        yield f"cannot be compared by “{name}”" if name else "needs a comparison"
        return
    extras = {k: v for k, v in node.items() if k not in ("if", "is", "value")}
    wrong = list(value_problems(operator.value, node))
    wrong += hour_problems(node, moment=condition.type.moment)
    shape = {"type": "object", "properties": condition.extras, "required": condition.required}
    wrong += schema.mistakes(shape, extras)
    # Only what has the right shape can be looked at more closely.
    yield from wrong or condition.problems(node)


def sentence(rule: Rule, store: Store) -> str:
    """The rule in plain words."""
    return f"Customers for whom {_said(rule, store, top=True)}."


def words(node: Rule, store: Store) -> str:
    """One condition in plain words."""
    condition = CONDITIONS[node["if"]]
    operator = condition.type.operator(node["is"])
    assert operator is not None
    value = ""
    if operator.value is not None:
        value = in_words(
            condition.type, operator, node.get("value"), currency=store.currency, locale=store.locale
        )
    said = condition.sentence(node, value)
    return said[:1].lower() + said[1:]


def _said(node: Rule, store: Store, *, top: bool = False) -> str:
    if "not" in node:
        return f"not ({_said(node['not'], store, top=True)})"
    for name, word in schema.GROUPS.items():
        if name in node:
            said = f", {word} ".join(_said(child, store) for child in node[name])
            return said if top or len(node[name]) == 1 else f"({said})"
    return words(node, store)
