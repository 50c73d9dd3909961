"""One person, several records: merging, taking it back, and telling two people apart.

Nothing that a record knew is lost by a merge: it keeps its own registers and proofs, its names of the
outside world remember it (`Identity.home`), and so does each fact that moves or arrives later
(`Belonging`). Taking a merge back is therefore exact, also for what came in between.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from retention.customers import consent
from retention.customers.choosing import show_choice
from retention.customers.facts import FACTS
from retention.customers.models import Apart, Belonging, Customer, Identity, Merge, Preference, Proof
from retention.customers.registers import SAVED, keep_own, keep_yielding, show
from retention.customers.vocabulary import CustomerMerged, CustomersKeptApart, CustomerUnmerged
from retention.stores.models import Store
from retention.timeline.actions import record


class NotPossible(Exception):
    """The merge cannot be done; the message is what the merchant reads."""


def lock_people(store: Store) -> None:
    """One writer of people and facts per store, until the transaction ends. Imports take the same lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"facts:{store.pk}"])


def person_of(customer: Customer) -> Customer:
    """The record under which the person is known now."""
    return customer.merged_into or customer


@transaction.atomic
def merge_customers(survivor: Customer, other: Customer, *, by: str, chosen: bool = False) -> Merge:
    """Two records are one person: facts, names and consent of `other` move to `survivor`.

    `chosen`: somebody looked at both and said which stays, so that its own fields
    win. Otherwise the newest do.
    """
    store = survivor.store
    lock_people(store)
    kept, gone = _pair(store, survivor.pk, other.pk)
    merge = Merge.objects.create(store=store, survivor=kept, other=gone, by=by, chosen=chosen)
    with connection.cursor() as cursor:
        _move_facts(cursor, gone.pk, kept.pk)
    Identity.objects.filter(customer=gone).update(home=Coalesce(F("home"), Value(gone.pk)), customer=kept)
    keep_own(kept)
    Customer.objects.filter(Q(pk=gone.pk) | Q(merged_into=gone)).update(merged_into=kept)
    _show(kept)
    told = CustomerMerged(other=gone.pk)
    record(store, told, customer_id=kept.pk, subject=f"customer:{kept.pk}", by=by)
    _settle(kept.pk, gone.pk, by=by)
    return merge


def _pair(store: Store, survivor: int, other: int) -> tuple[Customer, Customer]:
    found = Customer.objects.filter(store=store, pk__in=[survivor, other]).select_for_update().order_by("pk")
    people = {customer.pk: customer for customer in found}
    if len(people) != 2:
        raise NotPossible("A merge needs two different customers of this store.")
    if any(customer.merged_into_id for customer in people.values()):
        raise NotPossible("One of these records was merged into another already.")
    if any(customer.erased_at for customer in people.values()):
        raise NotPossible("One of these people asked to be erased; what is left of them stays by itself.")
    return people[survivor], people[other]


def _move_facts(cursor: Any, other: int, survivor: int) -> None:
    given = {"other": other, "survivor": survivor}
    for fact in FACTS.values():
        cursor.execute(
            "INSERT INTO customers_belonging (fact, fact_id, home_id)"
            f" SELECT %(fact)s, id, %(other)s FROM {fact.table} WHERE customer_id = %(other)s"
            " ON CONFLICT (fact, fact_id) DO NOTHING",
            {**given, "fact": fact.name},
        )
        cursor.execute(
            f"UPDATE {fact.table} SET customer_id = %(survivor)s WHERE customer_id = %(other)s", given
        )


def _settle(*people: int, by: str) -> None:
    # Files of orders merge by the thousand people of whom nothing was ever said.
    records = [*people, *Customer.objects.filter(merged_into__in=people).values_list("pk", flat=True)]
    if Proof.objects.filter(customer__in=records).exists():
        consent.settle(people, by=by)


def records_of(customer: Customer) -> list[Customer]:
    """The record and all that were merged into it, directly or through others."""
    return list(Customer.objects.filter(pk__in=_below(customer.pk)).order_by("pk"))


def with_others(customer: Customer) -> list[Customer]:
    """The same, the record first: as this very object, which may hold what is not saved yet."""
    return [customer, *(one for one in records_of(customer) if one.pk != customer.pk)]


