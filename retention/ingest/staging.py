"""From file to staging: rows are parsed in Python and copied into tables of the run's own, unlogged
because they can be made again from the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from retention.ingest.files.lines import LINES, problem
from retention.ingest.files.reading import Row, Table, Unreadable, open_table
from retention.ingest.files.recognise import FORMATS
from retention.ingest.files.staged import COLUMNS, Format, Parse, Reading
from retention.ingest.files.values import Unusable, instant
from retention.ingest.models import ImportRun

# Short enough that no follower waits long for the transaction.
BATCH = 50_000
WRITE = 1_000
# One file row may give several staged rows; they share its number.
STEP = 1_000

Rejection = tuple[int, str, str]


class Copying(Protocol):
    def write(self, data: str) -> None: ...


def reading_of(run: ImportRun) -> Reading:
    options = run.options
    as_of = instant(run.as_of)
    return Reading(
        currency=run.store.currency,
        zone=ZoneInfo(options.get("time_zone") or run.store.time_zone),
        latest=max(as_of, datetime.now(UTC)) + timedelta(days=1),
        as_of=run.as_of,
        mapping=run.mapping,
        cancel_prefix=options.get("cancel_prefix", ""),
        decimal_comma=bool(options.get("decimal_comma")),
        day_first=bool(options.get("day_first")),
        one_order_per=options.get("one_order_per", ""),
    )


def stage(run: ImportRun) -> None:
    """Read the file into the run's tables. Starts over when it was stopped half-way."""
    _start_over(run)
    form = FORMATS[run.format]
    with open_table(run.path) as table:
        if form is LINES and (wrong := problem(run.mapping, table.header)):
            raise Unreadable(wrong)
        columns, parse = form.parser(table.header, reading_of(run))
        lines = _Lines(table, parse, len(table.header))
        while not lines.finished:
            with transaction.atomic():
                rejections = _copy_batch(run, columns, lines)
                _reject(run, rejections)
                run.rows_read, run.rejected = lines.read, lines.rejected
                run.save(update_fields=["rows_read", "rejected"])
    _prepare(run, form, columns)


def drop_staging(run: ImportRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {run.lines_table}, {run.orders_table}, {run.goods_table}")


def still_staged(run: ImportRun) -> bool:
    """Whether the tables survived: a database that crashed empties what is unlogged."""
    if not run.staged:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [run.lines_table, run.orders_table])
        if None in cursor.fetchone():
            return False
        cursor.execute(f"SELECT EXISTS (SELECT FROM {run.lines_table})")
        return bool(cursor.fetchone()[0]) or run.rows_read == run.rejected


def _start_over(run: ImportRun) -> None:
    drop_staging(run)
    run.rejected_rows.all().delete()
    run.staged = False
    run.save(update_fields=["staged"])
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE {run.lines_table} (row bigint, {columns})")


class _Lines:
    """The file's rows as lines of COPY text, with what was read and what was rejected."""

    def __init__(self, table: Table, parse: Parse, width: int) -> None:
        self.table, self.parse, self.width = table, parse, width
        self.read = self.rejected = 0
        self.finished = False
        self.rejections: list[Rejection] = []

    def texts(self, limit: int) -> Iterator[str]:
        """COPY text in pieces, at most `limit` file rows of it."""
        parse, out, last = self.parse, [], self.read + limit
        for line, row in self.table.rows:
            self.read += 1
            try:
                if len(row) != self.width:
                    self._fit(row)
                # All of a row before any of it: a row is used whole or not at all.
                for nth, cells in enumerate(tuple(parse(row)), line * STEP):
                    out.append(f"{nth}\t{cells}\n")
            except Unusable as error:
                self._reject(line, str(error), row)
            if len(out) >= WRITE:
                yield "".join(out).replace("\\", "\\\\")
                out = []
            if self.read >= last:
                break
        else:
            self.finished = True
        for line, reason in self.table.broken:
            self.read += 1
            self._reject(line, reason, [])
        self.table.broken.clear()
        yield "".join(out).replace("\\", "\\\\")

    def _fit(self, row: list[str]) -> None:
        while len(row) > self.width and not row[-1].strip():
            row.pop()
        if len(row) > self.width:
            raise Unusable(f"The row has {len(row)} cells, the header has {self.width}.")
        row.extend([""] * (self.width - len(row)))

    def _reject(self, line: int, reason: str, row: list[str]) -> None:
        self.rejected += 1
        self.rejections.append((line, reason[:300], "\x1f".join(row)[:4_000]))


def _copy_batch(run: ImportRun, columns: tuple[str, ...], lines: _Lines) -> list[Rejection]:
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f"COPY {run.lines_table} (row, {names}) FROM STDIN (NULL '')"
    with connection.cursor() as cursor, cast(Any, cursor.cursor).copy(sql) as copy:
        for text in lines.texts(BATCH):
            copy.write(text)
    found, lines.rejections = lines.rejections, []
    return found


def _reject(run: ImportRun, rejections: list[Rejection]) -> None:
    if not rejections:
        return
    sql = "COPY ingest_rejectedrow (run_id, line, reason, raw) FROM STDIN"
    with connection.cursor() as cursor, cast(Any, cursor.cursor).copy(sql) as copy:
        for line, reason, raw in rejections:
            copy.write_row((run.pk, line, reason.replace("\x00", " "), raw.replace("\x00", " ")))


def _prepare(run: ImportRun, form: Format, columns: tuple[str, ...]) -> None:
    from retention.ingest import grouping

    with transaction.atomic():
        run.chunks = grouping.group(run, form, columns)
        run.staged = True
        run.started_at = run.started_at or timezone.now()
        run.save(update_fields=["chunks", "staged", "started_at"])


__all__ = ["Row", "Unreadable", "drop_staging", "reading_of", "stage", "still_staged"]
