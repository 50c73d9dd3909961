"""Who changed what in a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from retention.catalog.models import Product
from retention.customers.models import Customer
from retention.dashboard.customers.person import title
from retention.dashboard.customers.story import SPOKEN
from retention.ingest.lists.formats import FORMATS as LISTS
from retention.ingest.vocabulary import ImportStarted
from retention.lib import formats
from retention.orders.models import Order
from retention.segments.models import Segment
from retention.segments.vocabulary import SegmentChanged, SegmentEntered, SegmentLeft
from retention.stores.authors import authors
from retention.stores.models import Store
from retention.timeline.kinds import KINDS, sentence
from retention.timeline.models import Event

PAGE = 50
# One per person that a list takes on: told together by one event of the list.
OF_PEOPLE = (SegmentEntered.name, SegmentLeft.name)
IMPORTS = {False: "ingest:run", True: "customers:import_run"}


@dataclass(frozen=True)
class Deed:
    icon: str
    text: str
    who: str
    at: datetime
    about: str = ""
    link: str = ""

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
    following = found[PAGE - 1].id if len(found) > PAGE else None
    behind = Behind(store, found[:PAGE])
    return [behind.deed(event) for event in found[:PAGE]], following


class Behind:
    """Who and what these events name, read once for all of them."""

    def __init__(self, store: Store, events: Sequence[Event]) -> None:
        self.store = store
        self.names = authors(event.by for event in events)
        self.people = Customer.objects.filter(store=store).in_bulk({e.customer_id for e in events} - {None})
        # The timeline has their numbers.
        self.segments = dict(Segment.objects.filter(store=store).values_list("pk", "name"))

    def deed(self, event: Event) -> Deed:
        declared = KINDS.get(event.kind)
        about, link = self._about(event)
        return Deed(
            icon=declared.icon if declared else "circle",
            text=sentence(event.kind, self._spoken(event)),
            who=self.names.get(event.by, "Somebody who left"),
            at=event.recorded_at.astimezone(self.store.tz),
            about=about,
            link=link,
        )

    def _spoken(self, event: Event) -> dict[str, object]:
        data = dict(event.data)
        if event.kind == SegmentChanged.name:
            name = self.segments.get(data.get("segment", 0))
            data["segment"] = f"“{name}”" if name else "that is gone"
            data["what"] = f"{data.get('what', '')}{self._moved(data)}"
        if "channel" in data:
            data["channel"] = SPOKEN.get(data["channel"], data["channel"])
        return data

    def _moved(self, data: dict[str, object]) -> str:
        """ ", with 463 people" of a new segment, ": 3 people came in, 1 left" of a changed one."""
        came, left = (int(str(data.get(side, 0))) for side in ("entered", "left"))
        people = formats.counted(came, "person", "people", self.store.locale)
        if came and data["what"] == "made":
            return f", with {people}"
        gone = formats.counted(left, "person", "people", self.store.locale)
        moved = ", ".join([f"{people} came in"] * bool(came) + [f"{gone} left"] * bool(left))
        return f": {moved}" if moved else ""

    def _about(self, event: Event) -> tuple[str, str]:
        """Of whom, or of what, it was; and where that is to be seen."""
        slug = self.store.slug
        if person := self.people.get(event.customer_id or 0):
            return title(person), reverse("customers:person", args=[slug, person.pk])
        if event.data.get("segment") in self.segments:
            return "The segment", reverse("segments:segment", args=[slug, event.data["segment"]])
        if event.kind == ImportStarted.name:
            return "What came of it", reverse(
                IMPORTS[event.data["format"] in LISTS], args=[slug, event.data["run"]]
            )
        return "", ""


def has_money(store: Store) -> bool:
    """Are there amounts in the store's currency?"""
    return Order.objects.filter(store=store).exists() or Product.objects.filter(store=store).exists()
