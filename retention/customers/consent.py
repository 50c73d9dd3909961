"""Consent: what people said about being written to, as proofs that never change, and where they stand now.

A proof and the standing that follows from it are written in one transaction, under the customer's row lock.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from typing import Any

from django.db import transaction
from django.utils import timezone

from retention.customers import vocabulary
from retention.customers.copying import insert_rows, update_rows
from retention.customers.models import (
    Channel,
    Consent,
    ConsentSettings,
    Customer,
    Preference,
    Proof,
    Purpose,
    Status,
)
from retention.customers.standing import Standing, standing
from retention.stores.models import Store
from retention.timeline.models import Event

ASKED = "asked"
# In the detail of an imported refusal: the history in the same file says that the person came back.
OVERCOME = "overcome"
TOLD: dict[str, type[vocabulary.ConsentKind]] = {
    Status.SUBSCRIBED: vocabulary.ConsentSubscribed,
    Status.UNSUBSCRIBED: vocabulary.ConsentUnsubscribed,
    Status.SUPPRESSED: vocabulary.ConsentSuppressed,
}
Key = tuple[int, str, str]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Something a person said or did, or that a file says they did."""

    channel: str
    status: str
    source: str
    method: str
    purpose: str = Purpose.MARKETING
    at: datetime
    # False: nobody knows when, `at` is only when it was told. The same evidence told later is then the same.
    dated: bool = True
    reason: str = ""
    wording: str = ""
    ip: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    imported: bool = False

    @property
    def key(self) -> str:
        told: list[Any] = [self.channel, self.purpose, self.status, self.source, self.method]
        told += [self.reason, self.ip]
        told += [
            self.at.timestamp() if self.dated else None,
            {name: value for name, value in self.detail.items() if name != OVERCOME},
        ]
        text = json.dumps(told, sort_keys=True, default=str)
        return md5(text.encode(), usedforsecurity=False).hexdigest()


def record_consent(customer: Customer, *evidence: Evidence, by: str = "system") -> int:
    """Keep the evidence; returns how much of it was new."""
    return sum(record_consents(customer.store, [(customer.pk, one) for one in evidence], by=by))


@transaction.atomic
def record_consents(store: Store, told: list[tuple[int, Evidence]], *, by: str = "system") -> list[bool]:
    """Keep the evidence of many people; says of each whether it was new.

    Evidence of a record that was merged into another counts for the person, and stays with the record.
    """
    people = _locked(store, {customer for customer, _ in told})
    known = set(Proof.objects.filter(customer__in=people).values_list("customer_id", "key"))
    news, proofs = [], []
    for customer, one in told:
        news.append((customer, one.key) not in known)
        if news[-1]:
            known.add((customer, one.key))
            proofs.append(_proof(store, customer, one, by))
    if any(proof.status == ASKED for proof in proofs):
        # Their numbers go into events.
        Proof.objects.bulk_create(proofs)
    else:
        insert_rows(proofs)
    insert_rows(_asked(store, proofs, people))
    settle({people[proof.customer_id].merged_into_id or proof.customer_id for proof in proofs}, by=by)
    return news


def _locked(store: Store, ids: set[int]) -> dict[int, Customer]:
    found = Customer.objects.filter(store=store, pk__in=ids).order_by("pk").select_for_update()
    return {customer.pk: customer for customer in found.only("pk", "merged_into_id", "store_id")}


def _proof(store: Store, customer: int, one: Evidence, by: str) -> Proof:
    return Proof(
        store=store, customer_id=customer, channel=one.channel, purpose=one.purpose, status=one.status,
        reason=one.reason, source=one.source, method=one.method, wording=one.wording, at=one.at, ip=one.ip,
        detail=dict(one.detail), imported=one.imported, by=by, key=one.key,
    )  # fmt: skip


def _asked(store: Store, proofs: list[Proof], people: dict[int, Customer]) -> list[Event]:
    owners = {pk: person.merged_into_id or pk for pk, person in people.items()}
    return [
        _event(
            store.pk, owners[proof.customer_id], vocabulary.ConsentAsked(**_payload(proof)), proof, proof.by
        )
        for proof in proofs
        if proof.status == ASKED
    ]


def _event(store_id: int, person: int, told: vocabulary.ConsentKind, proof: Proof, by: str) -> Event:
    """As `timeline.record`, for many at once: a list has a hundred thousand people."""
    return Event(
        store_id=store_id, kind=told.name, customer_id=person, occurred_at=proof.at,
        subject=f"customer:{person}", data=told.payload(), by=by,
    )  # fmt: skip


def _payload(proof: Proof) -> dict[str, Any]:
    names = ("channel", "purpose", "source", "method", "reason")
    return {**{name: getattr(proof, name) for name in names}, "proof": proof.pk}


