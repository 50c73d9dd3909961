"""What imports keep of a person: files that nobody decided on yet, rows that could not be used, and staged
rows of unfinished runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from retention.customers.facts import names_people
from retention.customers.naming import names, naming, parts_of
from retention.ingest import actions, running
from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.models import ImportRun, RejectedRow, State

# Columns of the staging tables that say who somebody is.
PERSONAL = ("email", "phone", "first_name", "last_name", "company", "city")
CELL = "\x1f"


def erase(store_id: int, words: list[str]) -> None:
    """Remove what holds any of the words; of a name, what holds all its parts."""
    if not words:
        return
    _discard_files(store_id, words)
    rows = RejectedRow.objects.filter(run__store=store_id)
    rows.filter(_holds("raw", words) | _holds("reason", words)).update(
        raw="", reason="Held data of a person who was erased."
    )
    ImportRun.objects.filter(_holds("error", words), store=store_id).update(error="")
    runs = ImportRun.objects.filter(store=store_id, staged=True)
    with connection.cursor() as cursor:
        for run in runs:
            for table in (run.lines_table, run.orders_table):
                _blank(cursor, table, [word.lower() for word in words])


def _discard_files(store_id: int, words: list[str]) -> None:
    """Uploads that wait for a decision. Cost: each of them is read once, a million rows in some seconds."""
    for run in ImportRun.objects.filter(store=store_id, state__in=actions.WAITING):
        if Path(settings.MEDIA_ROOT) / "imports" not in Path(run.path).parents or not _tells(run, words):
            continue
        if run.state == State.FAILED:
            # What it had brought in by then is there; its page goes on saying so.
            transaction.on_commit(partial(running.forget_file, run))
        else:
            actions.discard_run(run)


def _tells(run: ImportRun, words: list[str]) -> bool:
    wanted = [[part.lower() for part in parts_of(word)] for word in words]
    try:
        with open_table(run.path) as table:
            rows = (CELL.join(row).lower() for _, row in table.rows)
            return any(_has(text, parts) for text in rows for parts in wanted)
    except Unreadable:
        # Gone already, or nobody can say what is in it.
        return True


def _has(text: str, parts: list[str]) -> bool:
    # To look for the plain text first costs a tenth of the pattern.
    return all(part in text for part in parts) and all(names(text, [part]) for part in parts)


def _holds(field: str, words: list[str]) -> Q:
    found = Q(pk__in=[])
    for word in words:
        parts = Q()
        for part in parts_of(word):
            parts &= naming(field, [part])
        found |= parts
    return found


def _blank(cursor: Any, table: str, words: list[str]) -> None:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name = ANY(%s)",
        [table, list(PERSONAL)],
    )
    columns = [row[0] for row in cursor.fetchall()]
    if "email" in columns:
        emptied = ", ".join(f"{column} = NULL" for column in columns)
        cursor.execute(f"UPDATE {table} SET {emptied} WHERE lower(email) = ANY(%s)", [words])


def register() -> None:
    names_people("imports", erase)
