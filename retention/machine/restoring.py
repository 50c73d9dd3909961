"""Restore into a running installation: a new database beside the old, made ready, then swapped by name.

Until the swap nobody notices; it is one transaction of two renames, so there is always a whole database
under the name. Whatever fails before it leaves the old one as it was.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.utils import OperationalError
from psycopg import sql

from retention.machine import archive, paths
from retention.timeline.renumber import renumber_after_restore

SWAP_TRIES = 10


class Refused(Exception):
    """The backup is whole, but not for this installation."""


def restore(file: Path, say: Callable[[str], None]) -> None:
    live = str(connection.settings_dict["NAME"])
    fresh = f"{live}_restoring"
    uploads_home = Path(settings.MEDIA_ROOT).parent
    uploads_home.mkdir(parents=True, exist_ok=True)
    # On the disk of the uploads, so that moving them into place is a rename and not a copy.
    with tempfile.TemporaryDirectory(prefix=".perennial-restore-", dir=uploads_home) as folder:
        content = archive.unpack(file, Path(folder))
        _refuse_newer(content)
        say(f"The backup of {content['made_at']} is whole. Loading it beside the running database.")
        try:
            _fill(fresh, Path(folder) / archive.DUMP)
            _make_ready(fresh)
            _swap(live, fresh)
        finally:
            _drop(fresh)
        archive.replace_uploads(Path(folder) / archive.UPLOADS)
        _restore_key(Path(folder) / archive.KEY, say)
    cache.clear()


def _refuse_newer(content: dict[str, Any]) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    ours = {name.split(".")[0] for name in known}
    strange = [name for name in content["migrations"] if name not in known and name.split(".")[0] in ours]
    if strange:
        raise Refused(f"The backup is of a newer version ({strange[0]} is unknown here). Update first.")


def _fill(fresh: str, dump: Path) -> None:
    _drop(fresh)
    # template0: whatever an administrator put into template1 would collide with the dump.
    statement = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
    _maintain(sql.SQL(statement).format(sql.Identifier(fresh)))
    archive._run_postgres(
        "pg_restore", "--no-owner", "--no-acl", "--exit-on-error", "--jobs=2", str(dump), database=fresh
    )


def _make_ready(fresh: str) -> None:
    """Migrate an older backup, and renumber the timeline: transaction ids do not survive a restore."""
    with _connected_to(fresh):
        call_command("migrate", verbosity=0, interactive=False)
        renumber_after_restore()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # a dump carries no statistics: first questions would take minutes


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _maintain(*statements: sql.Composable) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _drop(name: str) -> None:
    _maintain(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _swap(live: str, fresh: str) -> None:
    """Afterwards the old data is under the fresh name, to be dropped."""
    connection.close()
    old, new, spare = (sql.Identifier(name) for name in (live, fresh, f"{live}_leaving"))
    renames = [(old, spare), (new, old), (spare, new)]
    for attempt in range(SWAP_TRIES):
        try:
            # Nothing before the renames is left behind, whenever this process is killed. They wait some
            # seconds for those who were sent away, and newcomers wait for them.
            _send_away(live)
            _maintain(
                sql.SQL("BEGIN"),
                *(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*pair) for pair in renames),
                sql.SQL("COMMIT"),
            )
            return
        except OperationalError:  # somebody was quicker to come back
            if attempt == SWAP_TRIES - 1:
                raise


def _send_away(name: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def _restore_key(file: Path, say: Callable[[str], None]) -> None:
    target = paths.data_dir() / archive.KEY
    if not file.is_file() or os.environ.get("SECRET_KEY") or not target.parent.is_dir():
        return
    if target.is_file() and target.read_bytes() == file.read_bytes():
        return
    file.chmod(0o600)
    os.replace(file, target)
    say("The backup brought its own signing key: restart Perennial to use it.")
