"""Many rows at once: COPY is some five times faster than a bulk insert, and no model is built per row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection


def copy_rows(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of plain values; JSON as text. Columns that are not named take the database's default."""
    if not rows:
        return
    named = ", ".join(f'"{name}"' for name in columns)
    with (
        connection.cursor() as cursor,
        cast(Any, cursor.cursor).copy(f"COPY {table} ({named}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def rewrite_rows(table: str, names: Iterable[str], rows: Sequence[dict[str, Any]]) -> None:
    """Set these columns of rows that are there, each given with its `id`, in one statement."""
    if not rows:
        return
    moved = ", ".join(f'"{name}" = f."{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {moved}"
            f" FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) f WHERE t.id = f.id",
            [json.dumps(rows, ensure_ascii=False, default=str)],
        )


def reserve_ids(table: str, count: int) -> list[int]:
    """Numbers for rows that are about to be inserted."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
        )
        return [row[0] for row in cursor.fetchall()]
