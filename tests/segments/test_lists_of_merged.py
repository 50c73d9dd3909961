"""Lists through merges: the person takes the record's place, and the record has it back afterwards."""

from __future__ import annotations

import pytest

from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Customer
from retention.segments import actions
from retention.segments.models import Membership
from tests.customers.shop import told
from tests.world import a_customer

pytestmark = pytest.mark.django_db(transaction=True)


def on(group):
    return set(Membership.objects.filter(segment=group, left_at=None).values_list("customer_id", flat=True))


def stays(group):
    rows = Membership.objects.filter(segment=group).order_by("customer_id", "entered_at")
    return list(rows.values_list("customer_id", "entered_at", "left_at", "cause", "taken_by"))


def a_list(store, *people, name="VIP"):
    group = actions.create_list(store, name=name, people=[one.pk for one in people], by="user:1")
    told()
    return group


def merge(survivor, other):
    done = merge_customers(
        Customer.objects.get(pk=survivor.pk), Customer.objects.get(pk=other.pk), by="user:1"
    )
    told()
    return done


def take_back(done):
    unmerge(done, by="user:1")
    told()


@pytest.fixture
def people(store):
    return [a_customer(store) for _ in range(3)]


@pytest.mark.parametrize("before", [(0,), (1,), (0, 1), ()], ids=str)
def test_a_list_is_after_the_undoing_as_it_was(store, people, before):
    group = a_list(store, *(people[n] for n in before))
    was = stays(group)
    done = merge(people[0], people[1])
    assert on(group) == ({people[0].pk} if before else set())
    take_back(done)
    assert stays(group) == was


def test_a_merge_that_is_undone_before_anybody_looked_changes_nothing(store, people):
    group = a_list(store, people[1])
    was = stays(group)
    unmerge(merge_customers(people[0], people[1], by="user:1"), by="user:1")
    told()
    assert stays(group) == was


@pytest.mark.parametrize("first", ["inner", "outer"])
@pytest.mark.parametrize("at_once", [True, False])
def test_merges_of_merges_give_back_one_by_one(store, people, first, at_once):
    top, middle, bottom = people
    group = a_list(store, bottom)
    was = stays(group)
    inner = merge_customers(middle, bottom, by="user:1")
    if not at_once:
        told()
    outer = merge(top, middle)
    assert on(group) == {top.pk}
    if first == "inner":
        take_back(inner)
        assert on(group) == {bottom.pk}
        take_back(outer)
    else:
        take_back(outer)
        assert on(group) == {middle.pk}
        take_back(inner)
    assert on(group) == {bottom.pk}
    assert [row for row in stays(group) if row[2] is None] == was


def test_who_was_taken_off_meanwhile_stays_off(store, people):
    group = a_list(store, people[1])
    done = merge(people[0], people[1])
    actions.remove_from_list(group, [people[0].pk], by="user:1")
    take_back(done)
    assert on(group) == set()


def test_who_was_put_on_meanwhile_stays_on(store, people):
    group = a_list(store)
    done = merge(people[0], people[1])
    actions.add_to_list(group, [people[0].pk], by="user:1")
    take_back(done)
    assert on(group) == {people[0].pk}


def test_a_place_that_two_records_brought_is_held_for_the_one_that_is_left(store, people):
    group = a_list(store, people[1], people[2])
    first, second = merge(people[0], people[1]), merge(people[0], people[2])
    assert on(group) == {people[0].pk}
    take_back(first)
    assert on(group) == {people[0].pk, people[1].pk}
    take_back(second)
    assert on(group) == {people[1].pk, people[2].pk}


def test_who_goes_on_to_another_person_takes_the_place_along(store, people):
    group = a_list(store, people[1])
    done = merge(people[0], people[1])
    unmerge(done, by="user:1")
    merge(people[2], people[1])
    assert on(group) == {people[2].pk}


def test_segments_that_ask_about_the_list_follow(store, people):
    group = a_list(store, people[1])
    rule = {"if": "lists.member", "is": "in", "value": group.pk}
    asking = actions.create_segment(store, name="On it", rule=rule, by="user:1")
    done = merge(people[0], people[1])
    assert on(asking) == {people[0].pk}
    take_back(done)
    assert on(asking) == {people[1].pk}
