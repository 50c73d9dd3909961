"""A customer's row without its model: building a hundred thousand models takes longer than writing them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from django.db import connection
from django.utils import timezone

from retention.customers.copying import copy_rows, rewrite_rows
from retention.stores.models import Store

TABLE = "customers_customer"


@dataclass(slots=True)
class Profile:
    """What registers read and write of a record."""

    pk: int
    merged_into_id: int | None = None
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    birthday: str = ""
    time_zone: str = ""
    locale: str = ""
    accepts_email: bool | None = None
    tags: list[str] = field(default_factory=list)
    added_tags: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    own: dict[str, Any] | None = None


READ = ["id", *(one.name for one in fields(Profile)[1:])]
WRITTEN = READ[2:]
DOCUMENTS = 5
PLAIN = attrgetter("pk", *READ[1:-DOCUMENTS])


def locked_profiles(store: Store, ids: Iterable[int], *, families: bool = False) -> list[Profile]:
    """These records, locked, the oldest first; with `families` also those that were merged into them."""
    also = " OR merged_into_id = ANY(%(ids)s)" if families else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(READ)} FROM {TABLE} WHERE store_id = %(store)s AND (id = ANY(%(ids)s){also})"
            " ORDER BY id FOR UPDATE",
            {"store": store.pk, "ids": list(ids)},
        )
        return [_profile(row) for row in cursor.fetchall()]


def _profile(row: tuple[Any, ...]) -> Profile:
    return Profile(*row[:-DOCUMENTS], *(_read(cell) for cell in row[-DOCUMENTS:]))


def _read(cell: str | None) -> Any:
    return None if cell is None else [] if cell == "[]" else {} if cell == "{}" else json.loads(cell)


def add_profiles(store: Store, people: Iterable[Profile]) -> None:
    now = timezone.now()
    copy_rows(TABLE, [*READ, "store_id", "created_at"], [(*_cells(one), store.pk, now) for one in people])


def _cells(one: Profile) -> list[Any]:
    cells = PLAIN(one)
    documents = (one.tags, one.added_tags, one.custom, one.versions)
    return [*cells, *map(_written, documents), None if one.own is None else json.dumps(one.own)]


def _written(document: Any) -> str:
    return json.dumps(document) if document else "[]" if isinstance(document, list) else "{}"


def save_profiles(people: Iterable[Profile]) -> None:
    rows = [{"id": one.pk, **{name: getattr(one, name) for name in WRITTEN}} for one in people]
    rewrite_rows(TABLE, WRITTEN, rows)
