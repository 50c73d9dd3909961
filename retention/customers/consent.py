"""Consent: what people said about being written to, as proofs that never change, and where they stand now.

A proof and the standing that follows from it are written in one transaction, under the customer's row lock.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from retention.customers import vocabulary
from retention.customers.copying import copy_rows, reserve_ids, rewrite_rows
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

ASKED = "asked"
# In the detail of an imported refusal: the history in the same file says that the person came back.
OVERCOME = "overcome"
TOLD: dict[str, type[vocabulary.ConsentKind]] = {
    Status.SUBSCRIBED: vocabulary.ConsentSubscribed,
    Status.UNSUBSCRIBED: vocabulary.ConsentUnsubscribed,
    Status.SUPPRESSED: vocabulary.ConsentSuppressed,
}
Key = tuple[int, str, str]
SORTED = json.JSONEncoder(sort_keys=True, default=str).encode


@dataclass(frozen=True, kw_only=True, slots=True)
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
        return md5(SORTED(told).encode(), usedforsecurity=False).hexdigest()


def record_consent(customer: Customer, *evidence: Evidence, by: str = "system") -> int:
    """Keep the evidence; returns how much of it was new."""
    return sum(record_consents(customer.store, [(customer.pk, one) for one in evidence], by=by))


@transaction.atomic
def record_consents(
    store: Store, told: list[tuple[int, Evidence]], *, by: str = "system", new: Collection[int] = ()
) -> list[bool]:
    """Keep the evidence of many people; says of each whether it was new.

    Evidence of a record that was merged into another counts for the person, and stays with the record.
    `new` are records that this transaction has added: of them nothing is looked up. Cost: some dozen
    statements, however many people.
    """
    ids = {customer for customer, _ in told}
    homes = {pk: pk for pk in ids.intersection(new)} | _locked(store, ids.difference(new))
    heard = _heard(set(homes.values()).difference(new))
    known = {(one.record, one.key) for _, one in heard}
    news, fresh = [], list[tuple[int, Heard]]()
    for customer, one in told:
        key = (customer, one.key)
        news.append(key not in known)
        if news[-1]:
            known.add(key)
            fresh.append((homes[customer], Heard(0, customer, key[1], one)))
    _keep(store, fresh, by)
    moved = {person for person, _ in fresh}
    _settle(dict.fromkeys(moved, store.pk), [*(one for one in heard if one[0] in moved), *fresh], new, by)
    return news


def _locked(store: Store, ids: set[int]) -> dict[int, int]:
    """Whose records these are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, coalesce(merged_into_id, id) FROM customers_customer"
            " WHERE store_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE",
            [store.pk, list(ids)],
        )
        return dict(cursor.fetchall())


@dataclass(slots=True)
class Heard:
    """A proof: kept already, or about to be."""

    pk: int
    record: int
    key: str
    said: Evidence


