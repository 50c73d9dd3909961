"""What the timeline can say about orders. Payloads hold ids; the facts hold the rest."""

from __future__ import annotations

from dataclasses import dataclass

from retention.customers.facts import hangs_on_people
from retention.timeline.kinds import Kind, kind

hangs_on_people(
    "order", table="orders_order", parts={"orders_line": "order_id", "orders_shipment": "order_id"}
)
hangs_on_people("refund", table="orders_refund")


@kind
@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Kind):
    """An order was seen for the first time; `occurred_at` is when it was placed."""

    name = "order.placed"
    icon = "bag"
    sentence = "Placed an order"
    order: int


@kind
@dataclass(frozen=True, kw_only=True)
class OrderChanged(Kind):
    """A newer telling of a known order changed it: its date, amounts, customer or state."""

    name = "order.changed"
    icon = "pencil"
    sentence = "Order updated"
    order: int
    # The customer before the change, when the order moved to another person.
    previous_customer: int | None = None


@kind
@dataclass(frozen=True, kw_only=True)
class OrderRefunded(Kind):
    """Money was given back for items, or a credit note was written; again when its amount or date changes."""

    name = "order.refunded"
    icon = "undo"
    sentence = "Refunded"
    refund: int
    order: int | None = None
    # The customer before the change, when a credit note moved to another person.
    previous_customer: int | None = None


@kind
@dataclass(frozen=True, kw_only=True)
class OrderShipped(Kind):
    """A parcel of an order was handed to the carrier."""

    name = "order.shipped"
    icon = "truck"
    sentence = "Shipped"
    order: int


@kind
@dataclass(frozen=True, kw_only=True)
class OrderDelivered(Kind):
    """A parcel of an order arrived."""

    name = "order.delivered"
    icon = "truck"
    sentence = "Delivered"
    order: int