def _below(root: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE below AS (SELECT %s::bigint AS id UNION SELECT m.other_id FROM customers_merge m"
            " JOIN below b ON m.survivor_id = b.id WHERE m.undone_at IS NULL) SELECT id FROM below",
            [root],
        )
        return [row[0] for row in cursor.fetchall()]


def _yields(root: int) -> dict[int, int]:
    """Each record of a person, with how many times on the way up another one was chosen over it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE below AS (SELECT %s::bigint AS id, 0 AS times UNION SELECT m.other_id,"
            " b.times + m.chosen::int FROM customers_merge m JOIN below b ON m.survivor_id = b.id"
            " WHERE m.undone_at IS NULL) SELECT id, times FROM below",
            [root],
        )
        return dict(cursor.fetchall())


def _show(customer: Customer) -> None:
    records = with_others(customer)
    keep_yielding(customer, _yields(customer.pk))
    show(customer, records)
    customer.save(update_fields=SAVED)
    ids = [one.pk for one in records]
    # Files of orders merge by the thousand people who never chose anything.
    if Preference.objects.filter(customer__in=ids).exists():
        show_choice(customer.pk, ids)


@transaction.atomic
def unmerge(merge: Merge, *, by: str) -> Customer:
    """Two people after all: `other` gets back what is its own, also what came in since. Returns it.

    The two are not merged again by themselves, nor proposed.
    """
    lock_people(merge.store)
    open_ = Merge.objects.select_for_update().filter(pk=merge.pk, undone_at=None).first()
    if open_ is None:
        raise NotPossible("This merge was undone already.")
    root = person_of(Customer.objects.select_related("merged_into").get(pk=open_.survivor_id))
    open_.undone_at, open_.undone_by = timezone.now(), by
    open_.save(update_fields=["undone_at", "undone_by"])
    back = _below(open_.other_id)
    with connection.cursor() as cursor:
        _return_facts(cursor, root.pk, open_.other_id, back)
    _return_names(root.pk, open_.other_id, back)
    for one in (root.pk, open_.other_id):
        _show(Customer.objects.select_for_update().get(pk=one))
    _mark_apart(merge.store, root.pk, open_.other_id, by=by)
    told = CustomerUnmerged(other=open_.other_id)
    record(merge.store, told, customer_id=root.pk, subject=f"customer:{root.pk}", by=by)
    _settle(root.pk, open_.other_id, by=by)
    return Customer.objects.get(pk=open_.other_id)


def _return_facts(cursor: Any, root: int, other: int, back: list[int]) -> None:
    given = {"root": root, "other": other, "back": back}
    for fact in FACTS.values():
        cursor.execute(
            f"UPDATE {fact.table} f SET customer_id = %(other)s FROM customers_belonging b"
            " WHERE b.fact = %(fact)s AND b.fact_id = f.id AND b.home_id = ANY(%(back)s)"
            " AND f.customer_id = %(root)s",
            {**given, "fact": fact.name},
        )
    Belonging.objects.filter(home=other).delete()


def _return_names(root: int, other: int, back: list[int]) -> None:
    names = Identity.objects.filter(customer=root, home__in=back)
    names.update(customer=other)
    Identity.objects.filter(customer=other, home=other).update(home=None)
    Customer.objects.filter(pk__in=back).exclude(pk=other).update(merged_into=other)
    Customer.objects.filter(pk=other).update(merged_into=None)


@transaction.atomic
def keep_apart(one: Customer, two: Customer, *, by: str) -> None:
    """A person looked at both and says that they are two people."""
    _mark_apart(one.store, one.pk, two.pk, by=by)
    told = CustomersKeptApart(other=two.pk)
    record(one.store, told, customer_id=one.pk, subject=f"customer:{one.pk}", by=by)


def _mark_apart(store: Store, one: int, two: int, *, by: str) -> None:
    low, high = sorted((one, two))
    Apart.objects.get_or_create(store=store, low_id=low, high_id=high, defaults={"by": by})


def pairs_apart(store: Store) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in Apart.objects.filter(store=store).values_list("low_id", "high_id")}
