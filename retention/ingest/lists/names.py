"""Some rows of a mailing list, and who is known by which of their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection

from retention.customers.models import Forgotten, Status
from retention.customers.privacy import digest
from retention.customers.standing import REFUSED, standing
from retention.ingest.lists.results import ListResult
from retention.ingest.lists.rows import Name, Person
from retention.stores.models import Store


@dataclass
class Seen:
    """Whom the chunks before have met. Cost: some hundred bytes per person."""

    new: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)
    kept_out: set[int] = field(default_factory=set)


class Known(NamedTuple):
    """Whose a name is, and the record that it named before that one was merged into this person."""

    customer: int
    home: int | None


class Names:
    """Some rows, and who is known by which of their names."""

    def __init__(self, store: Store, result: ListResult, seen: Seen) -> None:
        self.store, self.result, self.seen = store, result, seen
        self.known: dict[Name, Known] = {}
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
            self.result.people_same += found.customer not in self.seen.known
            self.seen.known.add(found.customer)
            return
        names = {hash(name) for name in row.names}
        # Two rows with a name in common are one person.
        self.result.people_new += not (names & self.seen.new)
        self.seen.new |= names

    def _look_up_names(self, rows: list[Person]) -> None:
        asked = {name for row in rows for name in row.names}
        with connection.cursor() as cursor:
            # Three sources at most. Asked for in a join, all names of the store would be read instead.
            for source in {source for source, _ in asked}:
                cursor.execute(
                    "SELECT external_id, customer_id, home FROM customers_identity"
                    " WHERE store_id = %s AND source = %s AND external_id = ANY(%s)",
                    [self.store.pk, source, [value for other, value in asked if other == source]],
                )
                self.known |= {(source, row[0]): Known(row[1], row[2]) for row in cursor.fetchall()}
        self._look_up_forgotten(asked)

    def _look_up_forgotten(self, asked: set[Name]) -> None:
        if Forgotten.objects.filter(store=self.store).exists():
            hashed = {(source, digest(self.store, source, value)): (source, value) for source, value in asked}
            kept = Forgotten.objects.filter(store=self.store, digest__in=[key for _, key in hashed])
            pairs = set(kept.values_list("source", "digest"))
            self.forgotten = {name for key, name in hashed.items() if key in pairs}

    def _identity(self, row: Person) -> Known | None:
        for name in row.names:
            if name in self.known:
                return self.known[name]
        return None

    def _welcome(self, rows: list[Person]) -> list[Person]:
        """Those who did not ask to be erased."""
        welcome = []
        for row in rows:
            if self.forgotten and any(name in self.forgotten for name in row.names):
                self.result.reject(row.line, "This person asked to be erased, and was not brought back.")
            else:
                self.result.hear(row)
                welcome.append(row)
        return welcome

    def _keep_out(self, rows: list[Person]) -> None:
        """Count those who refused and whom the file calls subscribed: its word does not count."""
        people = {row.line: found.customer for row in rows if (found := self._identity(row))}
        places = self._refused(set(people.values()))
        if not places:
            return
        for row in rows:
            asked = {(people.get(row.line, 0), one.channel, one.purpose) for one in row.evidence} & places
            for place in asked:
                now = standing([one for one in row.evidence if (one.channel, one.purpose) == place[1:]])
                if now and now.status == Status.SUBSCRIBED:
                    self.result.people_kept_out += place[0] not in self.seen.kept_out
                    self.seen.kept_out.add(place[0])

    def _refused(self, people: set[int]) -> set[tuple[int, str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT customer_id, channel, purpose FROM customers_consent"
                " WHERE customer_id = ANY(%s) AND status = ANY(%s)",
                [list(people), [str(status) for status in REFUSED]],
            )
            return set(cursor.fetchall())
