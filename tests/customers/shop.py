"""Orders told through a file, as a shop tells them, and what must never change."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db.models import Sum

from retention.customers.models import Customer, Identity
from retention.metrics.check import differences
from retention.metrics.models import CustomerFact
from retention.orders.models import Order, Refund
from retention.stores.models import Store
from retention.timeline.follow import FOLLOWERS, catch_up

HEAD = ["order", "date", "customer", "email", "first name", "last name", "amount"]
MAPPED = ("order", "date", "customer", "email", "amount")


def import_orders(store: Store, folder: Path, *rows: tuple[object, ...]) -> None:
    """Rows of (order, date, customer id, e-mail, first name, last name, amount)."""
    path = folder / f"orders-{len(list(folder.iterdir()))}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows(rows)
    maps = [part for name in MAPPED for part in ("--map", f"{name}={name}")]
    call_command(
        "import_orders",
        str(path),
        "--store",
        store.slug,
        "--source",
        "shop",
        *maps,
        stdout=StringIO(),
    )


def told() -> None:
    """What the application does after each change: followers read it."""
    for name in FOLLOWERS:
        catch_up(name)


def totals(store: Store) -> dict[str, object]:
    """What a merge or an erasure must not move."""
    facts = CustomerFact.objects.filter(store=store)
    return {
        "orders": Order.objects.filter(store=store).count(),
        "items": Order.objects.filter(store=store).aggregate(Sum("items"))["items__sum"],
        "refunds": Refund.objects.filter(store=store).aggregate(Sum("amount"))["amount__sum"],
        "net": facts.aggregate(Sum("net"))["net__sum"],
        "purchases": facts.aggregate(Sum("purchases"))["purchases__sum"],
    }


def clean(store: Store) -> list[str]:
    told()
    return differences(store)


def picture(store: Store) -> dict[str, object]:
    """Who is who and owns what, by names that survive a merge and its undoing."""
    people = {}
    for customer in Customer.objects.filter(store=store).order_by("pk"):
        people[customer.pk] = {
            "fields": {
                name: getattr(customer, name)
                for name in (
                    *("email", "phone", "first_name", "last_name", "company", "city", "country", "birthday"),
                    *("tags", "added_tags", "custom", "versions", "accepts_email", "merged_into_id", "own"),
                )
            },
            "names": sorted(
                Identity.objects.filter(customer=customer).values_list("source", "external_id", "home")
            ),
            "orders": sorted(Order.objects.filter(customer=customer).values_list("external_id", flat=True)),
            "refunds": sorted(Refund.objects.filter(customer=customer).values_list("external_id", flat=True)),
            "consent": sorted(customer.consents.values_list("channel", "purpose", "status", "since")),
        }
    return people


def at(day: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def on(day: int, month: int = 3) -> str:
    return date(2026, month, day).isoformat()
