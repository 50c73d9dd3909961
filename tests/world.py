"""Things for tests, with the facts and the timeline told together as the application tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from django.db import transaction

from retention.customers.models import Customer, Identity
from retention.orders.models import Order
from retention.orders.vocabulary import OrderPlaced
from retention.stores.models import Store
from retention.timeline.actions import record

numbers = count(1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_store(name: str = "", **fields: object) -> Store:
    name = name or f"Store {next(numbers)}"
    return Store.objects.create(**{"name": name, "slug": name.lower().replace(" ", "-"), **fields})


def a_customer(store: Store, email: str = "", **fields: object) -> Customer:
    email = email or f"buyer{next(numbers)}@example.com"
    customer = Customer.objects.create(store=store, email=email, **fields)
    Identity.objects.create(store=store, source="email", external_id=email, customer=customer)
    return customer


def an_order(customer: Customer, at: datetime = NOON, *, items: int = 2_500, **fields: object) -> Order:
    with transaction.atomic():
        order = Order.objects.create(
            **{"store": customer.store, "source": "test", "external_id": str(next(numbers)), **fields},
            customer=customer,
            placed_at=at,
            items=items,
        )
        record(order.store, OrderPlaced(order=order.pk), customer_id=customer.pk, at=at)
    return order
