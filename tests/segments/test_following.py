"""Segments as the background keeps them: behind the figures, once per event, within the same commit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from retention.segments import actions, tasks
from retention.segments.models import Bought, Membership, Tally, Usual
from retention.timeline.follow import advance, catch_up, lag
from tests.segments.shop import a_product
from tests.world import a_customer, a_store, an_order

pytestmark = pytest.mark.django_db(transaction=True)
TWICE = {"if": "orders.count", "is": "at_least", "value": 2}


def test_segments_never_read_further_than_the_figures():
    store = a_store()
    ana = a_customer(store)
    group = actions.create_segment(store, name="Twice", rule=TWICE, by="user:1")
    an_order(ana, timezone.now())
    an_order(ana, timezone.now())
    assert advance("segments") == 0
    catch_up("metrics")
    catch_up("segments")
    stay = Membership.objects.get(segment=group)
    assert (stay.customer_id, stay.left_at, stay.cause) == (ana.pk, None, "deed")
    # What segments told is read as well, and changes nothing.
    catch_up("metrics")
    catch_up("segments")
    assert lag("segments") == 0
    assert Membership.objects.count() == 1


def test_what_was_bought_and_done_is_counted_once():
    import random

    store = a_store()
    ana, tea = a_customer(store), a_product(store, random.Random(1), 1)
    for day in (3, 1):
        order = an_order(ana, timezone.now() - timedelta(days=day))
        order.lines.create(product=tea, quantity=2, total=700)
    for _ in range(2):
        catch_up("metrics")
        catch_up("segments")
    assert Tally.objects.get(customer_id=ana.pk, kind="order.placed").times == 2
    assert Bought.objects.values_list("quantity", "spend").get() == (4, 1400)


def test_a_product_that_moves_on_the_shelf_takes_its_buyers_along():
    import random

    store = a_store()
    ana, tea = a_customer(store), a_product(store, random.Random(1), 1)
    an_order(ana, timezone.now()).lines.create(product=tea, quantity=1, total=700)
    catch_up("metrics")
    catch_up("segments")
    rule = {"if": "products.bought", "is": "yes", "of": {"category": ["Herbs"]}}
    group = actions.create_segment(store, name="Herbs", rule=rule, by="user:1")
    tasks.sweep()
    assert not Membership.objects.filter(segment=group).exists()
    tea.category = "Herbs"
    tea.save()
    tasks.sweep()
    assert Membership.objects.get(segment=group).cause == "store"
    assert Usual.objects.filter(store=store).exists()
