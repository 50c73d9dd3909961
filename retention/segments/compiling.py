"""A rule as SQL over `people`: customers `c` of a store with `f`, the row of totals that only buyers have.

NULL means no, so AND and OR are SQL's own, and NOT is `IS NOT TRUE`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from retention.segments.conditions import CONDITIONS, Leaf
from retention.segments.rules import Path, Rule, leaves
from retention.segments.statement import Statement
from retention.segments.windows import NEVER

EVERYBODY = (
    "customers_customer c LEFT JOIN metrics_customerfact f ON f.customer_id = c.id"
    " WHERE c.store_id = {store} AND c.merged_into_id IS NULL"
)
# Only survivors of a merge have totals, so buyers need no look at the much wider row of the person.
BUYERS = "metrics_customerfact f CROSS JOIN LATERAL (SELECT f.customer_id AS id) c WHERE f.store_id = {store}"
ALWAYS = "'-infinity'::timestamptz"


@dataclass
class Compiled:
    """A rule with the SQL of each of its conditions."""

    rule: Rule
    statement: Statement
    found: dict[Path, Leaf] = field(default_factory=dict)

    def holds(self) -> str:
        return self._joined(self.rule, (), lambda path: self.found[path].holds)

    def holds_of(self, name: Callable[[Path], str]) -> str:
        """The whole rule over named answers of its conditions."""
        return self._joined(self.rule, (), name)

    @property
    def timed(self) -> bool:
        """Can anybody enter or leave by the passage of time?"""
        return any(leaf.turns for leaf in self.found.values())

    def people(self, *, later: bool = False) -> str:
        """SQL after FROM: everybody for whom the rule holds, or (`later`) may come to hold by time alone."""
        among = BUYERS if self._buyers(self.rule, ()) else EVERYBODY
        return f"{among} AND ({self._possible(self.rule, ()) if later else self.holds()})"

    def ids(self) -> str:
        """The whole rule as one SELECT of customer ids."""
        return f"SELECT c.id FROM {self.people()}"

    def turns(self, holds: Callable[[Path], str], turn: Callable[[Path], str]) -> str:
        """SQL: the earliest moment at which the whole rule may change, from answers and turns of conditions.

        A group of "all" that does not hold needs every condition that fails to turn first; one that
        holds ends with the first that turns. "any" is the mirror image.
        """
        return self._turns(self.rule, (), holds, turn)

    def _joined(self, node: Rule, path: Path, sql: Callable[[Path], str]) -> str:
        if "if" in node:
            return sql(path)
        if "not" in node:
            return f"(({self._joined(node['not'], (*path, 'not'), sql)}) IS NOT TRUE)"
        name = "all" if "all" in node else "any"
        parts = [self._joined(child, (*path, name, i), sql) for i, child in enumerate(node[name])]
        return "(" + (" AND " if name == "all" else " OR ").join(f"({part})" for part in parts) + ")"

    def _possible(self, node: Rule, path: Path, negated: bool = False) -> str:
        if "if" in node:
            return self.found[path].refusable if negated else self.found[path].possible
        if "not" in node:
            return self._possible(node["not"], (*path, "not"), not negated)
        name = "all" if "all" in node else "any"
        word = " AND " if (name == "all") != negated else " OR "
        parts = [self._possible(child, (*path, name, i), negated) for i, child in enumerate(node[name])]
        return "(" + word.join(f"({part})" for part in parts) + ")"

    def _buyers(self, node: Rule, path: Path) -> bool:
        """Does it imply a purchase, and read nothing of `c` but the id?"""
        columns = [
            leaf.holds + leaf.value + (leaf.turns or "") + leaf.possible for leaf in self.found.values()
        ]
        if any("c." in text.replace("c.id", "") for text in columns):
            return False
        return self._implies(node, path)

    def _implies(self, node: Rule, path: Path) -> bool:
        if "if" in node:
            return self.found[path].buyers
        if "not" in node:
            return False
        name = "all" if "all" in node else "any"
        each = [self._implies(child, (*path, name, i)) for i, child in enumerate(node[name])]
        return any(each) if name == "all" else all(each)

    def _turns(
        self, node: Rule, path: Path, holds: Callable[[Path], str], turn: Callable[[Path], str]
    ) -> str:
        if "if" in node:
            return turn(path) if self.found[path].turns else NEVER
        if "not" in node:
            return self._turns(node["not"], (*path, "not"), holds, turn)
        name = "all" if "all" in node else "any"
        parts = []
        for i, child in enumerate(node[name]):
            here = (*path, name, i)
            parts.append((self._joined_at(child, here, holds), self._turns(child, here, holds, turn)))
        return _of_group(name, parts)

    def _joined_at(self, node: Rule, path: Path, holds: Callable[[Path], str]) -> str:
        return self._joined(node, path, holds)


def _of_group(name: str, parts: list[tuple[str, str]]) -> str:
    if all(turn == NEVER for _, turn in parts):
        return NEVER
    word, of_all = (" AND ", True) if name == "all" else (" OR ", False)
    whole = word.join(f"({holds})" for holds, _ in parts)
    first = f"least({', '.join(turn for _, turn in parts)})"
    # Those which are already as the group would have to become need not turn.
    waiting = [
        f"CASE WHEN {holds} THEN {ALWAYS if of_all else turn} ELSE {turn if of_all else ALWAYS} END"
        for holds, turn in parts
    ]
    last = f"greatest({', '.join(waiting)})"
    yes, no = (first, last) if of_all else (last, first)
    return f"CASE WHEN {whole} THEN {yes} ELSE {no} END"


def compiled(rule: Rule, statement: Statement) -> Compiled:
    """The rule as SQL. It must have been checked."""
    result = Compiled(rule, statement)
    for path, node in leaves(rule):
        result.found[path] = CONDITIONS[node["if"]].leaf(statement, node)
    return result


def hears(rule: Rule) -> frozenset[str]:
    """Beginnings of the timeline kinds that may change who is in."""
    return frozenset(start for _, node in leaves(rule) for start in CONDITIONS[node["if"]].hears(node))


def compares(rule: Rule) -> bool:
    """Does the rule depend on what is usual in the store?"""
    return any(CONDITIONS[node["if"]].benchmarks for _, node in leaves(rule))
