"""Everything that is known about one person, to hand out: one JSON file, and the same as CSV tables."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from retention.customers.facts import FACTS, Rows
from retention.customers.merging import person_of, records_of
from retention.customers.models import Consent, Customer, Identity, Merge, Preference, Proof
from retention.customers.vocabulary import CustomerExported
from retention.lib.spreadsheets import csv_lines
from retention.timeline.actions import record
from retention.timeline.kinds import sentence
from retention.timeline.models import Event

READ_ME = """Everything that {store} knows about this person, as of {at}.
person.json holds all of it. The CSV files hold the same, one table each, for spreadsheets.
Amounts are in the smallest unit of {currency}. Times are in UTC.
"""


@transaction.atomic
def export_customer(customer: Customer, *, by: str) -> bytes:
    """A zip file. The handing out is itself an event."""
    person = person_of(customer)
    told = everything(person)
    event = record(
        person.store, CustomerExported(), customer_id=person.pk, subject=f"customer:{person.pk}", by=by
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        store = person.store
        at = f"{event.occurred_at:%Y-%m-%d %H:%M} UTC"
        archive.writestr("read-me.txt", READ_ME.format(store=store.name, at=at, currency=store.currency))
        archive.writestr("person.json", json.dumps(told, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
        for name, rows in told.items():
            archive.writestr(f"{name}.csv", "".join(_table(rows)))
    return packed.getvalue()


def everything(person: Customer) -> dict[str, Rows]:
    """Every table with rows about the person and the records that were merged into it."""
    ids = [one.pk for one in records_of(person)]
    told = {
        "profile": _plain(Customer.objects.filter(pk__in=ids).order_by("pk").values()),
        "names": _plain(Identity.objects.filter(customer__in=ids).values("source", "external_id")),
        "consent": _plain(
            Consent.objects.filter(customer__in=ids).values("channel", "purpose", "status", "reason", "since")
        ),
        "consent_proofs": _plain(Proof.objects.filter(customer__in=ids).order_by("at", "pk").values()),
        "preferences": _plain(
            Preference.objects.filter(customer__in=ids).values("frequency", "paused_until", "muted__name")
        ),
        "merges": _plain(Merge.objects.filter(survivor__in=ids).values("survivor", "other", "merged_at")),
        "timeline": _timeline(person, ids),
    }
    with connection.cursor() as cursor:
        for fact in FACTS.values():
            told[f"{fact.name}s"] = _rows(cursor, fact.table, "customer_id = ANY(%s)", ids)
            for table, column in fact.parts.items():
                mine = f"{column} IN (SELECT id FROM {fact.table} WHERE customer_id = ANY(%s))"
                told[table] = _rows(cursor, table, mine, ids)
    return told


def _plain(rows: Iterable[Any]) -> Rows:
    return list(rows)


def _timeline(person: Customer, ids: list[int]) -> Rows:
    events = Event.objects.filter(store=person.store, customer_id__in=ids).order_by("occurred_at", "pk")
    rows = events.values("occurred_at", "kind", "subject", "data")
    return [{**row, "what": sentence(row["kind"], row["data"])} for row in rows]


def _rows(cursor: Any, table: str, condition: str, ids: list[int]) -> Rows:
    cursor.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY id", [ids])
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _table(rows: Rows) -> Iterable[str]:
    head = list(rows[0]) if rows else ["nothing is known"]
    return csv_lines(head, ([_cell(value) for value in row.values()] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)
    return "" if value is None else str(value)
