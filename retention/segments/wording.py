"""Rules, conditions and their values as the merchant reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Any

from retention.catalog.models import Product
from retention.lib import formats
from retention.segments import rules, schema
from retention.segments.conditions import CONDITIONS, Condition
from retention.segments.drafts import operator_of, type_of
from retention.segments.models import Segment
from retention.segments.rules import Rule
from retention.segments.types import DateOperator, Operator, in_words
from retention.stores.models import Store
from retention.timeline.kinds import KINDS

FAMILIES = {
    "profile": "Who they are",
    "consent": "Consent",
    "orders": "Purchases",
    "rfm": "RFM scores",
    "products": "Products",
    "shipments": "Parcels",
    "events": "What they did",
    "segments": "Segments and lists",
    "lists": "Segments and lists",
    "random": "Chance",
}
# Comparisons whose words in a sentence do not serve as a choice.
COMPARED = {
    ("segments.member", "in"): "they are in",
    ("segments.member", "not_in"): "they are not in",
    ("lists.member", "in"): "they are on",
    ("lists.member", "not_in"): "they are not on",
    ("random.share", "in"): "they are among … %",
    ("random.share", "not_in"): "they are not among … %",
    ("products.bought", "yes"): "yes",
    ("products.bought", "no"): "no, never or not then",
}
JOINED = {"all": "and", "any": "or"}


def family(condition: Condition) -> str:
    return FAMILIES.get(condition.family, condition.family.capitalize())


def compared(condition: Condition, operator: Operator | DateOperator) -> str:
    """A comparison to choose: “is at least …”."""
    return COMPARED.get((condition.name, operator.name)) or operator.words.replace("{value}", "…")


def event(name: str) -> str:
    """A kind of event to choose."""
    told = KINDS[name].sentence if name in KINDS else name
    return name.replace(".", ": ").replace("_", " ") if "{" in told else f"{told} ({name})"


@dataclass(frozen=True)
class Words:
    """Names of what rules of a store refer to by number."""

    store: Store

    @cached_property
    def segments(self) -> Mapping[int, str]:
        return dict(Segment.objects.filter(store=self.store).values_list("pk", "name"))

    def products(self, ids: list[int]) -> list[str]:
        known = dict(Product.objects.filter(store=self.store, pk__in=ids).values_list("pk", "title"))
        return [known.get(pk) or f"product {pk}" for pk in ids]

    def sentence(self, rule: Rule) -> str:
        return f"Customers for whom {self._said(rule, top=True)}."

    def _said(self, node: Rule, *, top: bool = False) -> str:
        if "not" in node:
            return self._denied(node["not"])
        for name, word in JOINED.items():
            if name in node:
                said = f", {word} ".join(self._said(child) for child in node[name])
                return said if top or len(node[name]) == 1 else f"({said})"
        return self.of(node)

    def _denied(self, node: Rule) -> str:
        if "if" in node:
            return f"it is not so that {self.of(node)}"
        word = "none" if "any" in node else "not all"
        inner = next((node[name] for name in schema.GROUPS if name in node), None)
        if inner is None or len(inner) == 1:
            return f"it is not so that {self._said(node if inner is None else inner[0])}"
        return f"{word} of this holds ({'; '.join(self._said(child) for child in inner)})"

    def of(self, node: Rule) -> str:
        """One condition."""
        no = "not " * (node["is"] == "not_in")
        if node["if"] in ("segments.member", "lists.member"):
            what = "segment" if node["if"] == "segments.member" else "list"
            name = self.segments.get(node["value"], "one that is gone")
            return f"they are {no}in the {what} “{name}”"
        if node["if"] == "random.share":
            return (
                f"they are {'not ' * (node['is'] == 'not_in')}in a random {node['value']:g} % of all people"
            )
        if node["if"] == "products.bought":
            return self._bought(node)
        said = rules.words({**node, "where": []}, self.store) + self._narrowed(node)
        of = node.get("of") or {}
        if "product" in of:
            said = said.replace(
                f" of product {' or '.join(map(str, of['product']))}",
                f" of {' or '.join(self.products(of['product']))}",
            )
        if "kind" in node:
            said = said.replace(f"event “{node['kind']}”", f"“{event(node['kind'])}”")
        return said

    def _narrowed(self, node: Rule) -> str:
        """Which purchases or events count."""
        said, store = "", self.store
        for one in node.get("where", []):
            kind = type_of(CONDITIONS[node["if"]], one["field"])
            operator = operator_of(kind, one["is"])
            value = ""
            if operator.value is not None:
                value = in_words(kind, operator, one["value"], currency=store.currency, locale=store.locale)
            words = operator.words.format(value=value)
            said += f", {one['field'].replace('_', ' ')} {words}"
        return said

    def _bought(self, node: Rule) -> str:
        verb = "they bought" if node["is"] == "yes" else "they did not buy"
        kind, values = next(iter((node.get("of") or {}).items()), ("", []))
        what = " or ".join(self.products(values) if kind == "product" else map(str, values))
        frame = ""
        if node.get("during"):
            frame = rules.words({**node, "is": "yes", "of": None}, self.store)
            frame = " " + frame.partition("some purchase")[2].removesuffix(" exists").strip()
        goods = what if kind in ("", "product") else f"{kind} {what}"
        return f"{verb} {goods or 'anything'}{frame}"

    def value(self, node: Rule, value: Any) -> str:
        """What was found for a condition: “3”, “$120.50”, “Mar 2, 2026”."""
        condition = CONDITIONS.get(node.get("if", ""))
        if value is None or condition is None:
            return "nothing known"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if node["if"] in ("segments.member", "lists.member"):
            return "in it" if value else "not in it"
        if isinstance(value, list):
            return ", ".join(map(str, value)) or "none"
        if isinstance(value, (int, float)):
            return self._number(condition, value)
        return self._text(str(value))

    def turn(self, at: datetime) -> str:
        """When a condition may change: a day, unless it is in the middle of one."""
        local = at.astimezone(self.store.tz)
        if local.time() == time():
            return formats.day(local.date(), self.store.locale)
        return formats.moment(at, self.store.locale, self.store.time_zone)

    def _number(self, condition: Condition, value: float) -> str:
        store = self.store
        if condition.type.name == "money":
            return formats.money(value, store.currency, store.locale)
        digits = 0 if value == int(value) else 1
        number = formats.number(value, store.locale, digits=digits)
        return f"{number}{formats.NBSP}%" if condition.type.name == "percent" else number

    def _text(self, value: str) -> str:
        try:
            if len(value) == 10:
                return formats.day(date.fromisoformat(value), self.store.locale)
            moment = datetime.fromisoformat(value)
        except ValueError:
            return f"“{value}”" if value else "empty"
        if moment.tzinfo is None:
            return formats.day(moment.date(), self.store.locale)
        return formats.moment(moment, self.store.locale, self.store.time_zone)
