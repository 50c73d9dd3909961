"""Followers see every event once, whatever order transactions commit in and whoever is killed when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.orders.vocabulary import OrderPlaced
from retention.stores.models import OutboxMail, Store
from retention.timeline import follow
from retention.timeline.actions import record
from retention.timeline.models import Event, Follower
from retention.timeline.renumber import renumber_after_restore

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "test-follower"


@pytest.fixture
def seen() -> Iterator[list[int]]:
    """What the follower was handed, by the order's number."""
    found: list[int] = []
    follow.follow(NAME, lambda events: found.extend(event.data["order"] for event in events))
    yield found
    del follow.FOLLOWERS[NAME]


def tell(store: Store, *numbers: int) -> None:
    for number in numbers:
        record(store, OrderPlaced(order=number))


def test_every_event_is_handed_over_once(store, seen):
    tell(store, 1, 2, 3)
    assert follow.catch_up(NAME) == 3
    assert follow.catch_up(NAME) == 0
    tell(store, 4)
    follow.catch_up(NAME)
    assert seen == [1, 2, 3, 4]


def test_batches_lose_nothing(store, seen):
    tell(store, *range(10))
    while follow.advance(NAME, batch=3):
        pass
    assert seen == list(range(10))
    assert follow.lag(NAME) == 0


def test_the_lag_counts_what_is_not_read_yet(store, seen):
    tell(store, 1, 2, 3)
    assert follow.lag(NAME) == 3
    follow.advance(NAME, batch=2)
    assert follow.lag(NAME) == 1


def test_a_failed_effect_moves_nothing(store, seen):
    tell(store, 1)

    def fail(events: list[Event]) -> None:
        OutboxMail.objects.create(to="effect")
        raise RuntimeError

    follow.follow(NAME, fail)
    with pytest.raises(RuntimeError):
        follow.advance(NAME)
    assert not OutboxMail.objects.exists()
    assert follow.lag(NAME) == 1


def test_a_follower_is_handed_only_its_kinds_and_moves_past_the_others(store, seen):
    follow.follow(NAME, lambda events: seen.extend(e.id for e in events), kinds={"order.refunded"})
    tell(store, 1, 2)
    assert follow.catch_up(NAME) == 2
    assert seen == []
    assert follow.lag(NAME) == 0


def in_another_session(work: Any) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_lower_id_that_commits_later_is_not_lost(store, seen):
    """The first writer takes the lower number and sleeps; the second commits in between."""
    wrote, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            tell(store, 1)
            wrote.set()
            go_on.wait(20)

    writer = in_another_session(slow)
    wrote.wait(20)
    tell(store, 2)
    assert Event.objects.get().data["order"] == 2
    # The second event is there, but the running transaction may still put one before it.
    assert follow.advance(NAME) == 0
    go_on.set()
    writer.join(20)
    follow.catch_up(NAME)
    assert seen == [1, 2]


def test_an_id_is_not_a_position(store, seen):
    """An older transaction may take a higher id; reading by id alone would jump over it."""
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            began.set()
            go_on.wait(20)
            tell(store, 1)

    writer = in_another_session(slow)
    began.wait(20)
    tell(store, 2)
    assert follow.advance(NAME) == 0
    go_on.set()
    writer.join(20)
    follow.catch_up(NAME)
    low, high = Event.objects.order_by("id")
    assert (low.data["order"], high.data["order"]) == (2, 1)
    assert seen == [1, 2], "by transaction, not by id"


def test_two_workers_do_not_read_the_same(store, seen):
    tell(store, 1)
    holding, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"follower:{NAME}"])
            holding.set()
            go_on.wait(20)

    other = in_another_session(hold)
    holding.wait(20)
    assert follow.advance(NAME) == 0
    go_on.set()
    other.join(20)
    follow.catch_up(NAME)
    assert seen == [1]


FOLLOW_UNTIL_KILLED = """
import os, sys, time, django
from django.conf import settings as s
django.setup()
s.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
from retention.stores.models import OutboxMail
from retention.timeline import follow

def effect(events):
    OutboxMail.objects.bulk_create(OutboxMail(to=str(e.data["order"])) for e in events)
    print("effect written", flush=True)
    time.sleep(float(sys.argv[1]))

follow.follow("killed", effect)
follow.catch_up("killed")
print("done", flush=True)
"""


def follower_process(pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FOLLOW_UNTIL_KILLED, str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
        env={**os.environ, "TEST_DATABASE": str(connection.settings_dict["NAME"]), "PYTHONPATH": os.getcwd()},
    )


def test_a_process_killed_between_effect_and_commit_leaves_neither(store):
    tell(store, 1, 2, 3)
    process = follower_process(60)
    assert process.stdout
    assert "effect written" in process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    _until_gone()
    assert not OutboxMail.objects.exists()
    assert not Follower.objects.filter(name="killed").exists()

    again = follower_process(0)
    out, _ = again.communicate(timeout=60)
    assert "done" in out
    assert sorted(OutboxMail.objects.values_list("to", flat=True)) == ["1", "2", "3"]
    assert Follower.objects.get(name="killed").event_id == Event.objects.latest("id").pk


def _until_gone() -> None:
    """The server notices a dead client when it next writes to it; until then its locks stay."""
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if not cursor.fetchall():
                return
            time.sleep(0.05)
    raise AssertionError("the killed follower's session is still there")


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE timeline_event SET data = '{}'",
        "UPDATE timeline_event SET store_id = 1",
        "DELETE FROM timeline_event",
    ],
)
def test_the_timeline_only_grows(store, forbidden):
    tell(store, 1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forbidden)
    assert Event.objects.get().data == {"order": 1}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(0, 6), read=st.integers(0, 6), after=st.integers(0, 4), again=st.booleans())
def test_after_a_restore_followers_go_on_without_losing_or_repeating_one(
    store, seen, before, read, after, again
):
    with transaction.atomic():
        # Another server's ids: its transactions may be far above or below those of this one.
        start = Event.objects.count()
        tell(store, *range(start, start + before))
    if read:
        follow.advance(NAME, batch=read)
    renumber_after_restore()
    if again:
        renumber_after_restore()
    tell(store, *range(start + before, start + before + after))
    follow.catch_up(NAME)
    assert seen == list(range(Event.objects.count()))
    assert follow.lag(NAME) == 0


def as_written_by_a_server_that_counts_higher() -> None:
    """What a restored dump looks like: ids of transactions that this server has not reached."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE timeline_event DISABLE TRIGGER USER")
        cursor.execute("UPDATE timeline_event SET xid = (xid::text::bigint + 4000000000)::text::xid8")
        cursor.execute("UPDATE timeline_follower SET xid = (xid::text::bigint + 4000000000)::text::xid8")
        cursor.execute("ALTER TABLE timeline_event ENABLE TRIGGER USER")


def test_a_dump_of_a_server_that_counts_higher_is_followed_from_where_it_was(store, seen):
    for number in (1, 2, 3):
        tell(store, number)
    follow.advance(NAME, batch=2)
    as_written_by_a_server_that_counts_higher()
    assert follow.advance(NAME) == 0, "the test's premise: positions of another server mean nothing here"
    renumber_after_restore()
    tell(store, 4)
    follow.catch_up(NAME)
    assert seen == [1, 2, 3, 4]
