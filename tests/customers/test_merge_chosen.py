"""Somebody says which of two records stays: its own fields win, the other's fill the gaps, and any order of
tellings and merges reads the same."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.customers.actions import correct_customer
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Customer, Merge
from retention.customers.preferences import Choices, choose
from tests.customers.shop import import_orders, on, picture
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db(transaction=True)


def of(customer: Customer) -> Customer:
    return Customer.objects.get(pk=customer.pk)


def anna_and_jo(store):
    anna = a_customer(
        store, "anna@example.com", first_name="Anna", last_name="Berg", versions={"first_name": 5}
    )
    jo = a_customer(
        store, "jo@example.com", first_name="Jo", phone="070 1", versions={"first_name": 9, "email": 9}
    )
    return anna, jo


def test_the_chosen_records_own_fields_win_and_the_others_fill_the_gaps(store):
    anna, jo = anna_and_jo(store)
    merge_customers(anna, jo, by="user:1", chosen=True)
    shown = of(anna)
    assert (shown.name, shown.email, shown.phone) == ("Anna Berg", "anna@example.com", "070 1")


def test_where_nobody_chose_the_newest_telling_wins(store):
    anna, jo = anna_and_jo(store)
    merge_customers(anna, jo, by="user:1")
    assert of(anna).first_name == "Jo"


def test_taking_it_back_gives_each_what_is_its_own(store):
    anna, jo = anna_and_jo(store)
    before = picture(store)
    unmerge(merge_customers(anna, jo, by="user:1", chosen=True), by="user:1")
    assert picture(store) == before


def test_what_files_tell_later_of_the_other_record_changes_no_field_of_the_chosen_one(store, tmp_path):
    rows = (
        ("A1", on(1), "c1", "anna@example.com", "", "", "1.00"),
        ("B1", on(2), "c2", "jo@example.com", "", "", "1.00"),
    )
    import_orders(store, tmp_path, *rows)
    anna, jo = (Customer.objects.get(email=f"{name}@example.com") for name in ("anna", "jo"))
    merge = merge_customers(anna, jo, by="user:1", chosen=True)
    import_orders(store, tmp_path, ("B2", on(9), "c2", "new@example.com", "", "", "2.00"))
    assert (of(anna).email, of(jo).email) == ("anna@example.com", "new@example.com")
    import_orders(store, tmp_path, ("A2", on(9), "c1", "later@example.com", "", "", "2.00"))
    assert of(anna).email == "later@example.com"
    unmerge(merge, by="user:1")
    assert (of(anna).email, of(jo).email) == ("later@example.com", "new@example.com")


def test_a_correction_and_the_persons_own_word_still_count(store):
    anna, jo = anna_and_jo(store)
    correct_customer(anna, {"birthday": "1990-01-01"}, by="user:1")
    merge_customers(of(anna), of(jo), by="user:1", chosen=True)
    correct_customer(of(anna), {"first_name": "Ann"}, by="user:1")
    assert of(anna).first_name == "Ann"
    choose(of(jo), Choices(frozenset(), frozenset(), birthday="--02-28"), offered=())
    assert of(anna).birthday == "--02-28"


def told(people, steps):
    """What the person shows after these tellings and merges."""
    for kind, *what in steps:
        if kind == "tell":
            place, name, day = what
            folder, store = people["folder"], people["store"]
            import_orders(
                store, folder, (f"{place}{day}", on(day), f"c{place}", f"{name}@example.com", "", "", "1")
            )
        else:
            one, two = (
                Customer.objects.get(
                    store=people["store"], identities__source="shop", identities__external_id=f"c{i}"
                )
                for i in what
            )
            merge_customers(one, two, by="user:1", chosen=kind == "choose")
    return Customer.objects.get(store=people["store"], merged_into=None).email


def test_any_order_of_files_and_the_merge_reads_the_same(tmp_path_factory):
    tellings = [("tell", 0, "a", 3), ("tell", 1, "b", 5), ("tell", 1, "c", 9), ("tell", 0, "d", 7)]
    seen = set()
    for order in itertools.islice(itertools.permutations(tellings), 0, 24, 5):
        for place in (2, 4):
            store, folder = a_store(), tmp_path_factory.mktemp("files")
            import_orders(
                store, folder, ("O0", on(1), "c0", "", "", "", "1"), ("O1", on(1), "c1", "", "", "", "1")
            )
            steps = [*order[:place], ("choose", 0, 1), *order[place:]]
            seen.add(told({"store": store, "folder": folder}, steps))
    assert seen == {"d@example.com"}


@given(chosen=st.lists(st.booleans(), min_size=3, max_size=3), undone=st.permutations(range(3)))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merges_of_merges_come_apart_exactly(chosen, undone, db):
    store = a_store()
    people = [
        a_customer(store, f"p{i}@example.com", first_name=f"P{i}", versions={"first_name": i + 1})
        for i in range(4)
    ]
    before = picture(store)
    # 2 into 1, 1 into 0, 0 into 3.
    made = [
        merge_customers(of(people[a]), of(people[b]), by="x", chosen=c).pk
        for (a, b), c in zip(((1, 2), (0, 1), (3, 0)), chosen, strict=True)
    ]
    # From the end on, the first one that was chosen over what came below it shows.
    if chosen[2]:
        assert of(people[3]).first_name == "P3"
    for number in undone:
        unmerge(Merge.objects.get(pk=made[number]), by="x")
    assert picture(store) == before
