"""A mailing list comes in: people, tags, custom fields and consent with its proof, some hundred rows at a
time, each chunk in a transaction of its own. The same file again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from retention.customers import consent
from retention.customers.copying import insert_rows, update_rows
from retention.customers.merging import lock_people, records_of
from retention.customers.models import Customer, Forgotten, Identity, Status
from retention.customers.privacy import digest
from retention.customers.registers import SAVED, show, tell
from retention.customers.vocabulary import CustomerAdded
from retention.ingest.files.reading import Table, open_table
from retention.ingest.files.values import Unusable, microseconds
from retention.ingest.lists.formats import FORMATS, ListFormat, recognise
from retention.ingest.lists.rows import Person, phone_key, reader
from retention.stores.models import Store
from retention.timeline.models import Event

CHUNK = 500
SHOWN = 1_000
Name = tuple[str, str]
# A file may say that people are subscribed or not; never that it knows nothing.
STATUSES = (Status.SUBSCRIBED, Status.UNSUBSCRIBED, Status.SUPPRESSED)


@dataclass
class ListResult:
    """What became of a file: rows read = accepted + same + rejected."""

    format: str
    read: int = 0
    accepted: int = 0
    same: int = 0
    rejected: int = 0
    people_new: int = 0
    people_changed: int = 0
    people_same: int = 0
    # The first ones: line and reason.
    rejected_rows: list[tuple[int, str]] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.read += 1
        self.rejected += 1
        if len(self.rejected_rows) < SHOWN:
            self.rejected_rows.append((line, reason))

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {
            "format": self.format,
            "rows": {name: told[name] for name in ("read", "accepted", "same", "rejected")},
            "people": {name: told[f"people_{name}"] for name in ("new", "changed", "same")},
            "rejected_rows": [{"line": line, "reason": reason} for line, reason in self.rejected_rows[:20]],
        }


def import_people(
    store: Store,
    path: str | Path,
    *,
    form: str = "",
    status: str = "",
    as_of: datetime | None = None,
    by: str = "system",
    told: Callable[[ListResult], None] = lambda result: None,
) -> ListResult:
    """Import a mailing list. `status` is what its people are where the file does not say; without it such
    a file brings people, but no consent. Raises Unreadable; `told` hears of each chunk."""
    at = as_of or datetime.now(UTC)
    with open_table(path) as table:
        kind = FORMATS[form] if form else recognise(table.header)
        result = ListResult(kind.name)
        people = _people(table, kind, result, status=status, as_of=at)
        while chunk := list(islice(people, CHUNK)):
            with transaction.atomic():
                lock_people(store)
                _Chunk(store, kind, microseconds(at), by, result).write(chunk)
            told(result)
        for line, reason in table.broken:
            result.reject(line, reason)
    return result


def _people(
    table: Table, kind: ListFormat, result: ListResult, *, status: str, as_of: datetime
) -> Iterator[Person]:
    read = reader(kind, table.header, status=status, as_of=as_of)
    for line, row in table.rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            yield read(line, row)
        except Unusable as error:
            result.reject(line, str(error))


class _Chunk:
    """Some rows on their way in: who is known by which name, and what is to be written."""

    def __init__(self, store: Store, kind: ListFormat, version: int, by: str, result: ListResult) -> None:
        self.store, self.kind, self.version, self.by, self.result = store, kind, version, by, result
        self.known: dict[Name, Identity] = {}
        self.people: dict[int, Customer] = {}
        self.added: list[Customer] = []
        self.names: list[Identity] = []
        self.moved: set[int] = set()
        self.forgotten: set[Name] = set()
        self.numbers: Iterator[int] = iter(())

    def write(self, rows: list[Person]) -> None:
        self._look_up(rows)
        told: list[tuple[int, consent.Evidence]] = []
        fates: list[tuple[bool, int, int]] = []
        for row in rows:
            if any(name in self.forgotten for name in self._names(row)):
                self.result.reject(row.line, "This person asked to be erased, and was not brought back.")
                continue
            changed = self._tell(row)
            record = self._record(row)
            told += [(record.pk, one) for one in row.evidence]
            fates.append((changed, len(row.evidence), record.merged_into_id or record.pk))
        self._save()
        news = iter(consent.record_consents(self.store, told, by=self.by))
        self._count(fates, news)

    def _names(self, row: Person) -> list[Name]:
        """By what the row's person may be known; a phone only where there is nothing better, because
        families share one."""
        names = [("email", row.email), (self.kind.name, row.id)]
        names = [name for name in names if name[1]]
        return names or [("phone", phone_key(row.phone))]

    def _look_up(self, rows: list[Person]) -> None:
        asked = {name for row in rows for name in self._names(row)}
        for source in {source for source, _ in asked}:
            values = [value for other, value in asked if other == source]
            found = Identity.objects.filter(store=self.store, source=source, external_id__in=values)
            self.known |= {(source, one.external_id): one for one in found}
        ids = {one.customer_id for one in self.known.values()} | {
            one.home for one in self.known.values() if one.home
        }
        locked = Customer.objects.filter(pk__in=ids).select_for_update().order_by("pk")
        self.people = {customer.pk: customer for customer in locked}
        self._look_up_forgotten(asked)
        self.numbers = iter(_reserve(len([row for row in rows if not self._identity(row)])))

    def _look_up_forgotten(self, asked: set[Name]) -> None:
        if Forgotten.objects.filter(store=self.store).exists():
            hashed = {(source, digest(self.store, source, value)): (source, value) for source, value in asked}
            kept = Forgotten.objects.filter(store=self.store, digest__in=[key for _, key in hashed])
            pairs = set(kept.values_list("source", "digest"))
            self.forgotten = {name for key, name in hashed.items() if key in pairs}

    def _identity(self, row: Person) -> Identity | None:
        return next((self.known[name] for name in self._names(row) if name in self.known), None)

    def _record(self, row: Person) -> Customer:
        """The record that the row's name belongs to: not always the person, when records were merged."""
        found = self._identity(row)
        assert found is not None
        return self.people[found.home or found.customer_id]

    def _tell(self, row: Person) -> bool:
        new = self._identity(row) is None
        if new:
            customer = Customer(pk=next(self.numbers), store=self.store)
            self.added.append(customer)
            self.people[customer.pk] = customer
            self._name(row, customer.pk, None)
        found = self._identity(row)
        assert found is not None
        missing = self._name(row, found.customer_id, found.home)
        record = self._record(row)
        versions, own = record.versions, record.own
        changed = tell(record, row.fields, row.version or self.version, row.tags)
        if changed or (record.versions, record.own) != (versions, own):
            self.moved.add(record.pk)
        return new or missing or changed

    def _name(self, row: Person, customer: int, home: int | None) -> bool:
        """Names that the row brings along. One that belongs to somebody else stays with them: two people
        of one list are not merged, but proposed."""
        missing = [name for name in self._names(row) if name not in self.known]
        for source, value in missing:
            one = Identity(
                store=self.store, source=source, external_id=value, customer_id=customer, home=home
            )
            self.known[source, value] = one
            self.names.append(one)
        return bool(missing)

    def _save(self) -> None:
        insert_rows(self.added)
        insert_rows(self.names)
        new = {customer.pk for customer in self.added}
        old = [self.people[pk] for pk in sorted(self.moved - new)]
        update_rows(old, SAVED)
        roots = {one.merged_into_id or one.pk for one in old if one.merged_into_id or one.own is not None}
        for root in Customer.objects.filter(pk__in=roots):
            show(root, [root, *(one for one in records_of(root) if one.pk != root.pk)])
            root.save(update_fields=SAVED)
        insert_rows(self._added_events())

    def _added_events(self) -> list[Event]:
        at = datetime.fromtimestamp(self.version / 1_000_000, UTC)
        return [
            Event(
                store_id=self.store.pk, kind=CustomerAdded.name, customer_id=customer.pk, occurred_at=at,
                subject=f"customer:{customer.pk}", data={}, by=self.by,
            )
            for customer in self.added
        ]  # fmt: skip

    def _count(self, fates: list[tuple[bool, int, int]], news: Iterator[bool]) -> None:
        result, people = self.result, dict[int, bool]()
        for changed, said, person in fates:
            fresh = any(list(islice(news, said))) or changed
            result.read += 1
            result.accepted += fresh
            result.same += not fresh
            people[person] = people.get(person, False) or fresh
        new = {customer.pk for customer in self.added}
        result.people_new += len(new)
        result.people_changed += sum(fresh for pk, fresh in people.items() if pk not in new)
        result.people_same += sum(not fresh for pk, fresh in people.items() if pk not in new)


def _reserve(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('customers_customer', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]
