"""A shop for tests of figures: orders straight into their tables, told to the follower as events."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.db import connection

from retention.customers.models import Customer
from retention.metrics.reactions import KINDS, update_metrics
from retention.orders.models import Order, Refund
from retention.stores.models import Store
from retention.timeline.models import Event

# Larger public files lie beside the repository, or where the environment says; without them tests skip.
DATA = Path(os.environ.get("TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CDNOW = DATA / "cdnow" / "CDNOW_master.txt.gz"
SAMPLE = Path(__file__).parent.parent / "data" / "CDNOW_sample.txt"


def a_store(slug="shop", **fields) -> Store:
    return Store.objects.create(name=slug.title(), slug=slug, **fields)


def a_customer(store, **fields) -> Customer:
    return Customer.objects.create(store=store, **fields)


def an_order(customer, day, amount=1000, *, store=None, **fields) -> Order:
    """`day`: a moment, a date (noon UTC), or days after 2025-01-01."""
    if isinstance(day, int):
        day = date(2025, 1, 1) + timedelta(days=day)
    if not isinstance(day, datetime):
        day = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    store = store or customer.store
    number = Order.objects.filter(store=store).count() + 1
    return Order.objects.create(
        store=store, source="test", external_id=f"{number:06d}", customer=customer, placed_at=day,
        items=amount, **fields,
    )  # fmt: skip


def a_refund(store, day, amount, *, order=None, customer=None) -> Refund:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    number = Refund.objects.filter(store=store).count() + 1
    return Refund.objects.create(
        store=store, source="test", external_id=str(number), order=order, customer=customer,
        refunded_at=moment, amount=amount,
    )  # fmt: skip


def tell(store, kind, customer_id=None, **data) -> None:
    """One event, handed to the follower at once."""
    assert kind in KINDS
    update_metrics([Event(store=store, kind=kind, customer_id=customer_id, data=data)])


def tell_all(store) -> None:
    """Everything in the store's tables, as one batch."""
    orders = Order.objects.filter(store=store).values_list("pk", "customer_id")
    events = [Event(store=store, kind="order.placed", customer_id=c, data={"order": o}) for o, c in orders]
    notes = Refund.objects.filter(store=store).values_list("pk", "order_id", "customer_id")
    events += [
        Event(store=store, kind="order.refunded", customer_id=c, data={"refund": r, "order": o})
        for r, o, c in notes
    ]
    update_metrics(events)


def load_cdnow(file, store, *, per_day=False) -> None:
    """CDNOW lines as orders: id, (id in the sample,) date, number of CDs, dollars."""
    rows: dict[tuple[str, ...], int] = {}
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()
    for number, line in enumerate(text.splitlines()):
        words = line.split()
        if not words or not words[0].isdigit():
            continue
        key = (words[0], words[-3], "" if per_day else f"{number:06d}")
        rows[key] = rows.get(key, 0) + round(float(words[-1]) * 100)
    people = dict.fromkeys(key[0] for key in rows)
    made = Customer.objects.bulk_create([Customer(store=store) for _ in people], batch_size=5000)
    ids = dict(zip(people, (c.pk for c in made), strict=True))
    columns = "store_id, source, external_id, number, customer_id, placed_at, test, void, items, discounts,"
    columns += " refunded, shipping, tax, channel, campaign, coupon, country, first_category, status, version, digest"
    with connection.cursor() as cursor, cursor.copy(f"COPY orders_order ({columns}) FROM STDIN") as copy:
        for (person, day, number), amount in rows.items():
            external = f"{person}-{day}-{number}"
            moment = f"{day[:4]}-{day[4:6]}-{day[6:]} 12:00+00"
            copy.write_row(
                (store.pk, "cdnow", external, "", ids[person], moment, False, False, amount, 0, 0, 0, 0)
                + ("",) * 6
                + (0, "")
            )
