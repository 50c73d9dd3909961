"""Limits that strangers cannot empty, with the cache that the application really has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as conf
from django.core.cache import cache
from django.db import connection
from django.test import Client

from retention.customers.preferences import token_of
from retention.machine.health import health, note_beat
from tests.world import a_customer

LOGIN = "/accounts/login/"
REAL = conf.CACHES
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def _real_cache(db, settings):
    settings.CACHES = REAL
    cache.clear()


def entries(like: str = "%") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM machine_cache WHERE cache_key LIKE %s", [like])
        return int(cursor.fetchone()[0])


def guess(email: str) -> bool:
    """Whether the account is closed for a while."""
    return b"Too many" in Client().post(LOGIN, {"login": email, "password": "wrong"}).content


def crowd(count: int) -> None:
    """Entries that sort after everything else, as a busy shop has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO machine_cache SELECT 'z' || n, '', now() + interval '1 hour' "
            "FROM generate_series(1, %s) n",
            [count],
        )


def test_made_up_links_leave_nothing_behind(db):
    visitor = Client(REMOTE_ADDR="198.51.100.9")
    before = entries()
    for number in range(20):
        assert visitor.post(f"/preferences/x{number}/unsubscribe/", ONE_CLICK).status_code == 404
    assert entries() == before


def test_a_busy_cache_keeps_the_limits_of_signing_in(olivia):
    while not guess(olivia.email):
        assert entries() < 50
    crowd(2_000)
    Client(REMOTE_ADDR="198.51.100.9").get("/preferences/guess/")
    assert guess(olivia.email)


def test_the_workers_beat_is_out_of_the_caches_reach(db):
    note_beat()
    cache.clear()
    told = health()["checks"]["worker"]
    assert told["ok"]
    assert told["seconds_ago"] < 60


@pytest.mark.parametrize(("ago", "well"), [(60, True), (600, False)])
def test_a_worker_that_falls_silent_is_told(db, ago, well):
    note_beat()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE machine_beat SET at = at - make_interval(secs => %s)", [ago])
    told = health()["checks"]["worker"]
    assert told["ok"] == well
    assert ago <= told["seconds_ago"] < ago + 30


def test_a_worker_never_heard_of_is_told(db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM machine_beat")
    assert health()["checks"]["worker"] == {
        "ok": False,
        "says": "has not been heard of yet",
        "seconds_ago": None,
    }


def test_a_visitor_is_counted_for_a_minute_at_most(store):
    person, visitor = a_customer(store), Client()
    for _ in range(3):
        assert visitor.get(f"/preferences/{token_of(person)}/").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(expires - now()) FROM machine_cache WHERE cache_key LIKE '%preferences%'")
        assert cursor.fetchone()[0] <= timedelta(seconds=61)


def test_after_the_minute_a_visitor_may_go_on(store, monkeypatch):
    person, visitor = a_customer(store), Client()
    now = [1_800_000_030.0]
    monkeypatch.setattr("retention.customers.public.time.time", lambda: now[0])
    monkeypatch.setattr("retention.customers.public.MOST_PER_MINUTE", 3)
    url = f"/preferences/{token_of(person)}/"
    assert [visitor.get(url).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    now[0] += 60
    assert visitor.get(url).status_code == 200


def test_a_link_pressed_without_end_is_held_back(store, monkeypatch):
    monkeypatch.setattr("retention.customers.public.MOST_PER_MINUTE", 3)
    url = f"/preferences/{token_of(a_customer(store))}/unsubscribe/"
    assert [Client().post(url, ONE_CLICK).status_code for _ in range(4)] == [200, 200, 200, 429]