@transaction.atomic
def settle(customers: Iterable[int], *, by: str = "system") -> None:
    """Bring the standing of these records up to date with their proofs, and tell what changed.

    A record that was merged into another has no standing of its own. Cost: three reads for all of them.
    """
    ids = set(customers)
    people = Customer.objects.only("pk", "store_id", "merged_into_id").in_bulk(ids)
    found = _standings({pk for pk in ids if people[pk].merged_into_id is None})
    kept = {(c.customer_id, c.channel, c.purpose): c for c in Consent.objects.filter(customer__in=ids)}
    Consent.objects.filter(pk__in=[c.pk for key, c in kept.items() if key not in found]).delete()
    fresh: list[Consent] = []
    changed: list[Consent] = []
    events: list[Event] = []
    for key, (now, proof) in sorted(found.items(), key=lambda item: item[0]):
        before = kept.get(key)
        if before and (before.status, before.reason, before.since) == (now.status, now.reason, now.since):
            continue
        person = people[key[0]]
        row = before or Consent(store_id=person.store_id, customer=person, channel=key[1], purpose=key[2])
        told = (before.status, before.reason) if before else (Status.NEVER, "")
        row.status, row.reason, row.since = now.status, now.reason, now.since
        (changed if before else fresh).append(row)
        if told != (now.status, now.reason) and (kind := TOLD.get(now.status)):
            events.append(_event(person.store_id, person.pk, kind(**_payload(proof)), proof, by))
    insert_rows(fresh)
    update_rows(changed, ["status", "reason", "since"])
    insert_rows(events)


def _standings(roots: set[int]) -> dict[Key, tuple[Standing, Proof]]:
    merged = dict(Customer.objects.filter(merged_into__in=roots).values_list("pk", "merged_into_id"))
    said: dict[Key, list[Proof]] = defaultdict(list)
    for proof in Proof.objects.filter(customer__in=[*roots, *merged]):
        person = merged.get(proof.customer_id) or proof.customer_id
        said[person, proof.channel, proof.purpose].append(proof)
    found = {}
    for key, proofs in said.items():
        if now := standing(proofs):
            behind = [p for p in proofs if (p.status, p.at, p.reason) == (now.status, now.since, now.reason)]
            found[key] = (now, behind[0])
    return found


def status_of(customer: Customer, channel: str, purpose: str = Purpose.MARKETING) -> str:
    """The person's standing, also when asked by a record that was merged into it."""
    person = customer.merged_into_id or customer.pk
    found = Consent.objects.filter(customer=person, channel=channel, purpose=purpose).first()
    return found.status if found else Status.NEVER


def status_of_record(customer: Customer, channel: str, purpose: str = Purpose.MARKETING) -> str:
    """Where this record alone stands, whatever others of the person said."""
    now = standing(Proof.objects.filter(customer=customer, channel=channel, purpose=purpose))
    return now.status if now else Status.NEVER


def history(customer: Customer) -> list[Proof]:
    """Every proof of the person, newest first."""
    person = customer.merged_into_id or customer.pk
    records = [person, *Customer.objects.filter(merged_into=person).values_list("pk", flat=True)]
    return list(Proof.objects.filter(customer__in=records).order_by("-at", "-pk"))


def may_write(
    customer: Customer, channel: str, purpose: str = Purpose.MARKETING, *, at: datetime | None = None
) -> bool:
    """Whether a message may go: marketing needs a yes and no pause, anything else only no refusal."""
    status = status_of(customer, channel, purpose)
    if purpose == Purpose.TRANSACTIONAL:
        return status not in (Status.UNSUBSCRIBED, Status.SUPPRESSED)
    person = customer.merged_into_id or customer.pk
    paused = Preference.objects.filter(customer=person, paused_until__gt=at or timezone.now()).exists()
    return status == Status.SUBSCRIBED and not paused


def settings_of(store: Store) -> ConsentSettings:
    return ConsentSettings.objects.filter(store=store).first() or ConsentSettings(store=store)


def subscribe(
    customer: Customer,
    channel: str,
    *,
    source: str,
    method: str,
    purpose: str = Purpose.MARKETING,
    ip: str | None = None,
    by: str = "customer",
) -> bool:
    """A person signs up. Returns whether they still have to confirm, as the store's setting asks.

    The caller then sends the letter with the link: `retention.customers.preferences.ask_to_confirm`.
    """
    chosen = settings_of(customer.store)
    waits = chosen.double_opt_in and channel == Channel.EMAIL and purpose == Purpose.MARKETING
    waits = waits and status_of(customer, channel, purpose) != Status.SUBSCRIBED
    one = Evidence(
        channel=channel, purpose=purpose, status=ASKED if waits else Status.SUBSCRIBED, source=source,
        method=method, at=timezone.now(), ip=ip, wording=chosen.wording_version,
    )  # fmt: skip
    record_consent(customer, one, by=by)
    return waits


def unsubscribe(
    customer: Customer,
    *channels: str,
    source: str,
    method: str,
    ip: str | None = None,
    reason: str = "",
    by: str = "customer",
) -> None:
    """No more marketing on these channels; on all of them when none is named."""
    now = timezone.now()
    record_consent(
        customer,
        *(
            Evidence(
                channel=channel,
                status=Status.UNSUBSCRIBED,
                source=source,
                method=method,
                at=now,
                ip=ip,
                reason=reason,
            )
            for channel in channels or Channel.values
        ),
        by=by,
    )


def suppress(
    customer: Customer, channel: str, reason: str, *, source: str, purposes: Iterable[str] = (), by: str
) -> None:
    """The channel is out of use: bounced, complained about, or closed by a person of the store."""
    record_consent(
        customer,
        *(
            Evidence(
                channel=channel,
                purpose=purpose,
                status=Status.SUPPRESSED,
                reason=reason,
                source=source,
                method="suppression",
                at=timezone.now(),
            )
            for purpose in purposes or Purpose.values
        ),
        by=by,
    )
