"""What imports keep of a person: rows that could not be used, and staged rows of unfinished runs."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q

from retention.customers.facts import names_people
from retention.customers.naming import naming, parts_of
from retention.ingest.models import ImportRun, RejectedRow

# Columns of the staging tables that say who somebody is.
PERSONAL = ("email", "phone", "first_name", "last_name", "company", "city")


def erase(store_id: int, words: list[str]) -> None:
    """Remove what holds any of the words; of a name, what holds all its parts."""
    if not words:
        return
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
