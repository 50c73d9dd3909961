"""A mailing list goes out: any set of customers, in the words of any mailing tool, streamed.

What the tool has no column for goes into columns of our own, so that the file comes in again unchanged.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import connection
from django.db.models import QuerySet

from retention.customers.models import Channel, Consent, Customer, Identity, Proof, Purpose, Status
from retention.ingest.files.values import instant
from retention.ingest.lists import proofs
from retention.ingest.lists.cells import birthday_cell, guarded, tag_cell
from retention.ingest.lists.formats import FORMATS, KLAVIYO, MAILCHIMP, ListFormat, recognise
from retention.ingest.lists.rows import CARRIED, CARRIED_AS, RENAMED
from retention.lib.spreadsheets import Echo

CHUNK = 1_000
OPTED = ["OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "LAST_CHANGED"]
LEFT: dict[str, list[str]] = {
    Status.UNSUBSCRIBED: [
        *("UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER")
    ],
    Status.SUPPRESSED: ["CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"],
}
Cells = dict[str, str]


def export_people(
    customers: QuerySet[Customer], form: str, *, status: str = "", delimiter: str = ""
) -> Iterator[str]:
    """Lines of the file, header first. Some tools, as Mailchimp, take one file per `status`."""
    kind = FORMATS[form]
    people = handed_out(customers, status).order_by("pk")
    header = _header(kind, people, status)
    writer = csv.DictWriter(
        Echo(), list(header.values()), delimiter=delimiter or kind.delimiter, extrasaction="ignore"
    )
    yield str(writer.writerow({label: guarded(label) for label in header.values()}))
    rows = people.iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        for cells in _rows(kind, chunk, header):
            yield str(writer.writerow({name: guarded(text) for name, text in cells.items()}))


def handed_out(customers: QuerySet[Customer], status: str = "") -> QuerySet[Customer]:
    """Those of whom a file tells. With `status` only people who stand so for marketing e-mails."""
    people = customers.filter(merged_into=None, erased_at=None)
    if not status:
        return people
    asked = Consent.objects.filter(channel=Channel.EMAIL, purpose=Purpose.MARKETING)
    if status == Status.NEVER:
        return people.exclude(pk__in=asked.exclude(status=Status.NEVER).values("customer"))
    return people.filter(pk__in=asked.filter(status=status).values("customer"))


def _header(kind: ListFormat, people: QuerySet[Customer], status: str) -> Cells:
    """What -> label, in the file's order. `custom:X` and `tag:X` stand for one custom field or tag each."""
    header = {what: label for label, what in kind.columns.items()}
    header |= {what: label for what, label in CARRIED.items() if what not in header}
    if kind is MAILCHIMP:
        header |= {name: name for name in [*OPTED, *LEFT.get(status, [])]}
    stamped = [name + stamp for name in proofs.KLAVIYO for stamp in ("", proofs.STAMP)]
    header |= {name: name for name in (stamped if kind is KLAVIYO else proofs.PLAIN)}
    if kind.tags == "columns":
        header |= {f"tag:{tag}": f"tag:{tag}" for tag in _distinct(people, "jsonb_array_elements_text(tags)")}
    elif "tags" not in header:
        header["tags"] = "Tags"
    header[proofs.HISTORY] = proofs.HISTORY
    taken = {label.lower() for label in (*header.values(), *kind.also, *CARRIED_AS, *proofs.OURS)}
    for label in _distinct(people, "jsonb_object_keys(custom)"):
        clashes = label.lower() in taken or recognise([*header.values(), label]) is not kind
        header[f"custom:{label}"] = label + (RENAMED if clashes else "")
    return header


def _distinct(people: QuerySet[Customer], expression: str) -> list[str]:
    ids, given = people.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {expression} AS label FROM customers_customer WHERE id IN ({ids}) ORDER BY 1",
            given,
        )
        return [row[0] for row in cursor.fetchall()]


def _rows(kind: ListFormat, chunk: list[Customer], header: Cells) -> Iterator[Cells]:
    said = defaultdict(list)
    merged = dict(Customer.objects.filter(merged_into__in=chunk).values_list("pk", "merged_into_id"))
    for proof in Proof.objects.filter(customer__in=[*(c.pk for c in chunk), *merged]).order_by("at", "pk"):
        said[merged.get(proof.customer_id) or proof.customer_id].append(proof)
    stands = defaultdict(list)
    for row in Consent.objects.filter(customer__in=chunk):
        stands[row.customer_id].append(row)
    names = Identity.objects.filter(customer__in=chunk, source=kind.name).order_by("pk")
    ids = dict(names.values_list("customer_id", "external_id"))
    for customer in chunk:
        told = _fields(kind, customer) | _consent(stands[customer.pk])
        told |= {"id": ids.get(customer.pk, ""), proofs.HISTORY: proofs.history_cell(said[customer.pk])}
        if kind is MAILCHIMP:
            told |= proofs.mailchimp_cells(said[customer.pk]) | {"LAST_CHANGED": _last_changed(customer)}
        yield {label: told[what] for what, label in header.items() if told.get(what)}


def _fields(kind: ListFormat, customer: Customer) -> Cells:
    told = {name: str(getattr(customer, name)) for name in (*CARRIED, "email", "phone")}
    told["name"] = customer.name
    told["birthday"] = birthday_cell(customer.birthday)
    told["tags"] = tag_cell(customer.tags, quoted=kind.tags == "quoted")
    told |= {f"tag:{tag}": "yes" for tag in customer.tags}
    return told | {f"custom:{label}": str(value) for label, value in customer.custom.items()}


def _consent(stands: Iterable[Consent]) -> Cells:
    told: Cells = {}
    by_place = {(row.channel, row.purpose): row for row in stands}
    for name, place in proofs.CONSENT.items():
        if row := by_place.get((str(place[0]), str(place[1]))):
            told[name] = proofs.SHOWN[Status(row.status)]
            told[name + proofs.STAMP] = row.since.isoformat()
    return told


def _last_changed(customer: Customer) -> str:
    newest = max(map(int, customer.versions.values()), default=0)
    return f"{instant(newest):%Y-%m-%d %H:%M:%S}" if newest else ""
