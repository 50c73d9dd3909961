"""A handful of people whom every test knows by heart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from retention.customers.consent import Evidence, record_consent
from retention.customers.models import Customer, Identity, Status
from retention.orders.models import Line, Order, Refund, Shipment
from retention.stores.models import Store
from tests.metrics.shop import tell_all
from tests.world import a_customer, an_order

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def open_shop(store: Store, *, counted: bool = True) -> dict[str, Customer]:
    """Mara bought three times, Bo once and long ago, Cyd never."""
    mara = a_customer(
        store, "mara@example.com", first_name="Mara", last_name="Lindqvist", phone="+46 70 123 45 67",
        city="Malmö", country="SE", company="Table AB", tags=["wholesale"],
    )  # fmt: skip
    bo = a_customer(store, "bo.berg@example.com", first_name="Bo", last_name="Berg", country="NO")
    cyd = a_customer(store, "cyd@example.com", first_name="Cyd", last_name="Maras", country="SE")
    today = timezone.now()
    for days, amount in ((10, 5_000), (40, 3_000), (75, 2_000)):
        an_order(mara, today - timedelta(days=days), items=amount, number=f"#10{days}")
    an_order(bo, today - timedelta(days=400), items=9_000, number="#2001")
    subscribe(mara)
    if counted:
        count(store)
    return {"mara": mara, "bo": bo, "cyd": cyd}


def subscribe(customer: Customer, **fields: Any) -> None:
    told = Evidence(
        **{
            "channel": "email", "status": Status.SUBSCRIBED, "source": "shop", "method": "checkout_box",
            "at": NOON, "wording": "v3", "ip": "203.0.113.9", **fields,
        }
    )  # fmt: skip
    record_consent(customer, told)


def count(store: Store) -> None:
    """What the follower of the figures does."""
    with transaction.atomic():
        tell_all(store)


def fill(order: Order) -> None:
    """Lines, a parcel and a refund."""
    Line.objects.create(order=order, title="Hand-blown glass", quantity=2, unit_price=2_000, total=4_000)
    Line.objects.create(order=order, position=1, title="Linen napkin", unit_price=1_000, total=1_000)
    Shipment.objects.create(
        order=order, external_id="1", carrier="PostNord", tracking_number="TR1", shipped_at=order.placed_at
    )
    Refund.objects.create(
        store=order.store, source="test", external_id=f"r{order.pk}", order=order, customer=order.customer,
        refunded_at=order.placed_at, amount=1_000,
    )  # fmt: skip


def twins(store: Store) -> tuple[Customer, Customer]:
    """The same mailbox, written in two ways."""
    one = a_customer(store, "ana.ruiz@gmail.com", first_name="Ana", last_name="Ruiz")
    two = a_customer(store, "anaruiz+shop@gmail.com", first_name="A.", last_name="Ruiz")
    return one, two


def known_as(customer: Customer, number: str, source: str = "shop") -> None:
    Identity.objects.create(store=customer.store, source=source, external_id=number, customer=customer)
