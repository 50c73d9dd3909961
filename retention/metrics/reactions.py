"""Following the timeline: changed orders change figures."""

from __future__ import annotations

from collections import defaultdict

from retention.metrics.rebuild import FOLLOWER, apply, taken_in
from retention.stores.models import Store
from retention.timeline.follow import follow
from retention.timeline.models import Event

MERGES = {"customer.merged", "customer.unmerged"}
KINDS = {"order.placed", "order.changed", "order.refunded", *MERGES}


def update_metrics(events: list[Event]) -> None:
    """Bring each store's figures up to date with a batch of events."""
    of_store: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        of_store[event.store_id].append(event)
    for store in Store.objects.filter(pk__in=of_store).order_by("pk"):
        known = taken_in(store)
        if new := [e for e in of_store[store.pk] if not known or (e.xid or 0, e.pk or 0) > known]:
            apply(
                store,
                customers=_people(new),
                orders=_named(new, "order"),
                refunds=_named(new, "refund"),
            )


def _people(events: list[Event]) -> set[int]:
    own = {event.customer_id for event in events if event.customer_id}
    # "other" is a person only in a merge, or in one taken back.
    other = _named([e for e in events if e.kind in MERGES], "other")
    return own | other | _named(events, "previous_customer")


def _named(events: list[Event], field: str) -> set[int]:
    return {event.data[field] for event in events if event.data.get(field)}


def register() -> None:
    # Many at once: changed orders meet in the same cells of the rollups, which are then written once.
    read = ("store_id", "customer_id", "data")
    follow(FOLLOWER, update_metrics, kinds=KINDS, columns=read, batch=60_000)
