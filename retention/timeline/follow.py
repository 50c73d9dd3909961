"""Following the timeline: each follower reads every event once, in the order (xid, id).

Only events whose transaction is older than every running one are read (`xid < snapshot xmin`): what is
below a position can then never appear later. A long writing transaction therefore holds followers back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction

from retention.timeline.models import Event, Follower

Handler = Callable[[list[Event]], None]
BATCH = 20_000

FOLLOWERS: dict[str, Registered] = {}


@dataclass(frozen=True)
class Registered:
    name: str
    handler: Handler
    kinds: frozenset[str] = field(default_factory=frozenset)
    columns: tuple[str, ...] = ()
    after: str = ""
    batch: int = BATCH


def follow(
    name: str,
    handler: Handler,
    *,
    kinds: set[str] | None = None,
    columns: tuple[str, ...] = (),
    after: str = "",
    batch: int = BATCH,
) -> None:
    """Declare a follower (in `AppConfig.ready`). `kinds` narrows what it is handed; None means all.

    `columns` names what it reads of an event, for a follower of millions: reading the rest would take
    longer than its own work. Touching another column then costs a query per event. Empty means all.
    `after` names a follower whose effects this one reads: it goes no further than that one has gone.
    `batch` is how many events it is handed at once, at most.
    """
    FOLLOWERS[name] = Registered(name, handler, frozenset(kinds or ()), columns, after, batch)


def advance(name: str, *, batch: int | None = None) -> int:
    """Hand the next batch to the follower; its effects and its position commit together.

    Returns how many events were read; 0 also when another process holds this follower.
    """
    registered = FOLLOWERS[name]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"follower:{name}"])
        if not cursor.fetchone()[0]:
            return 0
        # A crash may take back the last moments of both effects and position; they are then done again.
        cursor.execute("SET LOCAL synchronous_commit = off")
        follower, _ = Follower.objects.get_or_create(name=name)
        events = list(
            Event.objects.raw(
                f"SELECT {_listed(registered)} FROM timeline_event WHERE (xid, id) > (%s::xid8, %s)"
                f" AND xid < pg_snapshot_xmin(pg_current_snapshot()) {_until(registered)}"
                " ORDER BY xid, id LIMIT %s",
                [
                    str(follower.xid),
                    follower.event_id,
                    *filter(None, [registered.after]),
                    batch or registered.batch,
                ],
            )
        )
        if not events:
            return 0
        wanted = [e for e in events if not registered.kinds or e.kind in registered.kinds]
        if wanted:
            registered.handler(wanted)
        follower.xid, follower.event_id = events[-1].xid, events[-1].id
        follower.save()
    return len(events)


def _until(registered: Registered) -> str:
    if not registered.after:
        return ""
    return "AND (xid, id) <= (SELECT xid, event_id FROM timeline_follower WHERE name = %s)"


def _listed(registered: Registered) -> str:
    return ", ".join(sorted({"id", "xid", "kind", *registered.columns})) if registered.columns else "*"


def catch_up(name: str) -> int:
    """Advance until nothing is left to read now; returns the number of events read."""
    total = 0
    while read := advance(name):
        total += read
    return total


def last_position() -> tuple[int, int]:
    """The position of the last event that is committed now."""
    last = Event.objects.order_by("-xid", "-id").values_list("xid", "id").first()
    return last or (0, 0)


def is_behind(name: str, position: tuple[int, int]) -> bool:
    """Whether the follower has yet to read up to this position."""
    read = Follower.objects.filter(name=name).values_list("xid", "event_id").first()
    return (read or (0, 0)) < position


def lag(name: str) -> int:
    """How many events the follower has not read yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM timeline_event e, (SELECT coalesce(max(xid::text), '0')::xid8 AS xid,"
            " coalesce(max(event_id), 0) AS id FROM timeline_follower WHERE name = %s) f"
            " WHERE (e.xid, e.id) > (f.xid, f.id)",
            [name],
        )
        return int(cursor.fetchone()[0])
