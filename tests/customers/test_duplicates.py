"""Suspected duplicates: proposed with the reason, and not again once somebody decided."""

from __future__ import annotations

import pytest

from retention.customers.duplicates import duplicates_of, proposals
from retention.customers.merging import keep_apart, merge_customers, unmerge
from retention.customers.privacy import erase_customer
from tests.world import a_customer

pytestmark = pytest.mark.django_db
HOME = {"first_name": "Mara", "last_name": "Lind", "address1": "Hill Road 4", "postal_code": "2100"}


def found(store):
    return [({p.one.pk, p.two.pk}, p.reasons) for p in proposals(store)]


@pytest.mark.parametrize(
    ("one", "two", "reasons"),
    [
        ({"email": "m.lind+shop@gmail.com"}, {"email": "MLind@googlemail.com"}, ("email",)),
        ({"email": "mara@example.com"}, {"email": "mara+news@example.com"}, ("email",)),
        ({"email": "m.ara@example.com"}, {"email": "mara@example.com"}, ()),
        ({"phone": "+45 20 30 40 50"}, {"phone": "0045-20304050"}, ("phone",)),
        ({"phone": "5551234"}, {"phone": "5551234"}, ()),
        ({"phone": ""}, {"phone": ""}, ()),
        (HOME, {**HOME, "first_name": "MARA", "address1": "hill road, 4"}, ("name and address",)),
        (HOME, {**HOME, "first_name": "Max"}, ()),
        (HOME, {**HOME, "postal_code": "2200"}, ()),
        (
            {**HOME, "phone": "20304050"},
            {**HOME, "phone": "2030 4050", "email": "other@example.com"},
            ("phone", "name and address"),
        ),
    ],
)
def test_what_makes_two_records_alike(store, one, two, reasons):
    pair = {a_customer(store, **one).pk, a_customer(store, **two).pk}
    assert found(store) == ([(pair, reasons)] if reasons else [])


def test_another_stores_people_are_never_proposed(store, other_store):
    a_customer(store, phone="+4520304050")
    a_customer(other_store, phone="+4520304050")
    assert found(store) == []


def test_people_told_apart_are_not_proposed_again(store):
    one, two = a_customer(store, phone="+4520304050"), a_customer(store, phone="+4520304050")
    keep_apart(two, one, by="user:1")
    assert found(store) == []
    assert duplicates_of(one) == []


def test_merged_or_erased_people_are_not_proposed(store):
    one, two, three = (a_customer(store, phone="+4520304050") for _ in range(3))
    erase_customer(three, by="user:1")
    merge = merge_customers(one, two, by="user:1")
    assert found(store) == []
    unmerge(merge, by="user:1")
    assert found(store) == []


def test_a_placeholder_shared_by_many_is_no_person(store):
    for _ in range(21):
        a_customer(store, phone="000000000")
    assert found(store) == []


def test_of_one_person_all_who_are_alike(store):
    one, two, three = (a_customer(store, phone="+4520304050") for _ in range(3))
    a_customer(store, phone="+4599999999")
    assert {p.one.pk + p.two.pk - two.pk for p in duplicates_of(two)} == {one.pk, three.pk}
    assert [(p.one.pk, p.two.pk) for p in duplicates_of(three)] == [(two.pk, three.pk), (one.pk, three.pk)]
