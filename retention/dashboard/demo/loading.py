"""Whether somebody is loading the demo right now, in whatever process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from retention.stores.models import Store

SLUG, SAMPLE_SLUG = "demo", "cdnow-sample"
# A lock of the session: the database lets it go when the loading process dies. Shared, so that nobody waits.
KEY = (1_347_374_670, 1)


@contextmanager
def held() -> Iterator[None]:
    _run("SELECT pg_advisory_lock_shared(%s, %s)")
    try:
        yield
    finally:
        # Not in a transaction that failed, nor on a connection that is gone: both let go by themselves.
        if connection.is_usable() and not connection.needs_rollback:
            _run("SELECT pg_advisory_unlock_shared(%s, %s)")


def is_loading(store: Store) -> bool:
    if store.slug not in (SLUG, SAMPLE_SLUG):
        return False
    [found] = _run(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return bool(found)


def _run(sql: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, KEY)
        return tuple(cursor.fetchone())
