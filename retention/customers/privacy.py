"""What a person may ask for: everything known about them, or to be forgotten.

Erasing takes name, contact, free text and files, and leaves numbers and the timeline under a pseudonym.
The person's names of the outside world are kept as hashes, so that a file which comes in later finds the
pseudonym, and cannot bring the person back.
"""

from __future__ import annotations

import secrets
from email.utils import getaddresses
from hashlib import sha256
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.utils import timezone

from retention.customers import consent
from retention.customers.facts import FACTS, TRACES
from retention.customers.merging import lock_people, person_of, records_of
from retention.customers.models import (
    Channel,
    Customer,
    Forgotten,
    Identity,
    Preference,
    Proof,
    Purpose,
    Salt,
    Status,
)
from retention.customers.naming import is_number_of_somebody
from retention.customers.registers import TEXTS
from retention.customers.vocabulary import CustomerErased
from retention.stores.models import OutboxMail, Store
from retention.timeline.actions import record

ERASED = "erased:"
# A country is no address: segments and taxes still want it.
KEPT = ("country",)


def salt_of(store: Store) -> str:
    found, _ = Salt.objects.get_or_create(store=store, defaults={"value": secrets.token_hex(16)})
    return found.value


def digest(store: Store, source: str, name: str) -> str:
    """The hash under which an erased person's name is remembered. The same in SQL: see `disguise_erased`."""
    return sha256(f"{salt_of(store)}|{source}|{name}".encode()).hexdigest()


def is_forgotten(store: Store, source: str, name: str) -> bool:
    if not Forgotten.objects.filter(store=store).exists():
        return False
    return Forgotten.objects.filter(store=store, source=source, digest=digest(store, source, name)).exists()


@transaction.atomic
def erase_customer(customer: Customer, *, by: str) -> None:
    """Forget the person, with every record that was merged into it. Erasing again does nothing."""
    store = customer.store
    lock_people(store)
    person = Customer.objects.select_for_update().get(pk=person_of(customer).pk)
    if person.erased_at:
        return
    records = records_of(person)
    words = _words(records)
    _refuse_everything(person, by=by)
    _hide_names(store, records)
    ids = [one.pk for one in records]
    _blank(ids)
    _blank_facts(ids)
    for trace in TRACES.values():
        trace.erase(store.pk, words)
    _forget_mails(words)
    record(store, CustomerErased(), customer_id=person.pk, subject=f"customer:{person.pk}", by=by)


def _forget_mails(words: list[str]) -> None:
    """Those that were not sent, by who they are to."""
    for word in [word.lower() for word in words if "@" in word]:
        for mail in OutboxMail.objects.filter(to__icontains=word):
            if word in [address.lower() for _, address in getaddresses([mail.to])]:
                mail.delete()


def _words(records: list[Customer]) -> list[str]:
    """What names the person in text: addresses, numbers, and the full name."""
    told = {(name, getattr(one, name)) for one in records for name in ("email", "phone")}
    for one in records:
        own = (one.own or {}).get("registers", {})
        told |= {(name, text) for name, (_, text) in own.items() if name in ("email", "phone")}
        if one.first_name and one.last_name:
            told.add(("name", one.name))
    named = Identity.objects.filter(customer__in=records, source__in=["email", "phone"])
    told |= set(named.values_list("source", "external_id"))
    return sorted({text for kind, text in told if text and (kind != "phone" or is_number_of_somebody(text))})


def _refuse_everything(person: Customer, *, by: str) -> None:
    now = timezone.now()
    consent.record_consent(
        person,
        *(
            consent.Evidence(
                channel=channel, purpose=purpose, status=Status.SUPPRESSED, reason="erased",
                source="erase", method="request", at=now,
            )
            for channel in Channel.values
            for purpose in Purpose.values
        ),
        by=by,
    )  # fmt: skip


def _hide_names(store: Store, records: list[Customer]) -> None:
    names = {(i.source, i.external_id, i.customer_id) for i in Identity.objects.filter(customer__in=records)}
    names |= {("email", one.email.lower(), one.merged_into_id or one.pk) for one in records if one.email}
    for source, name, customer in names:
        if not name.startswith(ERASED):
            _remember(store, source, name, customer)


def _remember(store: Store, source: str, name: str, customer: int) -> None:
    hashed = digest(store, source, name)
    Forgotten.objects.get_or_create(
        store=store, source=source, digest=hashed, defaults={"customer_id": customer}
    )
    kept = Identity.objects.filter(store=store, source=source, external_id=name)
    if not kept.update(external_id=ERASED + hashed):
        Identity.objects.get_or_create(
            store=store, source=source, external_id=ERASED + hashed, defaults={"customer_id": customer}
        )


def _blank(ids: list[int]) -> None:
    Customer.objects.filter(pk__in=ids).update(
        **dict.fromkeys((name for name in TEXTS if name not in KEPT), ""),
        accepts_email=None,
        tags=[],
        added_tags=[],
        custom={},
        versions={},
        own=None,
        erased_at=timezone.now(),
    )
    Preference.objects.filter(customer__in=ids).delete()
    Proof.objects.filter(customer__in=ids).update(ip=None, detail={})
    logged = LogEntry.objects.filter(content_type__app_label="customers", object_id__in=[str(i) for i in ids])
    logged.update(object_repr="Erased customer", change_message="")


def _blank_facts(ids: list[int]) -> None:
    with connection.cursor() as cursor:
        for fact in FACTS.values():
            if fact.texts:
                emptied = ", ".join(f"{column} = ''" for column in fact.texts)
                cursor.execute(f"UPDATE {fact.table} SET {emptied} WHERE customer_id = ANY(%s)", [ids])


@transaction.atomic
def forget_name(store: Store, source: str, name: str, *, by: str, person: Customer | None = None) -> Customer:
    """One more name of an erased person. Of somebody unknown here: a pseudonym without facts, so that no
    file brings them."""
    lock_people(store)
    if person:
        _remember(store, source, name, person.pk)
        return person
    person = Customer.objects.create(store=store, erased_at=timezone.now())
    _remember(store, source, name, person.pk)
    _refuse_everything(person, by=by)
    record(store, CustomerErased(), customer_id=person.pk, subject=f"customer:{person.pk}", by=by)
    return person


def disguise_erased(store: Store, source: str) -> None:
    """For imports: in the temporary table `telling` an erased person's id or address becomes its hash.

    A row with one such name loses the other, or a new address would lead back to the person.
    """
    if not Forgotten.objects.filter(store=store).exists():
        return
    given: dict[str, Any] = {"store": store.pk, "source": source, "salt": salt_of(store), "erased": ERASED}
    with connection.cursor() as cursor:
        for column, other, named in (("customer", "email", "%(source)s"), ("email", "customer", "'email'")):
            cursor.execute(
                f"UPDATE telling t SET {column} = %(erased)s || f.digest, {other} = ''"
                f" FROM customers_forgotten f WHERE f.store_id = %(store)s AND f.source = {named}"
                f" AND t.{column} <> '' AND f.digest = encode(sha256(convert_to("
                f"%(salt)s || '|' || {named} || '|' || t.{column}, 'UTF8')), 'hex')",
                given,
            )


def find_person(store: Store, *names: tuple[str, Any]) -> Customer | None:
    """The customer known by the first of these (source, id) names that is known at all."""
    for source, name in names:
        found = Identity.objects.filter(store=store, source=source, external_id=str(name or "")).first()
        if found:
            return Customer.objects.select_related("store").get(pk=found.customer_id)
    return None
