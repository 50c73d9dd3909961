"""A shop for tests of figures: orders straight into their tables, told to the follower as events."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from retention.customers.models import Customer
from retention.metrics.reactions import KINDS, update_metrics
from retention.orders.models import Order, Refund
from retention.stores.models import Store
from retention.timeline.models import Event

# Larger public files lie beside the repository, or where the environment says; without them tests skip.
DATA = Path(os.environ.get("TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CDNOW = DATA / "cdnow" / "CDNOW_master.txt.gz"
ONLINE_RETAIL = DATA / "online_retail" / "online_retail.csv.gz"
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


def cdnow_rows(file) -> Iterator[str]:
    """CDNOW as CSV: customer (in the sample the first of two ids), date, number of CDs, dollars."""
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()
    yield "customer,date,cds,amount"
    for line in text.splitlines():
        words = line.split()
        if words and words[0].isdigit():
            yield ",".join([words[0], *words[-3:]])


def import_file(path, store="shop", *arguments, currency="USD") -> dict:
    """What a person types; figures are up to date when it returns."""
    out = StringIO()
    call_command(
        "import_orders",
        str(path),
        "--store",
        store,
        "--create-store",
        currency,
        "--json",
        *arguments,
        stdout=out,
    )
    return json.loads(out.getvalue())


def a_report(store="shop", as_of="2011-12-31") -> dict:
    out = StringIO()
    call_command("report", "--store", store, "--as-of", as_of, "--json", stdout=out)
    return json.loads(out.getvalue())
