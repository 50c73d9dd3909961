"""A shop small enough to count by hand."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction

from retention.stores.models import Store
from tests.metrics.shop import a_customer, an_order, tell_all

# The day of the last order, and the address that looks at it.
END = date(2026, 6, 30)
AS_OF = f"as_of={END.isoformat()}"


def count(store: Store) -> None:
    """What the follower does; in one transaction, also where a test has none of its own."""
    with transaction.atomic():
        tell_all(store)


def open_shop(store: Store) -> Store:
    """Three buyers of the last year, two of them twice: 5 orders of 10.00, 20.00, 30.00, 40.00 and 50.00."""
    ann = a_customer(store, first_name="Ann", last_name="Lee", email="ann@example.com")
    bob = a_customer(store, email="bob@example.com")
    cyd = a_customer(store, first_name="Cyd", last_name="Ng")
    an_order(ann, date(2026, 1, 10), 1000, channel="email", country="US")
    an_order(ann, date(2026, 2, 9), 2000, channel="ads", country="US")
    an_order(bob, date(2026, 1, 20), 3000, channel="email", country="CA")
    an_order(bob, date(2026, 4, 30), 4000, channel="email", country="CA")
    an_order(cyd, date(2026, 6, 15), 5000, country="US")
    count(store)
    return store


def open_long_shop(store: Store, *, people: int) -> Store:
    """So many buyers in each of 26 months, each back after 20 days."""
    for month in range(26):
        first = END - timedelta(days=30 * month + 25)
        for number in range(people):
            customer = a_customer(store, email=f"p{month}-{number}@example.com")
            an_order(customer, first, 1000, channel=f"channel {number}", country=f"C{number}")
            an_order(customer, first + timedelta(days=20), 2000)
    count(store)
    return store
