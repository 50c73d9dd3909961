"""A mailing list comes in: people, tags, custom fields and consent with its proof, some hundred rows at a
time, each chunk in a transaction of its own. The same file again changes nothing.

`check_people` reads a file and says what an import would do, without writing anything.
"""

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
from retention.customers.merging import lock_people, with_others
from retention.customers.models import Channel, Consent, Customer, Forgotten, Identity, Purpose, Status
from retention.customers.privacy import digest
from retention.customers.registers import SAVED, show, tell
from retention.customers.standing import REFUSED, standing
from retention.customers.vocabulary import CustomerAdded
from retention.ingest.files.reading import Row, Table, open_table
from retention.ingest.files.values import Unusable, instant, microseconds
from retention.ingest.lists.formats import FORMATS, ListFormat, recognise
from retention.ingest.lists.rows import Person, phone_key, reader
from retention.stores.models import Store
from retention.timeline.models import Event

CHUNK = 500
SHOWN = 1_000
Name = tuple[str, str]
MAIL = (Channel.EMAIL, Purpose.MARKETING)
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
    # People who refused, and of whom the file says that they are subscribed: they stay as they are.
    people_kept_out: int = 0
    # The first ones: line and reason.
    rejected_rows: list[tuple[int, str]] = field(default_factory=list)
    # Those of the present chunk, all of them.
    rejected_now: list[tuple[int, str]] = field(default_factory=list)
    # What the usable rows say of marketing e-mails; "" where they say nothing.
    said: dict[str, int] = field(default_factory=dict)
    # The last line that was dealt with: a stopped import goes on after it.
    line: int = 0

    def reject(self, line: int, reason: str) -> None:
        self.read += 1
        self.rejected += 1
        self.rejected_now.append((line, reason))
        if len(self.rejected_rows) < SHOWN:
            self.rejected_rows.append((line, reason))

    def hear(self, row: Person) -> None:
        heard = [one for one in row.evidence if (one.channel, one.purpose) == MAIL]
        now = standing(heard)
        said = now.status if now else ""
        self.said[said] = self.said.get(said, 0) + 1

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {
            "format": self.format,
            "rows": {name: told[name] for name in ("read", "accepted", "same", "rejected")},
            "people": {name: told[f"people_{name}"] for name in ("new", "changed", "same")},
            "rejected_rows": [{"line": line, "reason": reason} for line, reason in self.rejected_rows[:20]],
        }


Told = Callable[[ListResult], None]


def import_people(
    store: Store,
    path: str | Path,
    *,
    form: str = "",
    status: str = "",
    as_of: datetime | None = None,
    by: str = "system",
    told: Told = lambda result: None,
    result: ListResult | None = None,
) -> ListResult:
    """Import a mailing list. `status` is what its people are where the file does not say; without it such
    a file brings people, but no consent. Raises Unreadable.

    `told` hears of each chunk within its transaction; with what it heard last, as `result`, a stopped import
    goes on.
    """
    at = as_of or datetime.now(UTC)
    with open_table(path) as table:
        kind = FORMATS[form] if form else recognise(table.header)
        result = result or ListResult(kind.name)
        read, seen = reader(kind, table.header, status=status, as_of=at), Seen()
        for lines in _lines(table, result):
            with transaction.atomic():
                lock_people(store)
                rows = _read(lines, read, result)
                _Chunk(store, kind, microseconds(at), by, result, seen).write(rows)
                told(result)
    return result


def check_people(
    store: Store,
    path: str | Path,
    *,
    form: str = "",
    status: str = "",
    as_of: datetime | None = None,
    told: Told = lambda result: None,
) -> ListResult:
    """What an import would do: people new and known (`people_same`), kept out, and rows that cannot be used.
    Writes nothing and locks nobody. Raises Unreadable."""
    with open_table(path) as table:
        kind = FORMATS[form] if form else recognise(table.header)
        result, seen = ListResult(kind.name), Seen()
        read = reader(kind, table.header, status=status, as_of=as_of or datetime.now(UTC))
        for lines in _lines(table, result):
            _Names(store, kind, result, seen).weigh(_read(lines, read, result))
            told(result)
    return result


@dataclass
class Lines:
    """Some lines of the file: those that are rows, and those that cannot be split."""

    rows: list[Row]
    broken: list[tuple[int, str]]


def _lines(table: Table, result: ListResult) -> Iterator[Lines]:
    """What comes after the last line that was dealt with, some hundred rows at a time."""
    while True:
        rows = list(islice(table.rows, CHUNK))
        broken, table.broken[:] = table.broken[:], []
        if not (rows or broken):
            return
        left = Lines(
            [one for one in rows if one[0] > result.line], [one for one in broken if one[0] > result.line]
        )
        if left.rows or left.broken:
            result.line = max(line for line, _ in (*left.rows, *left.broken))
            yield left
            result.rejected_now.clear()


def _read(lines: Lines, read: Callable[[int, list[str]], Person], result: ListResult) -> list[Person]:
    people = []
    for line, reason in lines.broken:
        result.reject(line, reason)
    for line, row in lines.rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            people.append(read(line, row))
        except Unusable as error:
            result.reject(line, str(error))
    return people


