"""A mailing list comes in: people, tags, custom fields and consent with its proof, some thousand rows at a
time, each chunk in a transaction of its own. The same file again changes nothing.

`check_people` reads a file and says what an import would do, without writing anything.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
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
        with closing(_ahead(_parts(table, read, result.line))) as parts:
            for part in parts:
                with _uncollected(), transaction.atomic():
                    lock_people(store)
                    rows = part.rows_for(result)
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
        for part in _parts(table, read, 0):
            with _uncollected():
                Names(store, result, seen).weigh(part.rows_for(result))
                told(result)
    return result


@dataclass
class Part:
    """Some lines of the file: the people they tell of, and those that cannot be used, with the reason."""

    line: int
    rows: list[Person]
    rejected: list[tuple[int, str]]

    def rows_for(self, result: ListResult) -> list[Person]:
        """The people; what cannot be used is told to `result`."""
        result.line = self.line
        result.rejected_now.clear()
        for line, reason in self.rejected:
            result.reject(line, reason)
        return self.rows


Read = Callable[[int, list[str]], Person]


def _parts(table: Table, read: Read, after: int) -> Iterator[Part]:
    """What comes after this line, which is the last that was dealt with, some thousand rows at a time."""
    while True:
        rows = list(islice(table.rows, CHUNK))
        broken, table.broken[:] = table.broken[:], []
        if not (rows or broken):
            return
        rows, broken = [one for one in rows if one[0] > after], [one for one in broken if one[0] > after]
        if rows or broken:
            yield _part(rows, broken, read)


def _part(rows: list[Row], broken: list[tuple[int, str]], read: Read) -> Part:
    part = Part(max(line for line, _ in (*rows, *broken)), [], broken)
    for line, row in rows:
        if not any(map(str.strip, row)):
            continue
        try:
            part.rows.append(read(line, row))
        except Unusable as error:
            part.rejected.append((line, str(error)))
    return part


def _ahead(parts: Iterator[Part]) -> Generator[Part, None, None]:
    """The next part is read while the database is at work on this one."""
    with ThreadPoolExecutor(1, "list") as reading:
        coming = reading.submit(next, parts, None)
        while part := coming.result():
            coming = reading.submit(next, parts, None)
            yield part


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: of a chunk's hundred thousand objects none is part of one, and looking
    at them again and again takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
