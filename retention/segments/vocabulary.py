"""What the timeline can say about segments, and the conditions that segments know by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from retention.segments.conditions import declare
from retention.segments.families import consent, events, groups, orders, products, profile, shipments
from retention.timeline.kinds import Kind, kind


@kind
@dataclass(frozen=True, kw_only=True)
class SegmentEntered(Kind):
    """A person came into a segment. `cause`: deed, time, history (an import of old events), hand (a list),
    or store (what is usual in the store changed)."""

    name = "segment.entered"
    icon = "users"
    sentence = "Entered segment {segment}"
    segment: int
    cause: str


@kind
@dataclass(frozen=True, kw_only=True)
class SegmentLeft(Kind):
    """A person left a segment; `cause` as for entering."""

    name = "segment.left"
    icon = "users"
    sentence = "Left segment {segment}"
    segment: int
    cause: str


@kind
@dataclass(frozen=True, kw_only=True)
class SegmentChanged(Kind):
    """Somebody made, changed, archived or restored a segment. Those who move by a new rule are counted
    here, and have no event of their own: nobody did anything."""

    name = "segment.changed"
    icon = "users"
    sentence = "Segment {segment} {what}"
    segment: int
    what: str
    entered: int = 0
    left: int = 0


declare(
    *profile.conditions(),
    *consent.conditions(),
    *orders.conditions(),
    *products.conditions(),
    *shipments.conditions(),
    *events.conditions(),
    *groups.conditions(),
)
