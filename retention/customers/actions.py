"""Changes of people by hand."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from retention.customers.merging import with_others
from retention.customers.models import Customer
from retention.customers.registers import SAVED, show, tell
from retention.customers.vocabulary import CustomerCorrected
from retention.timeline.actions import record


@transaction.atomic
def correct_customer(customer: Customer, changes: dict[str, Any], *, by: str) -> None:
    """Write these profile fields; each outranks what files told about it so far."""
    person = Customer.objects.select_for_update().select_related("store").get(pk=customer.pk)
    now = int(timezone.now().timestamp() * 1_000_000)
    for name, value in changes.items():
        setattr(person, name, value)
        # Later than any source's clock so far, even one that runs ahead.
        person.versions[name] = max(now, int(person.versions.get(name, 0)) + 1)
        if person.own is not None:
            # Others were merged into this record: it keeps beside the fields what is its own.
            tell(person, {name: value}, person.versions[name])
    if person.own is not None:
        show(person, with_others(person))
    if changes:
        person.save(update_fields=SAVED)
        told = CustomerCorrected(fields=", ".join(name.replace("_", " ") for name in changes))
        record(person.store, told, customer_id=person.pk, subject=f"customer:{person.pk}", by=by)
