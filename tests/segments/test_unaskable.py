"""A rule that the database cannot answer hurts nobody but its own store, and nothing is lost by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from retention.segments import actions, living
from retention.segments.models import Membership, Segment
from retention.stores.models import Store
from retention.timeline.follow import FOLLOWERS, catch_up
from tests.world import a_customer, an_order

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS = {"if": "orders.count", "is": "at_least", "value": 1}
# More than any number of the schema: only a mistake of ours would let it in.
TOO_MUCH = {"if": "orders.count", "is": "at_least", "value": 10**30}


def follow() -> None:
    for name in FOLLOWERS:
        catch_up(name)


def buyers_of(store: Store) -> Segment:
    return actions.create_segment(store, name="Buyers", rule=BUYERS, by="user:1")


def people_in(segment: Segment) -> int:
    return Membership.objects.filter(segment=segment, left_at=None).count()


@pytest.mark.parametrize("percent", [10**12, 2 * 10**8, -(10**15), [5, 10**15]])
def test_any_share_of_the_usual_gap_may_be_asked(store: Store, percent: Any) -> None:
    an_order(a_customer(store), timezone.now())
    follow()
    asked = "between" if isinstance(percent, list) else "at_least"
    rule = {"if": "orders.rhythm", "is": asked, "value": percent}
    segment = actions.create_segment(store, name="Far", rule=rule, by="user:1")
    an_order(a_customer(store, email="b@example.com"), timezone.now())
    follow()
    living.sweep(timezone.now())
    assert people_in(segment) == (2 if percent == -(10**15) else 0)


def test_an_unaskable_rule_stops_its_own_store_only(store: Store, other_store: Store) -> None:
    here, there = buyers_of(store), buyers_of(other_store)
    broken = Segment.objects.create(store=store, name="Broken", rule=TOO_MUCH, refreshed_at=timezone.now())
    for each in (store, other_store):
        an_order(a_customer(each), timezone.now())
    follow()
    living.sweep(timezone.now())
    assert (people_in(here), people_in(there)) == (0, 1)

    Segment.objects.filter(pk=broken.pk).delete()
    living.sweep(timezone.now())
    assert people_in(here) == 1
