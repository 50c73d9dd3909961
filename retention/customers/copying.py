"""Many rows at once by COPY: some five times faster than a bulk insert, ten times than a bulk update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert rows of one model. Numbers that the database gives are not read back."""
    if not rows:
        return
    options = rows[0]._meta
    # What no row has is left to the database's default.
    fields = [f for f in options.concrete_fields if any(_given(row, f) for row in rows)]
    _copy(options.db_table, fields, rows, add=True)


def update_rows(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Write these fields of rows of one model."""
    if not rows:
        return
    options = rows[0]._meta
    assert options.pk
    fields = [cast("Field[Any, Any]", options.get_field(name)) for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    key = f'"{options.pk.column}"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE fresh_rows ON COMMIT DROP AS"
            f" SELECT {key}, {columns} FROM {options.db_table} LIMIT 0"
        )
        _copy("fresh_rows", [options.pk, *fields], rows, add=False)
        moved = ", ".join(f'"{field.column}" = f."{field.column}"' for field in fields)
        cursor.execute(
            f"UPDATE {options.db_table} t SET {moved} FROM fresh_rows f WHERE t.{key} = f.{key};"
            " DROP TABLE fresh_rows"
        )


def _given(row: Model, field: Field[Any, Any]) -> bool:
    value = getattr(row, field.attname)
    return not hasattr(value, "resolve_expression") and not (field.primary_key and value is None)


def _copy(table: str, fields: Sequence[Field[Any, Any]], rows: Sequence[Model], *, add: bool) -> None:
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with (
        connection.cursor() as cursor,
        cast(Any, cursor.cursor).copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([_cell(row, field, add=add) for field in fields])


def _cell(row: Model, field: Field[Any, Any], *, add: bool) -> Any:
    value = field.pre_save(row, add) if add else getattr(row, field.attname)
    return None if value is None else field.get_db_prep_save(value, connection)
