"""The timeline of a person as it is read: what happened, with the words of the facts behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retention.customers.models import Customer, Note, Proof, Tagging
from retention.dashboard.customers.person import by_order, ids_of, segments_named
from retention.dashboard.customers.titles import heard_from
from retention.lib import formats
from retention.lib.addresses import place_of
from retention.metrics.queries import today
from retention.orders.models import Line, Order, Refund, Shipment
from retention.stores.authors import authors
from retention.stores.models import Store
from retention.timeline.kinds import KINDS, sentence
from retention.timeline.models import Event

PAGE = 30
# The beginning of a kind's name is its chip; kinds of later apps find their own.
CHIPS = {
    "order": "Orders",
    "message": "Messages",
    "consent": "Consent",
    "preferences": "Preferences",
    "segment": "Segments",
    "note": "Notes",
    "customer": "Profile",
}

SPOKEN = {"email": "e-mail", "sms": "SMS", "onsite": "on-site"}


@dataclass(frozen=True)
class Moment:
    icon: str
    text: str
    at: datetime
    day: str
    exact: str
    who: str = ""
    says: list[str] = field(default_factory=list)
    quote: str = ""


@dataclass(frozen=True)
class Story:
    moments: list[Moment]
    more: str
    chips: dict[str, str]


def story(customer: Customer, *, family: str = "", before: str = "") -> Story:
    """Newest first. Merged records tell their part of it."""
    ids = ids_of(customer)
    events = Event.objects.filter(store=customer.store, customer_id__in=ids)
    families = _families(events.order_by().values_list("kind", flat=True).distinct())
    if family in families:
        events = events.filter(kind__startswith=f"{family}.")
    key = place_of(before)
    if key:
        events = events.extra(where=["(occurred_at, timeline_event.id) < (%s, %s)"], params=list(key))
    found = list(events.order_by("-occurred_at", "-id")[: PAGE + 1])
    shown = found[:PAGE]
    more = f"{shown[-1].occurred_at.isoformat()}~{shown[-1].pk}" if len(found) > PAGE else ""
    return Story(told(customer.store, shown), more, families)


def _families(kinds: Iterable[str]) -> dict[str, str]:
    present = {kind.partition(".")[0] for kind in kinds}
    known = {name: label for name, label in CHIPS.items() if name in present}
    return known | {name: name.capitalize() for name in sorted(present - CHIPS.keys())}


def told(store: Store, events: Sequence[Event]) -> list[Moment]:
    """A constant number of queries, however many events."""
    behind = Behind(store, events)
    return [behind.moment(event) for event in events]


class Behind:
    """The facts that these events name, read once for all of them."""

    def __init__(self, store: Store, events: Sequence[Event]) -> None:
        self.store, self.today = store, today(store)
        orders = self._named(events, "order")
        self.orders = Order.objects.in_bulk(orders)
        self.lines = by_order(Line.objects.filter(order__in=orders).order_by("position", "pk"), "order_id")
        self.shipments = by_order(Shipment.objects.filter(order__in=orders).order_by("pk"), "order_id")
        self.refunds = Refund.objects.in_bulk(self._named(events, "refund"))
        self.notes = Note.objects.filter(deleted_at=None).in_bulk(self._named(events, "note"))
        self.proofs = Proof.objects.in_bulk(self._named(events, "proof"))
        self.taggings = Tagging.objects.in_bulk(self._named(events, "tagging"))
        self.segments = segments_named(store, self._named(events, "segment"))
        self.people = authors(event.by for event in events if event.by.startswith("user:"))

    def _named(self, events: Sequence[Event], name: str) -> set[int]:
        return {event.data[name] for event in events if isinstance(event.data.get(name), int)}

    def moment(self, event: Event) -> Moment:
        declared = KINDS.get(event.kind)
        text, says, quote = self._words(event)
        at = event.occurred_at.astimezone(self.store.tz)
        return Moment(
            icon=declared.icon if declared else "circle",
            text=text,
            at=at,
            day=self._day(at),
            exact=formats.moment(event.occurred_at, self.store.locale, self.store.time_zone),
            who=self.people.get(event.by, "somebody who left") if event.by.startswith("user:") else "",
            says=says,
            quote=quote,
        )

    def _words(self, event: Event) -> tuple[str, list[str], str]:
        data, plain = event.data, sentence(event.kind, event.data)
        if order := self.orders.get(data.get("order", 0)):
            return self._order(event, order, plain)
        if refund := self.refunds.get(data.get("refund", 0)):
            return f"Credit note · {self._money(refund.amount)}", [], ""
        if note := self.notes.get(data.get("note", 0)):
            return plain, [], note.text
        if tagging := self.taggings.get(data.get("tagging", 0)):
            return f"Tag “{tagging.tag}” {'put on' if tagging.added else 'taken off'}", [], ""
        if event.kind in ("segment.entered", "segment.left"):
            name = self.segments.get(data.get("segment", 0), "that is gone")
            return f"{'Entered' if event.kind == 'segment.entered' else 'Left'} segment “{name}”", [], ""
        if proof := self.proofs.get(data.get("proof", 0)):
            plain = plain.replace(f" {proof.channel}", f" {SPOKEN.get(proof.channel, proof.channel)}", 1)
            return plain.rstrip(": "), [heard_from(proof.source, proof.method)], ""
        return plain, [], ""

    def _order(self, event: Event, order: Order, plain: str) -> tuple[str, list[str], str]:
        lines = self.lines.get(order.pk, [])
        if event.kind == "order.placed":
            pieces = sum(line.quantity for line in lines)
            many = f" · {formats.counted(pieces, 'item', locale=self.store.locale)}" if pieces else ""
            says = [" · ".join(_line(line) for line in lines[:4])] if lines else []
            if len(lines) > 4:
                says[0] += f" · {len(lines) - 4} more"
            if origin := " · ".join(part for part in (order.channel, order.campaign, order.coupon) if part):
                says.append(f"from {origin}")
            return f"Order {order} · {self._money(order.net)}{many}", says, ""
        if event.kind == "order.refunded":
            refund = self.refunds.get(event.data.get("refund", 0))
            amount = f" {self._money(refund.amount)}" if refund else ""
            return f"Refunded{amount} of order {order}", [], ""
        if event.kind in ("order.shipped", "order.delivered"):
            return f"{plain}: order {order}", self._parcels(order), ""
        return f"{plain}: {order}", [], ""

    def _parcels(self, order: Order) -> list[str]:
        parcels = self.shipments.get(order.pk, [])
        told = [" ".join(part for part in (one.carrier, one.tracking_number) if part) for one in parcels]
        return [words for words in told if words][:2]

    def _money(self, amount: int) -> str:
        return formats.money(amount, self.store.currency, self.store.locale)

    def _day(self, at: datetime) -> str:
        if at.date() == self.today:
            return f"today {at:%H:%M}"
        if at.date() == self.today - timedelta(days=1):
            return f"yesterday {at:%H:%M}"
        return formats.day(at.date(), self.store.locale)


def _line(line: Line) -> str:
    name = line.title or line.sku or "Item"
    return f"{name} ×{line.quantity}" if line.quantity != 1 else name
