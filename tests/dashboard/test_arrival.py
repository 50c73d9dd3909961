"""The front page of a store without figures: it tells what is on its way, and looks again by itself."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from retention.dashboard.demo import loading
from retention.ingest.models import ImportRun, State
from retention.metrics.rebuild import FOLLOWER
from retention.timeline.models import Event, Follower
from tests import world
from tests.dashboard.shop import END, count, open_shop
from tests.metrics.shop import a_customer, an_order

pytestmark = pytest.mark.django_db
HOME = "/fern-finch/"


@pytest.fixture
def owner(as_user, olivia):
    return as_user(olivia)


def said(client, url=HOME) -> str:
    return client.get(url).content.decode()


def a_file(store, state: str, **more) -> ImportRun:
    return ImportRun.objects.create(store=store, path="x", name="orders.csv", state=state, as_of=0, **more)


def happens(store, kind: str) -> None:
    """Something that no follower has read yet."""
    Event.objects.create(store=store, kind=kind, occurred_at=timezone.now())


def asked_again(client, page: str, url: str = HOME):
    """What the page does by itself every few seconds."""
    seen = re.search(r'"X-Seen": "([^"]+)"', page)
    assert seen
    headers = {"HX-Request": "true", "HX-Target": "results", "X-Seen": seen[1]}
    return client.get(url, headers=headers)


def test_an_event_of_no_order_is_not_taken_for_orders(owner, store):
    """A new store has events of its making, which nobody has followed yet."""
    happens(store, "store.settings_changed")
    assert "First, bring your orders" in said(owner)


def test_what_other_stores_wait_for_is_not_told(owner, store, other_store):
    an_order(a_customer(store), END, cancelled_at=timezone.now())
    count(store)
    happens(other_store, "store.settings_changed")
    assert "None of your orders counts" in said(owner)


def test_orders_that_are_in_are_being_counted(owner, store):
    an_order(a_customer(store), END)
    happens(store, "order.placed")
    assert "Your orders are being counted" in said(owner)
    last = Event.objects.latest("id")
    Follower.objects.update_or_create(name=FOLLOWER, defaults={"xid": last.xid, "event_id": last.pk})
    assert "Your orders are being counted" not in said(owner)


def test_orders_of_which_none_counts_are_not_waited_for(owner, store):
    an_order(a_customer(store), END, cancelled_at=timezone.now())
    count(store)
    page = said(owner)
    assert "None of your orders counts" in page
    assert "There is 1 order, but all canceled" in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.RUNNING, "Your file is being imported"),
        (State.CHECKING, "Your file is being checked"),
        (State.CHECKED, "Your file waits for you"),
        (State.DRAFT, "First, bring your orders"),
        (State.DONE, "First, bring your orders"),
    ],
)
def test_a_file_on_its_way_is_told_with_its_progress(owner, store, state, words):
    run = a_file(store, state, rows_read=120, staged=True, rows_done=30)
    page = said(owner)
    assert words in page
    assert ("30 of 120 rows" in page) == run.busy
    assert (f'href="/fern-finch/import/{run.pk}/"' in page) == (state not in (State.DRAFT, State.DONE))


def test_the_page_looks_again_and_hears_nothing_until_there_is_something_new(owner, store):
    page = said(owner)
    assert 'hx-trigger="every' in page
    assert asked_again(owner, page).status_code == 204
    run = a_file(store, State.RUNNING, rows_read=120, staged=True, rows_done=30)
    answer = asked_again(owner, page)
    assert "Your file is being imported" in answer.content.decode()
    assert asked_again(owner, answer.content.decode()).status_code == 204
    ImportRun.objects.filter(pk=run.pk).update(rows_done=60)
    assert "60 of 120 rows" in asked_again(owner, answer.content.decode()).content.decode()


def test_the_figures_come_with_their_filters(owner, store):
    page = said(owner)
    assert "chip-range" not in page
    open_shop(store)
    answer = asked_again(owner, page).content.decode()
    assert 'id="card-repeat-rate"' in answer
    assert 'hx-swap-oob="true"' in answer
    assert "chip-range" in answer
    # Where they go.
    assert 'id="filters"' in page


def test_figures_of_a_file_that_is_still_coming_in_are_not_taken_for_whole(owner, store):
    open_shop(store)
    assert "still being imported" not in said(owner)
    a_file(store, State.RUNNING)
    assert "still being imported" in said(owner)


def test_the_demo_says_that_it_is_being_filled_as_long_as_it_is(as_user, olivia, store):
    demo = world.a_store("Demo", slug=loading.SLUG)
    world_of = as_user(olivia)
    demo.memberships.create(user=olivia, role="owner")
    with loading.held():
        assert "The demo is being filled" in said(world_of, "/demo/")
        assert "First, bring your orders" in said(world_of)
    assert "First, bring your orders" in said(world_of, "/demo/")


def test_a_reader_is_told_whom_to_ask(as_user, ana, store):
    assert "Your role reads only" in said(as_user(ana))
