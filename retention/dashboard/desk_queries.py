"""Who changed what in a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from retention.segments.models import Segment
from retention.segments.vocabulary import SegmentChanged, SegmentEntered, SegmentLeft
from retention.stores.authors import authors
from retention.stores.models import Store
from retention.timeline.kinds import KINDS, sentence
from retention.timeline.models import Event

PAGE = 50
# One per person that a list takes on: told together by one event of the list.
OF_PEOPLE = (SegmentEntered.name, SegmentLeft.name)


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
    events = Event.objects.filter(store=store, by__startswith="user:").exclude(kind__in=OF_PEOPLE)
    events = events.order_by("-id")
    if before is not None:
        events = events.filter(id__lt=min(before, 2**62))
    found = list(events[: PAGE + 1])
    shown = found[:PAGE]
    names, segments = authors(event.by for event in shown), _segments(store)
    following = shown[-1].id if len(found) > PAGE else None
    return [_deed(event, names, store, segments) for event in shown], following


def _segments(store: Store) -> dict[int, str]:
    """Their names: the timeline has their numbers."""
    return {pk: f"“{name}”" for pk, name in Segment.objects.filter(store=store).values_list("pk", "name")}


def _deed(event: Event, names: dict[str, str], store: Store, segments: dict[int, str]) -> Deed:
    data = event.data
    if event.kind == SegmentChanged.name:
        data = {**data, "segment": segments.get(data.get("segment", 0), "that is gone")}
    declared = KINDS.get(event.kind)
    return Deed(
        icon=declared.icon if declared else "circle",
        text=sentence(event.kind, data),
        who=names.get(event.by, "Somebody who left"),
        at=event.recorded_at.astimezone(store.tz),
    )
