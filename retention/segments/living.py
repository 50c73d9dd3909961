"""Keeping segments true: when people do something, when time passes, when a store's habits change.

A move may make others: those who entered a segment are asked about the segments that ask about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import DataError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper

from retention.metrics.models import State
from retention.segments import facts, lists
from retention.segments.members import (
    Live,
    Moved,
    Surroundings,
    apply_moves,
    ask,
    compare_all,
    in_order,
    keep_moves,
    lock,
)
from retention.segments.models import Segment
from retention.stores.models import Store

log = structlog.get_logger(__name__)
UNASKABLE = (DataError, ProgrammingError)
# More people than this are asked by computing the segment anew.
MANY = 20_000


def reevaluate(
    store: Store,
    did: dict[str, set[int]],
    now: datetime,
    *,
    cause: str = "deed",
    old: Collection[int] = (),
) -> None:
    """Ask about the people to whom something happened: `did` maps kinds to people."""
    around, segments = Surroundings.with_live(store)
    asked: dict[int, set[int]] = {}
    for segment in segments:
        for kind, people in did.items():
            if kind.startswith(segment.heard):
                asked[segment.pk] = asked[segment.pk] | people if segment.pk in asked else people
    _walk(store, around, segments, asked, now, cause=cause, old=old)


def _walk(
    store: Store,
    around: Surroundings,
    segments: list[Live],
    asked: dict[int, set[int]],
    now: datetime,
    *,
    cause: str,
    old: Collection[int] = (),
) -> None:
    """Ask level by level; segments that are asked about the same people share one statement."""
    if not any(asked.values()):
        return
    # What moves is handed over in a table that a commit empties.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        for level in in_order(segments):
            for together, people in _together(level, asked):
                moved = _move(cursor, store, around, together, people, now, cause=cause, old=old)
                _hand_on(segments, moved, asked)


def _together(level: list[Live], asked: dict[int, set[int]]) -> Iterable[tuple[list[Live], frozenset[int]]]:
    # Most share one set of people: it is hashed once.
    frozen: dict[int, frozenset[int]] = {}
    groups: dict[frozenset[int], list[Live]] = defaultdict(list)
    for segment in level:
        if people := asked.get(segment.pk):
            if id(people) not in frozen:
                frozen[id(people)] = frozenset(people)
            groups[frozen[id(people)]].append(segment)
    return [(segments, people) for people, segments in groups.items()]


def _move(
    cursor: CursorWrapper,
    store: Store,
    around: Surroundings,
    segments: list[Live],
    people: Collection[int],
    now: datetime,
    *,
    cause: str,
    old: Collection[int],
) -> Moved:
    if len(people) > MANY:
        return _merged([refresh(cursor, store, around, one, now, cause=cause) for one in segments])
    moves = ask(around, segments, people, now)
    if not moves:
        return Moved({}, {})
    keep_moves(cursor, moves)
    return apply_moves(cursor, store, now, cause, old=old)


def _merged(moved: list[Moved]) -> Moved:
    whole = Moved({}, {})
    for one in moved:
        whole.entered.update(one.entered)
        whole.left.update(one.left)
    return whole


def _hand_on(segments: list[Live], moved: Moved, asked: dict[int, set[int]]) -> None:
    for segment in segments:
        for other in segment.asks:
            if people := moved.of(other):
                asked[segment.pk] = asked.get(segment.pk, set()) | people


def close_merged(cursor: CursorWrapper, people: Collection[int], *, now: datetime) -> None:
    """Records that were merged into others are nobody any more; on lists the others take their place, until
    the merge is undone."""
    lists.give_back(cursor, people)
    given: dict[str, Any] = {"people": sorted(people), "now": now}
    gone = "SELECT id FROM customers_customer WHERE id = ANY(%(people)s) AND merged_into_id IS NOT NULL"
    cursor.execute(
        f"""
        INSERT INTO segments_membership (segment_id, customer_id, entered_at, cause)
        SELECT DISTINCT ON (m.segment_id, c.merged_into_id)
            m.segment_id, c.merged_into_id, m.entered_at, 'merge'
        FROM segments_membership m JOIN customers_customer c ON c.id = m.customer_id
        JOIN segments_segment s ON s.id = m.segment_id AND s.kind = 'list'
        WHERE m.left_at IS NULL AND m.customer_id IN ({gone})
        ORDER BY m.segment_id, c.merged_into_id, m.entered_at ON CONFLICT DO NOTHING
        """,
        given,
    )
    cursor.execute(
        "UPDATE segments_membership m SET left_at = greatest(%(now)s, entered_at),"
        " taken_by = CASE WHEN s.kind = 'list' THEN c.merged_into_id END"
        " FROM customers_customer c, segments_segment s WHERE c.id = m.customer_id AND s.id = m.segment_id"
        f" AND m.left_at IS NULL AND m.customer_id IN ({gone})",
        given,
    )
    cursor.execute(f"DELETE FROM segments_turn WHERE customer_id IN ({gone})", given)


def hand_on(store: Store, moved: Moved, now: datetime) -> None:
    """Ask those who moved, on a list say, about the segments that ask about it."""
    around, segments = Surroundings.with_live(store)
    asked: dict[int, set[int]] = {}
    _hand_on(segments, moved, asked)
    _walk(store, around, segments, asked, now, cause="deed")


def refresh(
    cursor: CursorWrapper,
    store: Store,
    around: Surroundings,
    segment: Live,
    now: datetime,
    *,
    cause: str,
    told: bool = True,
) -> Moved:
    """A whole segment by its rule, with its difference. The caller holds the lock."""
    compare_all(cursor, around, segment, now)
    moved = apply_moves(cursor, store, now, cause, told=told)
    Segment.objects.filter(pk=segment.pk).update(time_zone=around.zone, refreshed_at=now)
    return moved


@transaction.atomic
def refresh_with_dependents(
    store: Store, chosen: Collection[int], now: datetime, *, cause: str, told: bool = True
) -> Moved:
    """These segments, and the people who moved in those that ask about them."""
    around, segments = Surroundings.with_live(store)
    asked: dict[int, set[int]] = {}
    whole = Moved({}, {})
    with connection.cursor() as cursor:
        lock(cursor)
        for level in in_order(segments):
            for segment in level:
                if segment.pk in chosen:
                    moved = refresh(cursor, store, around, segment, now, cause=cause, told=told)
                elif people := asked.get(segment.pk):
                    moved = _move(cursor, store, around, [segment], people, now, cause=cause, old=())
                else:
                    continue
                _hand_on(segments, moved, asked)
                whole.entered.update(moved.entered)
                whole.left.update(moved.left)
    return whole


def pass_time(store: Store, now: datetime) -> int:
    """Ask about everybody whose moment has come; returns how many there were.

    Cost: one statement per segment with somebody due, over those people only.
    """
    due = _due(store, now)
    if not due:
        return 0
    around, segments = Surroundings.with_live(store)
    asked = {pk: set(people) for pk, people in due.items()}
    _walk(store, around, segments, asked, now, cause="time")
    return sum(len(people) for people in due.values())


def _due(store: Store, now: datetime) -> dict[int, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.segment_id, array_agg(u.customer_id) FROM segments_turn u"
            " JOIN segments_segment s ON s.id = u.segment_id"
            " WHERE u.at <= %s AND s.store_id = %s AND s.status = 'active' GROUP BY 1",
            [now, store.pk],
        )
        return dict(cursor.fetchall())


@transaction.atomic
def sweep_store(store: Store, now: datetime) -> None:
    """Time passes, the catalog changes, a new day brings new habits, a store moves to another zone."""
    with connection.cursor() as cursor:
        lock(cursor)
        _, segments = Surroundings.with_live(store)
        pass_time(store, now)
        shelved = facts.keep_shelf(cursor, store)
        zone = facts.zone_of(store)
    if shelved:
        reevaluate(store, {"order.": shelved}, now, cause="store")
    elsewhere = Segment.objects.filter(store=store).live().exclude(time_zone__in=["", zone])
    owed = Segment.objects.filter(store=store, refreshed_at=None).live()
    changed = {*elsewhere.values_list("pk", flat=True), *owed.values_list("pk", flat=True)}
    if facts.measure(store, now.astimezone(ZoneInfo(zone)).date()):
        changed |= {segment.pk for segment in segments if segment.compares}
    if changed:
        refresh_with_dependents(store, changed, now, cause="store")


def owe(store: Store) -> None:
    """What could not be asked now is computed anew by the next sweep."""
    Segment.objects.filter(store=store).live().update(refreshed_at=None)


def sweep(now: datetime) -> None:
    """Every store that has figures. One whose rules cannot be asked does not stop the others."""
    for store in Store.objects.filter(pk__in=State.objects.values("store_id")).order_by("pk"):
        try:
            sweep_store(store, now)
        except UNASKABLE:
            log.exception("segments could not be swept", store=store.slug)
