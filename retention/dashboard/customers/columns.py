"""The columns of the list: what a cell says on the page, and what it holds in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from retention.customers.models import Status
from retention.dashboard.customers.listing import Row
from retention.ingest.lists.cells import tag_cell
from retention.lib import formats
from retention.lib.spreadsheets import Cell
from retention.stores.models import Store

TONES = {Status.SUBSCRIBED: "good", Status.UNSUBSCRIBED: "warn", Status.SUPPRESSED: "bad"}


@dataclass(frozen=True)
class Column:
    label: str
    shown: Callable[[Row, Store], str]
    # Several cells of a file may come from one column.
    head: tuple[str, ...]
    filed: Callable[[Row, Store], Sequence[Cell]]
    right: bool = False
    sort: str = ""


def _text(label: str, name: str) -> Column:
    return Column(
        label, lambda row, store: getattr(row, name), (name,), lambda row, store: [getattr(row, name)]
    )


def _net(row: Row, store: Store) -> float:
    return round(formats.major(row.net, store.currency), 4)


COLUMNS: dict[str, Column] = {
    "email": _text("E-mail", "email"),
    "phone": _text("Phone", "phone"),
    "company": _text("Company", "company"),
    "place": Column(
        "Place",
        lambda row, store: ", ".join(part for part in (row.city, row.country) if part),
        ("city", "country"),
        lambda row, store: [row.city, row.country],
    ),
    "purchases": Column(
        "Purchases",
        lambda row, store: formats.number(row.purchases, store.locale),
        ("purchases",),
        lambda row, store: [row.purchases],
        right=True,
    ),
    "net": Column(
        "Net to date",
        lambda row, store: formats.money(row.net, store.currency, store.locale),
        ("net_revenue",),
        lambda row, store: [_net(row, store)],
        right=True,
        sort="net",
    ),
    "average": Column(
        "Average order",
        lambda row, store: formats.money(
            row.net / row.purchases if row.purchases else None, store.currency, store.locale
        ),
        ("average_order",),
        lambda row, store: [round(_net(row, store) / row.purchases, 4) if row.purchases else None],
        right=True,
    ),
    "first": Column(
        "First purchase",
        lambda row, store: formats.day(row.first_day, store.locale),
        ("first_purchase",),
        lambda row, store: [row.first_day.isoformat() if row.first_day else None],
        right=True,
    ),
    "last": Column(
        "Last purchase",
        lambda row, store: formats.day(row.last_day, store.locale),
        ("last_purchase",),
        lambda row, store: [row.last_day.isoformat() if row.last_day else None],
        right=True,
        sort="last",
    ),
    "consent": Column(
        "May we write?",
        lambda row, store: "",
        ("email_marketing", "sms_marketing"),
        lambda row, store: [row.email_status, row.sms_status],
    ),
    "tags": Column("Tags", lambda row, store: "", ("tags",), lambda row, store: [_tags(row)]),
    "added": Column(
        "Added",
        lambda row, store: formats.day(row.added.astimezone(store.tz).date(), store.locale),
        ("added",),
        lambda row, store: [row.added.astimezone(store.tz).date().isoformat()],
        right=True,
        sort="added",
    ),
}
USUAL = ("place", "purchases", "net", "last", "consent", "tags")


def _tags(row: Row) -> str:
    """In quotes where a comma is part of a tag, so that an import reads the same tags."""
    return ", ".join(tag_cell([tag], quoted=False) for tag in row.tags)


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Those that exist, in our order; () stands for the usual ones."""
    wanted = set(names)
    found = tuple(name for name in COLUMNS if name in wanted)
    return () if found == USUAL else found


def written(rows: Iterable[Row], names: Sequence[str], store: Store) -> list[dict[str, Any]]:
    # One reversal for all: a page of them would take as long as the query.
    base = reverse("customers:list", args=[store.slug])
    return [
        {
            "id": row.id,
            "link": f"{base}{row.id}/",
            "title": row.title,
            "erased": row.erased,
            "email": row.email if "email" not in names and row.email != row.title else "",
            "cells": [_cell(row, name, store) for name in names],
        }
        for row in rows
    ]


def _cell(row: Row, name: str, store: Store) -> dict[str, Any]:
    column = COLUMNS[name]
    cell: dict[str, Any] = {"name": name, "right": column.right, "text": column.shown(row, store)}
    if name == "tags":
        cell |= {"tags": row.tags[:3], "more": max(0, len(row.tags) - 3)}
    if name == "consent":
        cell["badges"] = badges(row)
    return cell


def badges(row: Row) -> list[dict[str, str]]:
    """Where the person stands; a channel that never was asked about is passed over."""
    told = (("E-mail", row.email_status), ("SMS", row.sms_status))
    return [
        {"label": channel, "tone": TONES.get(Status(status), ""), "status": Status(status).label.lower()}
        for channel, status in told
        if status != Status.NEVER
    ]


def head(names: Sequence[str]) -> list[str]:
    return ["customer", "name", *(title for name in names for title in COLUMNS[name].head)]


def lines(rows: Iterable[Row], names: Sequence[str], store: Store) -> Iterator[list[Cell]]:
    """One line per person, for a file. Money in major units."""
    for row in rows:
        cells = [cell for name in names for cell in COLUMNS[name].filed(row, store)]
        yield [row.known_as or str(row.id), row.title if row.erased else row.name, *cells]
