"""A mailing list comes in: people, tags, custom fields and consent with its proof, some thousand rows at a
time, each chunk in a transaction of its own. The same file again changes nothing.

`check_people` reads a file and says what an import would do, without writing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.db import transaction

from retention.customers.merging import lock_people
from retention.customers.models import Status
from retention.ingest.files.reading import Row, Table, open_table
from retention.ingest.files.values import Unusable, microseconds
from retention.ingest.lists.chunk import Chunk
from retention.ingest.lists.formats import FORMATS, recognise
from retention.ingest.lists.names import Names, Seen
from retention.ingest.lists.results import ListResult
from retention.ingest.lists.rows import Person, reader
from retention.stores.models import Store

# A transaction of less than a second: until it ends, it holds every follower back.
CHUNK = 2_000
# A file may say that people are subscribed or not; never that it knows nothing.
STATUSES = (Status.SUBSCRIBED, Status.UNSUBSCRIBED, Status.SUPPRESSED)
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
                Chunk(store, microseconds(at), by, result, seen).write(rows)
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
            Names(store, result, seen).weigh(_read(lines, read, result))
            told(result)
    return result


@dataclass
class Lines:
    """Some lines of the file: those that are rows, and those that cannot be split."""

    rows: list[Row]
    broken: list[tuple[int, str]]


def _lines(table: Table, result: ListResult) -> Iterator[Lines]:
    """What comes after the last line that was dealt with, some thousand rows at a time."""
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
        if not any(map(str.strip, row)):
            continue
        try:
            people.append(read(line, row))
        except Unusable as error:
            result.reject(line, str(error))
    return people
