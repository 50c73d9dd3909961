"""What people do with segments and lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from retention.customers.models import Customer
from retention.segments import living, rules
from retention.segments.members import Moved, apply_moves, depends_on, keep_moves, lock
from retention.segments.models import Membership, Segment, Turn, next_review
from retention.segments.rules import Problem, Rule, RuleError
from retention.segments.schema import can_be_kept
from retention.segments.uses import Use, uses_of
from retention.segments.vocabulary import SegmentChanged
from retention.stores.authors import number_of
from retention.stores.models import Store, User
from retention.timeline.actions import record


class NotPossible(Exception):
    """The change cannot be made; the message is what the merchant reads."""


class InUse(NotPossible):
    """The segment is needed elsewhere."""

    def __init__(self, uses: list[Use]) -> None:
        super().__init__("It is used by " + ", ".join(f"{use.what} “{use.name}”" for use in uses) + ".")
        self.uses = uses


def check_rule(store: Store, rule: Any, *, segment: Segment | None = None) -> None:
    """Raises RuleError, also for segments that do not exist and for rules that ask about themselves."""
    rules.check(rule)
    known = {one.pk: one for one in Segment.objects.filter(store=store).active()}
    problems: list[Problem] = []
    for path, node in rules.leaves(rule):
        if node["if"] in ("segments.member", "lists.member"):
            problems += _wrong_reference(known, node, path, segment)
    if problems:
        raise RuleError(problems)


def _wrong_reference(
    known: dict[int, Segment], node: Rule, path: rules.Path, segment: Segment | None
) -> Iterable[Problem]:
    wanted = Segment.Kind.RULE if node["if"] == "segments.member" else Segment.Kind.LIST
    other = known.get(node["value"])
    if other is None or other.kind != wanted:
        yield Problem(
            path, f"There is no such {'segment' if wanted == Segment.Kind.RULE else 'list'} any more."
        )
    elif segment and segment.pk in _reached(known, other.pk):
        yield Problem(path, f"“{other.name}” asks about this segment itself.")


def _reached(known: dict[int, Segment], start: int) -> set[int]:
    seen: set[int] = set()
    todo = [start]
    while todo:
        if (pk := todo.pop()) not in seen:
            seen.add(pk)
            todo += depends_on(known[pk].tree) if pk in known else ()
    return seen


def _hold() -> None:
    with connection.cursor() as cursor:
        lock(cursor)


def _check_name(store: Store, name: str, *, segment: Segment | None = None) -> str:
    name = name.strip()[:120]
    taken = Segment.objects.filter(store=store, name=name).active().exclude(pk=segment.pk if segment else 0)
    if not name or taken.exists():
        raise NotPossible(f"There is a segment “{name}” already." if name else "A segment needs a name.")
    return name


@transaction.atomic
def create_segment(
    store: Store,
    *,
    name: str,
    rule: Rule,
    by: str,
    owner: User | None = None,
    description: str = "",
    ready: str = "",
    now: datetime | None = None,
) -> Segment:
    """A segment by rule, filled at once."""
    _hold()
    check_rule(store, rule)
    segment = Segment.objects.create(
        store=store,
        name=_check_name(store, name),
        rule=rule,
        owner=owner,
        description=description,
        ready=ready,
    )
    return _refilled(segment, "made", by=by, now=now)


def _refilled(segment: Segment, what: str, *, by: str, now: datetime | None) -> Segment:
    """Compute who is in, and tell how many came and left: nobody of them did anything."""
    now = now or timezone.now()
    moved = living.refresh_with_dependents(segment.store, {segment.pk}, now, cause="rule", told=False)
    segment.refresh_from_db()
    _tell(segment, what, by=by, now=now, moved=moved)
    return segment


def _tell(segment: Segment, what: str, *, by: str, now: datetime, moved: Moved | None = None) -> None:
    entered, left = (
        (len(side.get(segment.pk, ())) for side in (moved.entered, moved.left)) if moved else (0, 0)
    )
    told = SegmentChanged(segment=segment.pk, what=what, entered=entered, left=left)
    record(segment.store, told, by=by, subject=f"segment:{segment.pk}", at=now)


@transaction.atomic
def change_rule(segment: Segment, rule: Rule, *, by: str, now: datetime | None = None) -> Segment:
    """Another rule; those for whom the answer differs move."""
    _hold()
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    if segment.kind != Segment.Kind.RULE or segment.status != Segment.Status.ACTIVE:
        raise NotPossible("Only an active segment has a rule that can be changed.")
    check_rule(segment.store, rule, segment=segment)
    segment.rule, segment.version = rule, segment.version + 1
    segment.save(update_fields=["rule", "version"])
    return _refilled(segment, "changed", by=by, now=now)


@transaction.atomic
def describe_segment(
    segment: Segment, *, name: str, description: str, owner: User | None, by: str
) -> Segment:
    """Another name, description or owner."""
    segment.name = _check_name(segment.store, name, segment=segment)
    segment.description, segment.owner = description, owner
    segment.save(update_fields=["name", "description", "owner"])
    _tell(segment, "renamed", by=by, now=timezone.now())
    return segment


@transaction.atomic
def save_segment(
    segment: Segment, *, rule: Rule, name: str, description: str, owner: User | None, by: str
) -> Segment:
    """What the builder saves: tells only of what is different. Raises RuleError or NotPossible."""
    if (name.strip(), description, owner) != (segment.name, segment.description, segment.owner):
        segment = describe_segment(segment, name=name, description=description, owner=owner, by=by)
    return change_rule(segment, rule, by=by) if rule != segment.rule else segment


@transaction.atomic
def review_segment(segment: Segment, *, by: str, until: date | None = None) -> Segment:
    """Somebody looked at it and found it right; it is shown again later."""
    segment.review_on = until or next_review()
    segment.save(update_fields=["review_on"])
    _tell(segment, "reviewed", by=by, now=timezone.now())
    return segment


@transaction.atomic
def archive_segment(segment: Segment, *, by: str, now: datetime | None = None) -> Segment:
    """Nobody is in it any more, its history stays. Raises InUse."""
    _hold()
    if uses := uses_of(segment):
        raise InUse(uses)
    now = now or timezone.now()
    segment.status = Segment.Status.ARCHIVED
    segment.save(update_fields=["status"])
    stays = Membership.objects.filter(segment=segment, left_at=None)
    # A list is put together by hand: it is kept as it is, to be restored.
    left = stays.update(left_at=now) if segment.kind == Segment.Kind.RULE else 0
    Turn.objects.filter(segment=segment).delete()
    told = SegmentChanged(segment=segment.pk, what="archived", left=left)
    record(segment.store, told, by=by, subject=f"segment:{segment.pk}", at=now)
    return segment


@transaction.atomic
def restore_segment(segment: Segment, *, by: str, now: datetime | None = None) -> Segment:
    _hold()
    _check_name(segment.store, segment.name, segment=segment)
    segment.status = Segment.Status.ACTIVE
    segment.save(update_fields=["status"])
    if segment.kind == Segment.Kind.RULE:
        check_rule(segment.store, segment.rule, segment=segment)
        return _refilled(segment, "restored", by=by, now=now)
    _tell(segment, "restored", by=by, now=now or timezone.now())
    return segment


def duplicate_segment(segment: Segment, *, by: str, now: datetime | None = None) -> Segment:
    """The same again under another name; a list with the same people."""
    name = Segment.objects.filter(store=segment.store).active().free_name(f"Copy of {segment.name}")
    if segment.kind == Segment.Kind.LIST:
        people = members_of(segment)
        return create_list(segment.store, name=name, people=people, by=by, owner=segment.owner, now=now)
    return create_segment(
        segment.store, name=name, rule=segment.tree, by=by, owner=segment.owner,
        description=segment.description, now=now,
    )  # fmt: skip


def maker(by: str) -> User | None:
    """Who makes a segment looks after it, unless somebody else is named."""
    number = number_of(by)
    return None if number is None else User.objects.filter(pk=number).first()


def members_of(segment: Segment) -> list[int]:
    stays = Membership.objects.filter(segment=segment, left_at=None)
    return list(stays.order_by("customer_id").values_list("customer_id", flat=True))


@transaction.atomic
def create_list(
    store: Store,
    *,
    name: str,
    people: Collection[int] = (),
    by: str,
    owner: User | None = None,
    description: str = "",
    now: datetime | None = None,
) -> Segment:
    """People put together by hand, by a file, or as a segment was at this moment."""
    _hold()
    segment = Segment.objects.create(
        store=store,
        name=_check_name(store, name),
        kind=Segment.Kind.LIST,
        owner=owner,
        description=description,
    )
    now = now or timezone.now()
    _tell(segment, "made", by=by, now=now)
    add_to_list(segment, people, by=by, now=now)
    return segment


def snapshot_segment(segment: Segment, *, name: str, by: str, now: datetime | None = None) -> Segment:
    """A list of those who are in the segment now."""
    return create_list(segment.store, name=name, people=members_of(segment), by=by, owner=maker(by), now=now)


def add_to_list(segment: Segment, people: Collection[int], *, by: str, now: datetime | None = None) -> int:
    """Returns how many were not on it before. Those of other stores are left out."""
    return _change_list(segment, people, come=True, by=by, now=now)


def remove_from_list(
    segment: Segment, people: Collection[int], *, by: str, now: datetime | None = None
) -> int:
    return _change_list(segment, people, come=False, by=by, now=now)


@transaction.atomic
def _change_list(
    segment: Segment, people: Collection[int], *, come: bool, by: str, now: datetime | None
) -> int:
    if segment.kind != Segment.Kind.LIST:
        raise NotPossible("People come into this segment by its rule, not by hand.")
    _hold()
    store, now = segment.store, now or timezone.now()
    known = Customer.objects.filter(store=store, pk__in=people, merged_into=None)
    there = set(
        Membership.objects.filter(segment=segment, left_at=None).values_list("customer_id", flat=True)
    )
    changing = {pk for pk in known.values_list("pk", flat=True) if (pk in there) != come}
    if not changing:
        return 0
    with connection.cursor() as cursor:
        keep_moves(cursor, [(segment.pk, pk, come, not come, None, None) for pk in sorted(changing)])
        moved = apply_moves(cursor, store, now, "hand", by=by)
    _tell(segment, "changed by hand", by=by, now=now, moved=moved)
    living.hand_on(store, moved, now)
    return len(changing)


def segment_as_json(segment: Segment) -> dict[str, Any]:
    """For a file that another store can read."""
    return {"name": segment.name, "description": segment.description, "rule": segment.rule}


def segment_from_json(store: Store, told: Any, *, by: str, now: datetime | None = None) -> Segment:
    """A segment from such a file. Raises RuleError or NotPossible."""
    if not isinstance(told, dict):
        raise NotPossible("This file is not a segment: that is one object in braces, with a name and a rule.")
    for part, kind in (("name", str), ("rule", dict)):
        if not isinstance(told.get(part), kind):
            raise NotPossible(f"This file is not a segment: it has no “{part}”.")
    name, description = told["name"].strip(), str(told.get("description", ""))
    if not can_be_kept(name + description):
        raise NotPossible("The name or the description has characters that cannot be kept.")
    return create_segment(
        store,
        name=Segment.objects.filter(store=store).active().free_name(name),
        description=description,
        rule=told.get("rule"),  # type: ignore[arg-type]
        by=by,
        owner=maker(by),
        now=now,
    )
