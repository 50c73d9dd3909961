"""Records that may be one person: proposed side by side, decided by a person.

Alike are the same mailbox written differently (`+tag`, dots of Gmail), the same last nine digits of a
phone, or the same name at the same address. A value that many records share is a placeholder, not a person.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from retention.customers.merging import pairs_apart
from retention.customers.models import Customer
from retention.stores.models import Store

ALIVE = "merged_into_id IS NULL AND erased_at IS NULL"
MOST_ALIKE = 20

# Reason -> key and condition; both as the indexes of migration 0005 have them.
KEYS = {
    "email": ("customers_email_key(email)", "email <> ''"),
    "phone": ("customers_phone_key(phone)", "phone <> ''"),
    "name and address": (
        "customers_place_key(first_name, last_name, address1, postal_code, city)",
        "address1 <> ''",
    ),
}


@dataclass(frozen=True)
class Proposal:
    """`one` is the older record: the survivor, if they are merged."""

    one: Customer
    two: Customer
    reasons: tuple[str, ...]


def proposals(store: Store, *, limit: int = 100) -> list[Proposal]:
    """The store's suspected duplicates, those with most reasons first."""
    groups = [(reason, ids) for reason in KEYS for ids in _alike(store, reason, limit)]
    return _proposals(store, groups)[:limit]


def duplicates_of(customer: Customer) -> list[Proposal]:
    """Who else the person may be. Three index look-ups."""
    groups = [(reason, ids) for reason in KEYS for ids in _alike_one(customer, reason)]
    found = _proposals(customer.store, groups)
    return [proposal for proposal in found if customer.pk in (proposal.one.pk, proposal.two.pk)]


def _alike(store: Store, reason: str, limit: int) -> list[list[int]]:
    key, condition = KEYS[reason]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT array_agg(id ORDER BY id) FROM customers_customer"
            f" WHERE store_id = %s AND {condition} AND {ALIVE} AND {key} <> ''"
            f" GROUP BY {key} HAVING count(*) BETWEEN 2 AND {MOST_ALIKE} ORDER BY max(id) DESC LIMIT %s",
            # Some of them were told apart already.
            [store.pk, limit * 2],
        )
        return [row[0] for row in cursor.fetchall()]


def _alike_one(customer: Customer, reason: str) -> list[list[int]]:
    key, condition = KEYS[reason]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT array_agg(id ORDER BY id) FROM customers_customer WHERE store_id = %(store)s"
            f" AND {condition} AND {ALIVE} AND {key} <> ''"
            f" AND {key} = (SELECT {key} FROM customers_customer WHERE id = %(id)s AND {condition})"
            f" HAVING count(*) BETWEEN 2 AND {MOST_ALIKE}",
            {"store": customer.store_id, "id": customer.pk},
        )
        return [row[0] for row in cursor.fetchall()]


def _proposals(store: Store, groups: list[tuple[str, list[int]]]) -> list[Proposal]:
    """Each record of a group beside the others; groups are small."""
    reasons: dict[tuple[int, int], list[str]] = defaultdict(list)
    for reason, ids in groups:
        for place, one in enumerate(ids):
            for two in ids[place + 1 :]:
                reasons[one, two].append(reason)
    apart = pairs_apart(store)
    pairs = [pair for pair in reasons if frozenset(pair) not in apart]
    pairs.sort(key=lambda pair: (-len(reasons[pair]), -pair[1], -pair[0]))
    people = Customer.objects.in_bulk({pk for pair in pairs for pk in pair})
    return [Proposal(people[one], people[two], tuple(reasons[one, two])) for one, two in pairs]