@dataclass
class Seen:
    """Whom the chunks before have met. Cost: some hundred bytes per person."""

    new: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)
    kept_out: set[int] = field(default_factory=set)


class _Names:
    """Some rows, and who is known by which of their names."""

    def __init__(self, store: Store, kind: ListFormat, result: ListResult, seen: Seen) -> None:
        self.store, self.kind, self.result, self.seen = store, kind, result, seen
        self.known: dict[Name, Identity] = {}
        self.forgotten: set[Name] = set()

    def weigh(self, rows: list[Person]) -> None:
        """Count what would become of the rows."""
        self._look_up_names(rows)
        rows = self._welcome(rows)
        self._keep_out(rows)
        for row in rows:
            self._meet(row)

    def _meet(self, row: Person) -> None:
        self.result.read += 1
        self.result.accepted += 1
        if found := self._identity(row):
            self.result.people_same += found.customer_id not in self.seen.known
            self.seen.known.add(found.customer_id)
            return
        names = {hash(name) for name in self._names(row)}
        # Two rows with a name in common are one person.
        self.result.people_new += not (names & self.seen.new)
        self.seen.new |= names

    def _names(self, row: Person) -> list[Name]:
        """By what the row's person may be known; a phone only where there is nothing better, because
        families share one."""
        names = [("email", row.email), (self.kind.name, row.id)]
        names = [name for name in names if name[1]]
        return names or [("phone", phone_key(row.phone))]

    def _look_up_names(self, rows: list[Person]) -> None:
        asked = {name for row in rows for name in self._names(row)}
        for source in {source for source, _ in asked}:
            values = [value for other, value in asked if other == source]
            found = Identity.objects.filter(store=self.store, source=source, external_id__in=values)
            self.known |= {(source, one.external_id): one for one in found}
        self._look_up_forgotten(asked)

    def _look_up_forgotten(self, asked: set[Name]) -> None:
        if Forgotten.objects.filter(store=self.store).exists():
            hashed = {(source, digest(self.store, source, value)): (source, value) for source, value in asked}
            kept = Forgotten.objects.filter(store=self.store, digest__in=[key for _, key in hashed])
            pairs = set(kept.values_list("source", "digest"))
            self.forgotten = {name for key, name in hashed.items() if key in pairs}

    def _identity(self, row: Person) -> Identity | None:
        return next((self.known[name] for name in self._names(row) if name in self.known), None)

    def _welcome(self, rows: list[Person]) -> list[Person]:
        """Those who did not ask to be erased."""
        welcome = []
        for row in rows:
            if any(name in self.forgotten for name in self._names(row)):
                self.result.reject(row.line, "This person asked to be erased, and was not brought back.")
            else:
                self.result.hear(row)
                welcome.append(row)
        return welcome

    def _keep_out(self, rows: list[Person]) -> None:
        """Count those who refused and whom the file calls subscribed: its word does not count."""
        people = {row.line: found.customer_id for row in rows if (found := self._identity(row))}
        refused = Consent.objects.filter(customer__in=set(people.values()), status__in=REFUSED)
        places = set(refused.values_list("customer_id", "channel", "purpose"))
        for row in rows:
            asked = {(people.get(row.line, 0), one.channel, one.purpose) for one in row.evidence} & places
            for place in asked:
                now = standing([one for one in row.evidence if (one.channel, one.purpose) == place[1:]])
                if now and now.status == Status.SUBSCRIBED:
                    self.result.people_kept_out += place[0] not in self.seen.kept_out
                    self.seen.kept_out.add(place[0])


class _Chunk(_Names):
    """Some rows on their way in, and what is to be written."""

    def __init__(
        self, store: Store, kind: ListFormat, version: int, by: str, result: ListResult, seen: Seen
    ) -> None:
        super().__init__(store, kind, result, seen)
        self.version, self.by = version, by
        self.people: dict[int, Customer] = {}
        self.added: list[Customer] = []
        self.names: list[Identity] = []
        self.moved: set[int] = set()
        self.numbers: Iterator[int] = iter(())

    def write(self, rows: list[Person]) -> None:
        self._look_up(rows)
        rows = self._welcome(rows)
        self._keep_out(rows)
        told: list[tuple[int, consent.Evidence]] = []
        fates: list[tuple[bool, int, int]] = []
        for row in rows:
            changed = self._tell(row)
            record = self._record(row)
            told += [(record.pk, one) for one in row.evidence]
            fates.append((changed, len(row.evidence), record.merged_into_id or record.pk))
        self._save()
        news = iter(consent.record_consents(self.store, told, by=self.by))
        self._count(fates, news)

    def _look_up(self, rows: list[Person]) -> None:
        self._look_up_names(rows)
        ids = {one.customer_id for one in self.known.values()} | {
            one.home for one in self.known.values() if one.home
        }
        locked = Customer.objects.filter(pk__in=ids).select_for_update().order_by("pk")
        self.people = {customer.pk: customer for customer in locked}
        self.numbers = iter(_reserve(len([row for row in rows if not self._identity(row)])))

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
            show(root, with_others(root))
            root.save(update_fields=SAVED)
        insert_rows(self._added_events())

    def _added_events(self) -> list[Event]:
        at = instant(self.version)
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
