"""Tags by hand: on one person or on many at once, with the way back.

A tag by hand stands beside those that the shop tells, as tags of mailing lists do: the shop's next telling
does not take it away. Taking off a tag that the shop told outranks what it told so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from retention.customers.facts import names_people
from retention.customers.merging import with_others
from retention.customers.models import Customer, Tagging
from retention.customers.naming import ERASED, naming
from retention.customers.registers import keep_own, registers_of, show, tell
from retention.customers.vocabulary import CustomerTagged
from retention.stores.models import Store
from retention.timeline.models import Event

# One transaction holds every follower back until it ends, so it must stay short: these take a few seconds.
MOST = 10_000
BATCH = 500
CHANGED = ["tags", "added_tags", "versions"]


class TooMany(Exception):
    """More people than one go may change; the message is what the merchant reads."""


@transaction.atomic
def tag_customers(store: Store, customers: Iterable[int], tag: str, *, by: str) -> Tagging:
    """Put the tag on these people. Merged and erased records are passed over."""
    return _turn(store, customers, tag, added=True, by=by)


@transaction.atomic
def untag_customers(store: Store, customers: Iterable[int], tag: str, *, by: str) -> Tagging:
    return _turn(store, customers, tag, added=False, by=by)


@transaction.atomic
def undo_tagging(tagging: Tagging, *, by: str) -> Tagging:
    """The other way round, for those whom it changed, also where they were merged since."""
    return _turn(
        tagging.store, tagging.customers, tagging.tag, added=not tagging.added, by=by, also_merged=True
    )


def _turn(
    store: Store, customers: Iterable[int], tag: str, *, added: bool, by: str, also_merged: bool = False
) -> Tagging:
    ids = sorted(set(customers))
    if len(ids) > MOST:
        raise TooMany(f"Up to {MOST:,} people can be tagged in one go; these are {len(ids):,}.")
    changed = [pk for batch in _batches(ids) for pk in _turn_batch(store, batch, tag, added)]
    if also_merged:
        changed += [pk for batch in _batches(ids) for pk in _turn_merged(store, batch, tag, added)]
    tagging = Tagging.objects.create(store=store, tag=tag, added=added, customers=changed, by=by)
    now, told = timezone.now(), CustomerTagged(tagging=tagging.pk)
    Event.objects.bulk_create(
        [
            Event(
                store=store, kind=told.name, customer_id=pk, occurred_at=now, subject=f"customer:{pk}",
                data=told.payload(), by=by,
            )
            for pk in changed
        ],
        batch_size=2_000,
    )  # fmt: skip
    return tagging


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _turn_batch(store: Store, ids: list[int], tag: str, added: bool) -> list[int]:
    found = _others(Customer.objects.filter(store=store, pk__in=ids, merged_into=None), tag, added)
    for customer in found:
        (_put_on if added else _take_off)(customer, tag)
    _write(found)
    return [customer.pk for customer in found]


def _turn_merged(store: Store, ids: list[int], tag: str, added: bool) -> list[int]:
    """Of records that are part of others: what is theirs changes, and the person shows what there is then."""
    found = _others(Customer.objects.filter(store=store, pk__in=ids, merged_into__isnull=False), tag, added)
    for record in found:
        if added:
            tell(record, {}, 0, [tag])
        else:
            _forget(record, tag)
    _write(found)
    roots = Customer.objects.filter(pk__in={record.merged_into_id for record in found})
    people = list(roots.select_for_update().order_by("pk"))
    for person in people:
        _show(person)
    _write(people)
    return [record.pk for record in found]


def _others(people: QuerySet[Customer], tag: str, added: bool) -> list[Customer]:
    """Those for whom it makes a difference."""
    people = people.filter(erased_at=None)
    people = people.filter(tags__contains=[tag]) if not added else people.exclude(tags__contains=[tag])
    return list(people.select_for_update().order_by("pk"))


def _write(people: list[Customer]) -> None:
    # Not `own` where it is None: that would become JSON's null, which is a value.
    Customer.objects.bulk_update([one for one in people if one.own is None], CHANGED)
    Customer.objects.bulk_update([one for one in people if one.own is not None], [*CHANGED, "own"])


def _put_on(customer: Customer, tag: str) -> None:
    tell(customer, {}, 0, [tag])
    _show(customer)


def _take_off(customer: Customer, tag: str) -> None:
    records = _records(customer)
    for one in records:
        _forget(one, tag)
    # Only those of others are written here; the person itself goes with its batch.
    _write([one for one in records if one.pk != customer.pk])
    if customer.own is not None:
        show(customer, records)


def _forget(one: Customer, tag: str) -> None:
    alone = one.own is None
    keep_own(one)
    assert one.own is not None
    one.own["added_tags"] = [kept for kept in one.own["added_tags"] if kept != tag]
    version, told = registers_of(one).get("tags", (0, []))
    if tag in told:
        later = max(int(timezone.now().timestamp() * 1_000_000), version + 1)
        one.own["registers"]["tags"] = [later, [kept for kept in told if kept != tag]]
    if alone:
        show(one, [one])


def _show(customer: Customer) -> None:
    if customer.own is not None:
        show(customer, _records(customer))


def _records(customer: Customer) -> list[Customer]:
    """The person, as this very object, and the records that were merged into it."""
    return [customer] if customer.own is None else with_others(customer)


def _erase(store_id: int, words: list[str]) -> None:
    """A tag may name an erased person."""
    Tagging.objects.filter(naming("tag", words), store=store_id).update(tag=ERASED)


names_people("tags", _erase)
