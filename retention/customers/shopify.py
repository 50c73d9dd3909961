"""The three questions of privacy that Shopify asks every app, mapped onto our own verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.customers.export import export_customer
from retention.customers.models import Customer, Identity
from retention.customers.privacy import erase_customer, find_person, forget_name, is_forgotten
from retention.stores.models import Store

SOURCE = "shopify"
BY = "shopify"
Body = Mapping[str, Any]


def data_request(store: Store, body: Body) -> bytes | None:
    """`customers/data_request`: the person's data as a zip for the merchant to hand on; None if unknown."""
    person = find_person(store, *_names(body))
    return export_customer(person, by=BY) if person else None


def customers_redact(store: Store, body: Body) -> bool:
    """`customers/redact`: forget the person. Returns whether we knew them; a stranger's address is kept as
    a hash all the same, or a later file would bring them in."""
    names = _names(body)
    person = find_person(store, *names)
    pseudonym = person
    if person:
        erase_customer(person, by=BY)
    for source, name in names:
        # Names that came with the request and were not known yet.
        if not is_forgotten(store, source, name):
            pseudonym = forget_name(store, source, name, by=BY, person=pseudonym)
    return person is not None


def shop_redact(store: Store, body: Body) -> int:
    """`shop/redact`, two days after the app was removed: forget everybody who came from that shop.

    Each person is forgotten in a transaction of their own; called again, it goes on where it stopped.
    """
    named = Identity.objects.filter(store=store, source=SOURCE, customer__erased_at=None)
    ids = sorted(set(named.values_list("customer_id", flat=True)))
    for pk in ids:
        erase_customer(Customer.objects.select_related("store").get(pk=pk), by=BY)
    return len(ids)


def _names(body: Body) -> list[tuple[str, str]]:
    """The body may carry an id, an address, or both. The phone is left out: families share one."""
    customer = body.get("customer") or {}
    names = [(SOURCE, str(customer.get("id") or "")), ("email", str(customer.get("email") or "").lower())]
    return [(source, name.strip()) for source, name in names if name.strip()]
