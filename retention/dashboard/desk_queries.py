"""Who changed what in a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from retention.stores.models import Store, User
from retention.timeline.kinds import KINDS, sentence
from retention.timeline.models import Event

PAGE = 50


@dataclass(frozen=True)
class Deed:
    icon: str
    text: str
    who: str
    at: datetime

    @property
    def day(self) -> str:
        return f"{self.at:%b} {self.at.day}, {self.at:%H:%M}"


def activity_of(store: Store, *, before: int | None = None) -> tuple[list[Deed], int | None]:
    """What people did, newest first, and where the next page begins."""
    events = Event.objects.filter(store=store, by__startswith="user:").order_by("-id")
    if before is not None:
        events = events.filter(id__lt=min(before, 2**62))
    found = list(events[: PAGE + 1])
    shown = found[:PAGE]
    names = _names(shown)
    following = shown[-1].id if len(found) > PAGE else None
    return [_deed(event, names, store) for event in shown], following


def _names(events: list[Event]) -> dict[str, str]:
    keys = {int(event.by.partition(":")[2]) for event in events if event.by.partition(":")[2].isdecimal()}
    return {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=keys)}


def _deed(event: Event, names: dict[str, str], store: Store) -> Deed:
    declared = KINDS.get(event.kind)
    return Deed(
        icon=declared.icon if declared else "circle",
        text=sentence(event.kind, event.data),
        who=names.get(event.by, "Somebody who left"),
        at=event.recorded_at.astimezone(store.tz),
    )