def _heard(people: set[int]) -> list[tuple[int, Heard]]:
    """All proofs of these people and of the records that were merged into them, the oldest first."""
    if not people:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH record AS (
                SELECT id, id AS person FROM unnest(%(people)s::bigint[]) AS id
                UNION ALL SELECT id, merged_into_id FROM customers_customer
                    WHERE merged_into_id = ANY(%(people)s::bigint[])
            )
            SELECT r.person, p.id, p.customer_id, p.key, channel, purpose, status, reason, source, method, at,
                imported, CASE WHEN detail ? 'overcome' THEN detail END
            FROM record r JOIN customers_proof p ON p.customer_id = r.id ORDER BY p.id
            """,
            {"people": list(people)},
        )
        return [(row[0], _as_heard(row)) for row in cursor.fetchall()]


def _as_heard(row: tuple[Any, ...]) -> Heard:
    channel, purpose, status, reason, source, method, at, imported, detail = row[4:]
    said = Evidence(
        channel=channel, purpose=purpose, status=status, reason=reason, source=source, method=method, at=at,
        imported=imported, detail=json.loads(detail) if detail else {},
    )  # fmt: skip
    return Heard(row[1], row[2], row[3], said)


def _keep(store: Store, fresh: list[tuple[int, Heard]], by: str) -> None:
    # Their numbers go into events.
    for (_, one), pk in zip(fresh, reserve_ids("customers_proof", len(fresh)), strict=True):
        one.pk = pk
    copy_rows("customers_proof", PROOF, [_proof(store, one, by) for _, one in fresh])
    asked = [
        _event(store.pk, person, vocabulary.ConsentAsked, one, by)
        for person, one in fresh
        if one.said.status == ASKED
    ]
    copy_rows("timeline_event", EVENT, asked)


PROOF = (
    *("id", "store_id", "customer_id", "channel", "purpose", "status", "reason", "source", "method"),
    *("wording", "at", "ip", "detail", "imported", "by", "key"),
)
EVENT = ("store_id", "kind", "customer_id", "occurred_at", "subject", "data", "by")


def _proof(store: Store, heard: Heard, by: str) -> tuple[Any, ...]:
    one, detail = heard.said, json.dumps(dict(heard.said.detail)) if heard.said.detail else "{}"
    return (
        heard.pk, store.pk, heard.record, str(one.channel), str(one.purpose), str(one.status), one.reason,
        one.source, one.method, one.wording, one.at, one.ip, detail, one.imported, by, heard.key,
    )  # fmt: skip


def _event(
    store_id: int, person: int, kind: type[vocabulary.ConsentKind], proof: Heard, by: str
) -> tuple[Any, ...]:
    """As `timeline.record`, for many at once: a list has a hundred thousand people."""
    one = proof.said
    # The fields of the kind. Building it, only to take it apart, would take longer than writing the row.
    told = {
        "channel": one.channel, "purpose": one.purpose, "source": one.source, "method": one.method,
        "reason": one.reason, "proof": proof.pk,
    }  # fmt: skip
    return store_id, kind.name, person, one.at, f"customer:{person}", json.dumps(told), by


@transaction.atomic
def settle(customers: Iterable[int], *, by: str = "system") -> None:
    """Bring the standing of these records up to date with their proofs, and tell what changed.

    A record that was merged into another has no standing of its own.
    """
    ids = set(customers)
    found = Customer.objects.filter(pk__in=ids).values_list("pk", "store_id", "merged_into_id")
    people = {pk: (store, merged) for pk, store, merged in found}
    heard = _heard({pk for pk in ids if people[pk][1] is None})
    _settle({pk: store for pk, (store, _) in people.items()}, heard, (), by)


def _settle(stores: dict[int, int], heard: list[tuple[int, Heard]], new: Collection[int], by: str) -> None:
    """`heard` is all that was ever said by these people, given with their stores."""
    found = _standings(heard)
    kept = _standing_now(set(stores).difference(new))
    Consent.objects.filter(pk__in=[kept[key][0] for key in kept.keys() - found.keys()]).delete()
    fresh, changed, events = [], [], []
    for key, (now, proof) in sorted(found.items(), key=lambda item: item[0]):
        pk, *before = kept.get(key, (0, Status.NEVER, "", None))
        if before == [now.status, now.reason, now.since]:
            continue
        values = (str(now.status), now.reason, now.since)
        if pk:
            changed.append({"id": pk, **dict(zip(STANDING, values, strict=True))})
        else:
            fresh.append((stores[key[0]], *key, *values))
        if before[:2] != [now.status, now.reason] and (kind := TOLD.get(now.status)):
            events.append(_event(stores[key[0]], key[0], kind, proof, by))
    copy_rows("customers_consent", ("store_id", "customer_id", "channel", "purpose", *STANDING), fresh)
    rewrite_rows("customers_consent", STANDING, changed)
    copy_rows("timeline_event", EVENT, events)


STANDING = ("status", "reason", "since")


def _standing_now(people: set[int]) -> dict[Key, tuple[Any, ...]]:
    if not people:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id, channel, purpose, id, status, reason, since FROM customers_consent"
            " WHERE customer_id = ANY(%s)",
            [list(people)],
        )
        return {(row[0], row[1], row[2]): row[3:] for row in cursor.fetchall()}


def _standings(heard: list[tuple[int, Heard]]) -> dict[Key, tuple[Standing, Heard]]:
    said: dict[Key, list[Heard]] = defaultdict(list)
    for person, one in heard:
        said[person, str(one.said.channel), str(one.said.purpose)].append(one)
    found = {}
    for key, proofs in said.items():
        if now := standing([one.said for one in proofs]):
            found[key] = (now, next(one for one in proofs if _is_behind(one.said, now)))
    return found


def _is_behind(one: Evidence, now: Standing) -> bool:
    return (one.at, one.status, one.reason) == (now.since, now.status, now.reason)


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
    waits = chosen.double_opt_in and has_to_confirm(customer, channel, purpose)
    one = Evidence(
        channel=channel, purpose=purpose, status=ASKED if waits else Status.SUBSCRIBED, source=source,
        method=method, at=timezone.now(), ip=ip, wording=chosen.wording_version,
    )  # fmt: skip
    record_consent(customer, one, by=by)
    return waits


def has_to_confirm(customer: Customer, channel: str, purpose: str = Purpose.MARKETING) -> bool:
    """Would a yes be asked once more by mail, in a store whose setting is double opt-in?"""
    if (channel, purpose) != (Channel.EMAIL, Purpose.MARKETING):
        return False
    return status_of(customer, channel, purpose) != Status.SUBSCRIBED


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
