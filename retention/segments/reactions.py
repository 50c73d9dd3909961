"""Following the timeline: people to whom something happened are asked again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from retention.metrics.rebuild import FOLLOWER as METRICS
from retention.segments import facts, living
from retention.segments.families.events import OWN
from retention.segments.members import FOLLOWER
from retention.segments.models import Segment
from retention.stores.models import Store
from retention.timeline.follow import follow
from retention.timeline.models import Event

log = structlog.get_logger(__name__)
MERGES = {"customer.merged", "customer.unmerged"}
# Events older than this are history: who enters a segment by them has done nothing just now.
HISTORY = timedelta(days=2)


def update_segments(events: list[Event]) -> None:
    react(events, now=timezone.now())


def react(events: list[Event], *, now: datetime) -> None:
    """Count what happened, and ask about those to whom it did."""
    of_store: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        # What segments themselves tell is not heard, or they would go on forever.
        if not event.kind.startswith(OWN):
            of_store[event.store_id].append(event)
    for store in Store.objects.filter(pk__in=of_store).order_by("pk"):
        _react(store, of_store[store.pk], now)


def _react(store: Store, events: list[Event], now: datetime) -> None:
    did = _people(events)
    _count(store, events, did)
    if not Segment.objects.filter(store=store).live().exists():
        return
    try:
        # A savepoint: a rule that cannot be asked must not stop the segments of other stores.
        with transaction.atomic():
            _ask(store, events, did, now)
    except living.UNASKABLE:
        log.exception("segments could not be asked", store=store.slug)
        living.owe(store)


def _ask(store: Store, events: list[Event], did: dict[str, set[int]], now: datetime) -> None:
    # First what time alone brought about, so that each move has its own cause and moment.
    living.pass_time(store, now)
    newest: dict[int, datetime] = {}
    for event in events:
        if event.customer_id:
            newest[event.customer_id] = max(
                event.occurred_at, newest.get(event.customer_id, event.occurred_at)
            )
    old = {person for person, at in newest.items() if at < now - HISTORY}
    living.reevaluate(store, did, now, old=old)


def _people(events: list[Event]) -> dict[str, set[int]]:
    """Kind -> the people concerned, under the numbers that they have now or had."""
    did: dict[str, set[int]] = defaultdict(set)
    for event in events:
        named = [event.customer_id, event.data.get("previous_customer")]
        if event.kind in MERGES:
            named.append(event.data.get("other"))
        did[event.kind].update(person for person in named if person)
    return {kind: _present(people) for kind, people in did.items()}


def _present(people: set[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT merged_into_id FROM customers_customer WHERE id = ANY(%s) AND merged_into_id IS NOT NULL",
            [sorted(people)],
        )
        return people | {row[0] for row in cursor.fetchall()}


def _count(store: Store, events: list[Event], did: dict[str, set[int]]) -> None:
    merged: set[int] = set().union(*(did.get(kind, set()) for kind in MERGES))
    buyers: set[int] = set().union(*(people for kind, people in did.items() if kind.startswith("order.")))
    told = [(e.customer_id, e.kind, e.occurred_at) for e in events if e.customer_id]
    with connection.cursor() as cursor:
        if told:
            facts.count_events(cursor, store, told)
        if merged:
            facts.count_again(cursor, store, merged, until=(events[-1].xid or 0, events[-1].pk))
            living.close_merged(cursor, merged, now=events[-1].recorded_at)
        facts.keep_bought(cursor, store, buyers | merged)


def register() -> None:
    columns = ("store_id", "customer_id", "data", "occurred_at", "recorded_at")
    follow(FOLLOWER, update_segments, columns=columns, after=METRICS)
