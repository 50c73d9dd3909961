"""The page that builds a rule: what each line of it shows, and what the rule would find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from retention.customers.models import Customer
from retention.lib import formats
from retention.segments import actions, choices, queries, rules
from retention.segments.conditions import CONDITIONS, Condition
from retention.segments.drafts import (
    MATCHES,
    Draft,
    incomplete,
    narrowings,
    operator_of,
    to_rule,
    type_of,
)
from retention.segments.families.events import OWN
from retention.segments.inputs import Input, inputs, spoken, typed_of
from retention.segments.models import Segment
from retention.segments.rules import Rule, RuleError
from retention.segments.schema import MOST
from retention.segments.types import WINDOWS, DateOperator, Operator, Type
from retention.segments.wording import Words, compared, event, family
from retention.stores.models import Store
from retention.timeline.kinds import KINDS

# A question that takes longer is given up, so that a page of conditions cannot hold the database.
PATIENCE = "10s"
MOST_OVERLAPS = 5
# Details of conditions whose values are those of another name.
ALSO = {"favorite": "category", "first_category": "category", "tags": "tag"}
# Comparisons with a part of a value: those of the store are no help.
PARTS = ("contains", "starts_with", "ends_with")


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Family:
    label: str
    choices: list[Choice]


@dataclass(frozen=True)
class Narrowing:
    """A row that says which purchases or events count."""

    place: int
    field: Input
    compared: Input
    values: list[Input]


@dataclass(frozen=True)
class Line:
    """A node of the rule as the page shows it."""

    key: str
    draft: Draft
    errors: list[str]
    movable: bool
    depth: int
    lines: list[Line]
    matches: list[Choice]
    families: list[Family]
    comparisons: list[Choice]
    values: list[Input]
    extras: list[Input]
    frames: list[Choice]
    frame: list[Input]
    narrowings: list[Narrowing]
    narrows: bool = False
    was: str = ""
    words: str = ""

    @property
    def is_group(self) -> bool:
        return bool(self.draft.match)

    @property
    def denied(self) -> bool:
        return self.draft.get("not") == "1"

    @property
    def name(self) -> str:
        """For those who do not see where the line stands."""
        if self.key == "r":
            return "The whole rule"
        places = ".".join(str(int(place) + 1) for place in self.key.split("-")[1:])
        return f"{'Group' if self.is_group else 'Condition'} {places}"


class Builder:
    """A rule on its way: the draft with what is wrong with it."""

    def __init__(self, store: Store, draft: Draft, segment: Segment | None = None, *, strict: bool = False):
        self.store, self.draft, self.segment = store, draft, segment
        self.words = Words(store)
        self.rule, self.keys = to_rule(draft, store)
        self.nodes = {key: node for key, node, _ in draft.walk()}
        self.errors: dict[str, list[str]] = {}
        # Problems that nobody is told of yet: the condition was just added.
        self.waiting = 0
        self._check(strict)

    def _check(self, strict: bool) -> None:
        try:
            actions.check_rule(self.store, self.rule, segment=self.segment)
        except RuleError as error:
            for problem in error.problems:
                key = self.keys.get(problem.path, "r")
                if strict or not incomplete(self.nodes[key]):
                    self.errors.setdefault(key, []).append(problem.message)
                else:
                    self.waiting += 1

    @property
    def complete(self) -> bool:
        return not self.errors and not self.waiting

    @property
    def sentence(self) -> str:
        return self.words.sentence(self.rule) if self.complete else ""

    def slots(self) -> list[tuple[str, list[str]]]:
        """Every line's errors, also where there are none any more."""
        return [(key, self.errors.get(key, [])) for key in self.nodes]

    @property
    def lines(self) -> Line:
        return self._line(self.draft, "r", 1)

    @property
    def full(self) -> bool:
        return sum(1 for node in self.nodes.values() if not node.match) >= MOST

    def _line(self, draft: Draft, key: str, depth: int) -> Line:
        common: dict[str, Any] = {
            "key": key,
            "draft": draft,
            "errors": self.errors.get(key, []),
            "movable": key != "r",
            "depth": depth,
        }
        if draft.match:
            lines = [self._line(child, f"{key}-{i}", depth + 1) for i, child in enumerate(draft.children)]
            matches = [Choice(name, words, name == draft.match) for name, words in MATCHES.items()]
            return Line(**common, lines=lines, matches=matches, **_NOTHING)
        return Line(**common, lines=[], matches=[], **self._condition(draft))

    def _condition(self, draft: Draft) -> dict[str, Any]:
        condition = CONDITIONS.get(draft.get("if"))
        if condition is None:
            return {**_NOTHING, "families": families(draft.get("if"))}
        operator, raw = operator_of(condition.type, draft.get("is")), draft.fields
        values = self._values(condition, operator, draft)
        names = condition.type.names()
        operators = [(name, operator_of(condition.type, name)) for name in names]
        return {
            "families": families(condition.name),
            "comparisons": [
                Choice(name, compared(condition, one), name == operator.name) for name, one in operators
            ],
            "values": [_with_unit(one, condition.type, self.store) for one in values],
            "extras": self._extras(condition, draft),
            "frames": self._frames(condition, draft) if "during" in condition.extras else [],
            "frame": _framed(condition, raw),
            "narrows": "where" in condition.extras,
            "narrowings": [self._narrowing(condition, draft, place) for place in narrowings(draft)],
            "was": f"{condition.name}|{operator.name}|{draft.get('of.kind')}",
        }

    def _values(self, condition: Condition, operator: Operator | DateOperator, draft: Draft) -> list[Input]:
        if operator.value is None:
            return []
        if condition.name in ("segments.member", "lists.member"):
            return [self._group_choice(condition, draft)]
        search = self._search(condition.name.partition(".")[2], operator, condition)
        found = inputs(operator.value, "value", draft.fields, hours=condition.type.moment, search=search)
        return [self._picked(one) for one in found]

    def _group_choice(self, condition: Condition, draft: Draft) -> Input:
        what, values = condition.family.removesuffix("s"), tuple(draft.fields.get("value", ()))
        if not choices.are_few(self.store, what):
            typed = typed_of("value", draft.fields)
            return self._picked(
                Input("pick", "value", "Which", values[:1], search=what, typed=typed, single=True)
            )
        kind = Segment.Kind.RULE if what == "segment" else Segment.Kind.LIST
        others = Segment.objects.filter(store=self.store, kind=kind).active()
        others = others.exclude(pk=self.segment.pk if self.segment else 0)
        options = [("", "choose…"), *((str(pk), name) for pk, name in others.values_list("pk", "name"))]
        return Input("select", "value", "Which", values, options)

    def _search(
        self, word: str, operator: Operator | DateOperator, condition: Condition | None = None
    ) -> str:
        """What such a value is chosen from, so that nobody has to guess how a channel is written."""
        if operator.name.removeprefix("not_") in PARTS:
            return ""
        if condition is not None and condition.choices:
            return condition.name
        word = ALSO.get(word) or word.removeprefix("first_")
        return next((one for one in (word, word.removesuffix("s")) if one in choices.VALUES), "")

    def _picked(self, one: Input) -> Input:
        """With the names of what is chosen, and what a word finds that was sent without choosing."""
        if one.kind != "pick":
            return one
        found = choices.found(self.store, one.search, one.typed).options if one.typed else ()
        return replace(one, chosen=choices.chosen(self.store, one.search, one.values), found=found)

    def _extras(self, condition: Condition, draft: Draft) -> list[Input]:
        found: list[Input] = []
        for name, schema in condition.extras.items():
            if name == "of":
                found += self._goods(condition, schema, draft)
            elif name == "kind":
                found.append(_events(draft))
            elif name == "salt":
                raw = draft.fields if draft.fields.get("salt") else {"salt": ["draw 1"]}
                found += inputs(schema, name, raw, label="Name of the draw: another name, other people")
            elif name not in ("during", "where"):
                found += inputs(schema, name, draft.fields, label=spoken(name).capitalize())
        return found

    def _goods(self, condition: Condition, schema: Any, draft: Draft) -> list[Input]:
        kinds = [(name, "SKU" if name == "sku" else name) for name in schema["properties"]]
        first = [] if "of" in condition.required else [("", "anything")]
        kind = draft.get("of.kind")
        select = Input("select", "of.kind", "Of which goods", (kind,), [*first, *kinds])
        kind = kind if kind in schema["properties"] else (kinds[0][0] if not first else "")
        if not kind:
            return [select]
        search = "product_tag" if kind == "tag" else kind
        label = f"Which {choices.name_of(search)}"
        found = inputs(schema["properties"][kind], "of.value", draft.fields, label=label, search=search)
        return [select, *(self._picked(one) for one in found)]

    def _frames(self, condition: Condition, draft: Draft) -> list[Choice]:
        chosen = draft.get("during.is")
        frames = [
            Choice(name, one.words.replace("{value}", "…"), name == chosen) for name, one in WINDOWS.items()
        ]
        return [Choice("", "at any time", chosen not in WINDOWS), *frames]

    def _narrowing(self, condition: Condition, draft: Draft, place: int) -> Narrowing:
        name = f"where.{place}"
        chosen = draft.get(f"{name}.field")
        known = getattr(getattr(condition, "rows", None), "fields", {})
        kind = type_of(condition, chosen)
        operator = operator_of(kind, draft.get(f"{name}.is"))
        options = [(key, one.label) for key, one in known.items()]
        field = Input("select" if options else "text", f"{name}.field", "Detail", (chosen,), options)
        words = [(one, operator_of(kind, one).words.replace("{value}", "…")) for one in kind.names()]
        values: list[Input] = []
        if operator.value is not None:
            search = self._search(chosen, operator) if chosen in known else ""
            found = inputs(operator.value, f"{name}.value", draft.fields, search=search)
            values = [self._picked(one) for one in found]
        return Narrowing(
            place,
            field,
            Input("select", f"{name}.is", "Comparison", (operator.name,), words),
            [_with_unit(one, kind, self.store) for one in values],
        )


