"""Is everything well? One answer for `manage.py doctor`, /healthz and monitors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import current_app
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError

from retention.machine import paths
from retention.timeline.follow import FOLLOWERS

OLDEST_BEAT = 120.0  # a beat is due every 30 seconds
LONGEST_LAG = 300.0
LEAST_DISK = 500_000_000

BEAT = """
INSERT INTO machine_beat (at) VALUES (clock_timestamp())
ON CONFLICT (one) DO UPDATE SET at = excluded.at
"""
SILENCE = "SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM machine_beat"

Check = dict[str, Any]


def note_beat() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BEAT)


def health() -> dict[str, Any]:
    """{"ok": bool, "checks": {name: {"ok": bool, "says": str}}}. Public, so no paths or error texts."""
    checks = {name: _guarded(check) for name, check in CHECKS.items()}
    return {"ok": all(check["ok"] for check in checks.values()), "checks": checks}


def _guarded(check: Callable[[], Check]) -> Check:
    # A doctor must not die of the illness: each of these may fail in ways of its library.
    try:
        return check()
    except Error:
        return {"ok": False, "says": "the database does not answer"}
    except Exception as error:
        return {"ok": False, "says": f"could not be checked ({type(error).__name__})"}


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        version = cursor.fetchone()[0]
    return {"ok": True, "says": f"PostgreSQL {version}", "version": version}


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return {"ok": not plan, "says": f"{len(plan)} pending" if plan else "all applied", "pending": len(plan)}


def _broker() -> Check:
    with current_app.connection_for_write() as broker:
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except (OSError, *broker.recoverable_connection_errors, OperationalError):
            return {"ok": False, "says": "no answer"}
    return {"ok": True, "says": f"{broker.transport_cls} answers"}


def _worker() -> Check:
    with connection.cursor() as cursor:
        cursor.execute(SILENCE)
        beat = cursor.fetchone()
    if beat is None:
        return {"ok": False, "says": "has not been heard of yet", "seconds_ago": None}
    ago = max(0.0, beat[0])
    return {"ok": ago <= OLDEST_BEAT, "says": f"heard of {ago:.0f} s ago", "seconds_ago": round(ago, 1)}


# The oldest event a follower has not read. One look into an index per follower, however long the timeline.
LAGS = """
SELECT f.name, coalesce(extract(epoch FROM clock_timestamp() - unread.recorded_at), 0)::float8
FROM timeline_follower f
LEFT JOIN LATERAL (
    SELECT e.recorded_at FROM timeline_event e
    WHERE (e.xid, e.id) > (f.xid, f.event_id) ORDER BY e.xid, e.id LIMIT 1
) unread ON true
WHERE f.name = ANY(%s)
ORDER BY f.name
"""


def _followers() -> Check:
    with connection.cursor() as cursor:
        # Apps keep marks of their own beside the followers' positions; those never move.
        cursor.execute(LAGS, [list(FOLLOWERS)])
        lags = {name: round(max(0.0, lag), 1) for name, lag in cursor.fetchall()}
    worst = max(lags.values(), default=0.0)
    says = f"{len(lags)} follow, the slowest {worst:.0f} s behind"
    return {"ok": worst <= LONGEST_LAG, "says": says, "seconds_behind": lags}


def _disk() -> Check:
    folder: Path = paths.data_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return {"ok": free >= LEAST_DISK, "says": f"{free / 1e9:.1f} GB free", "free_bytes": free}


CHECKS: dict[str, Callable[[], Check]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "worker": _worker,
    "followers": _followers,
    "disk": _disk,
}
