"""Long lists in pages: by the number of the last row, so that the last page costs what the first does."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

from retention.lib.addresses import id_of

Row = TypeVar("Row", bound=Model)


def newest(rows: QuerySet[Row], before: str, size: int) -> tuple[list[Row], int | None]:
    """The next rows of those ordered by number, newest first, and the number to go on from; None at the end.
    `before` is what the address says."""
    if (pk := id_of(before)) is not None:
        rows = rows.filter(pk__lt=pk)
    found = list(rows[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None