_NOTHING: dict[str, Any] = {
    **{"families": [], "comparisons": [], "values": [], "extras": []},
    **{"frames": [], "frame": [], "narrowings": []},
}


def families(chosen: str) -> list[Family]:
    """Every condition by its family, for the picker."""
    found: dict[str, list[Choice]] = {}
    for name, condition in CONDITIONS.items():
        choice = Choice(name, condition.label.strip(","), name == chosen)
        found.setdefault(family(condition), []).append(choice)
    return [Family(label, choices) for label, choices in found.items()]


def _with_unit(one: Input, kind: Type, store: Store) -> Input:
    unit = store.currency if kind.name == "money" else "%" if kind.name == "percent" else ""
    if not unit or one.kind != "number":
        return one
    return replace(one, unit=unit)


def _framed(condition: Condition, raw: dict[str, list[str]]) -> list[Input]:
    frame = WINDOWS.get((raw.get("during.is") or [""])[0])
    if frame is None or frame.value is None or "during" not in condition.extras:
        return []
    hours = bool(getattr(getattr(condition, "rows", None), "moment", False))
    return inputs(frame.value, "during.value", raw, label="Time frame", hours=hours)


def _events(draft: Draft) -> Input:
    names = sorted(name for name in KINDS if not name.startswith(OWN))
    options = [("", "choose…"), *((name, event(name)) for name in names)]
    return Input("select", "kind", "Which event", tuple(draft.fields.get("kind", ())), options)


