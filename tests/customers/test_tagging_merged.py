"""Undoing a tagging reaches those who were merged meanwhile, and them alone."""

from __future__ import annotations

import pytest

from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Customer
from retention.customers.tagging import tag_customers, undo_tagging, untag_customers
from tests.world import a_customer

pytestmark = pytest.mark.django_db


def tags(one):
    return Customer.objects.get(pk=one.pk).tags


@pytest.fixture
def pair(store):
    return a_customer(store), a_customer(store)


@pytest.mark.parametrize("kept", [False, True])
def test_a_tag_is_taken_off_a_merged_record_and_so_off_the_person(store, pair, kept):
    survivor, other = pair
    if kept:
        tag_customers(store, [survivor.pk], "oops", by="user:1")
    tagging = tag_customers(store, [other.pk], "oops", by="user:1")
    merge = merge_customers(*(Customer.objects.get(pk=one.pk) for one in pair), by="user:1")
    undone = undo_tagging(tagging, by="user:1")
    assert tags(survivor) == (["oops"] if kept else [])
    undo_tagging(undone, by="user:1")
    assert tags(survivor) == ["oops"]
    unmerge(merge, by="user:1")
    assert (tags(survivor), tags(other)) == (["oops"] if kept else [], ["oops"])


def test_a_tag_is_put_back_on_a_merged_record(store, pair):
    survivor, other = pair
    tag_customers(store, [other.pk], "vip", by="user:1")
    tagging = untag_customers(store, [other.pk], "vip", by="user:1")
    merge = merge_customers(*(Customer.objects.get(pk=one.pk) for one in pair), by="user:1")
    undo_tagging(tagging, by="user:1")
    assert tags(survivor) == ["vip"]
    unmerge(merge, by="user:1")
    assert (tags(survivor), tags(other)) == ([], ["vip"])
