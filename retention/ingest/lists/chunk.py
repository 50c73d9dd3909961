"""Some rows of a mailing list on their way in: all that is to be written, in a few statements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from retention.customers import consent
from retention.customers.copying import copy_rows, reserve_ids
from retention.customers.profiles import Profile, add_profiles, locked_profiles, save_profiles
from retention.customers.registers import show, tell
from retention.customers.vocabulary import CustomerAdded
from retention.ingest.files.values import instant
from retention.ingest.lists.names import Known, Names, Seen
from retention.ingest.lists.results import ListResult
from retention.ingest.lists.rows import Name, Person
from retention.stores.models import Store

# Of a row whether it moved a field or a name, how much it says of consent, and whose it is.
Fate = tuple[bool, int, int]


class Chunk(Names):
    """The caller holds the store's lock."""

    def __init__(self, store: Store, version: int, by: str, result: ListResult, seen: Seen) -> None:
        super().__init__(store, result, seen)
        self.version, self.by = version, by
        self.people: dict[int, Profile] = {}
        self.added: dict[int, Profile] = {}
        self.names: list[tuple[Name, Known]] = []
        self.moved: set[int] = set()
        self.numbers: Iterator[int] = iter(())

    def write(self, rows: list[Person]) -> None:
        self._look_up(rows)
        rows = self._welcome(rows)
        self._keep_out(rows)
        told: list[tuple[int, consent.Evidence]] = []
        fates: list[Fate] = []
        for row in rows:
            changed, record = self._tell(row)
            told += [(record.pk, one) for one in row.evidence]
            fates.append((changed, len(row.evidence), record.merged_into_id or record.pk))
        self._save()
        news = iter(consent.record_consents(self.store, told, by=self.by, new=self.added))
        self._count(fates, news)

    def _look_up(self, rows: list[Person]) -> None:
        self._look_up_names(rows)
        ids = {one.customer for one in self.known.values()}
        ids |= {one.home for one in self.known.values() if one.home}
        self.people = {one.pk: one for one in locked_profiles(self.store, ids)}
        new = sum(self._identity(row) is None for row in rows)
        self.numbers = iter(reserve_ids("customers_customer", new))

    def _tell(self, row: Person) -> tuple[bool, Profile]:
        """Whether it was news, and to which record the row's name belongs: not always the person, when
        records were merged."""
        found = self._identity(row)
        new = found is None
        if found is None:
            found = Known(next(self.numbers), None)
            self.added[found.customer] = self.people[found.customer] = Profile(found.customer)
        missing = self._name(row, found)
        record = self.people[found.home or found.customer]
        versions, own, added = record.versions, record.own, record.added_tags
        changed = tell(record, row.fields, row.version or self.version, row.tags)
        if changed or record.versions is not versions or (record.own, record.added_tags) != (own, added):
            self.moved.add(record.pk)
        return new or missing or changed, record

    def _name(self, row: Person, whose: Known) -> bool:
        """Names that the row brings along. One that belongs to somebody else stays with them: two people
        of one list are not merged, but proposed."""
        missing = [name for name in row.names if name not in self.known]
        for name in missing:
            self.known[name] = whose
            self.names.append((name, whose))
        return bool(missing)

    def _save(self) -> None:
        add_profiles(self.store, self.added.values())
        names = [(self.store.pk, *name, whose.customer, whose.home) for name, whose in self.names]
        copy_rows("customers_identity", IDENTITY, names)
        old = [self.people[pk] for pk in self.moved - self.added.keys()]
        roots = {one.merged_into_id or one.pk for one in old if one.merged_into_id or one.own is not None}
        changed = {one.pk: one for one in [*old, *self._shown(roots)]}
        save_profiles([changed[pk] for pk in sorted(changed)])
        self._tell_added()

    def _shown(self, roots: set[int]) -> list[Profile]:
        """People of several records, showing what is told of each of them now."""
        if not roots:
            return []
        families: dict[int, list[Profile]] = {}
        for one in locked_profiles(self.store, roots, families=True):
            one = self.people.setdefault(one.pk, one)
            families.setdefault(one.merged_into_id or one.pk, []).append(one)
        for pk, records in families.items():
            show(self.people[pk], records)
        return [self.people[pk] for pk in families]

    def _tell_added(self) -> None:
        at, data = instant(self.version), json.dumps({})
        events = [
            (self.store.pk, CustomerAdded.name, pk, at, f"customer:{pk}", data, self.by) for pk in self.added
        ]
        copy_rows("timeline_event", consent.EVENT, events)

    def _count(self, fates: list[Fate], news: Iterator[bool]) -> None:
        result, people = self.result, dict[int, bool]()
        for changed, said, person in fates:
            fresh = any(list(islice(news, said))) or changed
            result.read += 1
            result.accepted += fresh
            result.same += not fresh
            people[person] = people.get(person, False) or fresh
        result.people_new += len(self.added)
        result.people_changed += sum(fresh for pk, fresh in people.items() if pk not in self.added)
        result.people_same += sum(not fresh for pk, fresh in people.items() if pk not in self.added)


IDENTITY = ("store_id", "source", "external_id", "customer_id", "home")