# What the rule would find


@dataclass(frozen=True)
class Found:
    """A preview in words."""

    count: str
    share_of_customers: str
    share_of_revenue: str
    sample: list[Customer]
    overlaps: list[dict[str, str]]


def found(builder: Builder, now: datetime | None = None) -> Found | None:
    """Who would be in; None when it takes too long to say."""
    store, locale, now = builder.store, builder.store.locale, now or timezone.now()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
            preview = queries.preview(store, builder.rule, now)
            others = queries.overlap_of_rule(store, builder.rule, now)
    except OperationalError:
        return None
    mine = builder.segment.pk if builder.segment else 0
    return Found(
        count=formats.counted(preview.count, "person", "people", locale),
        share_of_customers=formats.percent(preview.share_of_customers, locale),
        share_of_revenue=formats.percent(preview.share_of_revenue, locale),
        sample=preview.sample,
        overlaps=overlaps_in_words([o for o in others if o.segment.pk != mine], preview.count, locale),
    )


def overlaps_in_words(found: Sequence[queries.Overlap], count: int, locale: str) -> list[dict[str, str]]:
    """The largest, as shares of `count` people."""
    return [
        {
            "name": one.segment.name,
            "pk": str(one.segment.pk),
            "both": formats.number(one.both, locale),
            "share": formats.percent(one.both / count, locale, digits=0),
            "width": f"{100 * one.both / count:.1f}",
        }
        for one in found[:MOST_OVERLAPS]
        if one.both and count
    ]


def sentence_of(store: Store, rule: Rule) -> str:
    """In words, or why not: a rule may ask for what an app no longer offers."""
    try:
        rules.check(rule)
    except RuleError as error:
        return str(error)
    return Words(store).sentence(rule)
