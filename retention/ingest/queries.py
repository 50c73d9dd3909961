"""What the pages show of imports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from retention.ingest.files import lines
from retention.ingest.files.reading import Row, Unreadable
from retention.ingest.files.recognise import FORMATS
from retention.ingest.files.values import Unusable
from retention.ingest.intake import Look, look
from retention.ingest.lists.formats import FORMATS as LISTS
from retention.ingest.models import ImportRun, State
from retention.ingest.staging import reading_of
from retention.stores.models import Store

SHOWN = 20


@dataclass(frozen=True)
class Column:
    name: str
    field: str


@dataclass(frozen=True)
class Preview:
    """The first rows of a file, what their columns are, and what could not be read of the first 500."""

    columns: list[Column]
    rows: list[Row]
    problems: list[tuple[int, str]]
    unreadable: int
    tried: int
    wrong: str = ""


@dataclass(frozen=True)
class Progress:
    percent: int
    label: str


def runs_of(store: Store) -> QuerySet[ImportRun]:
    """Mailing lists have pages of their own."""
    return store.import_runs.exclude(format__in=LISTS).select_related("by", "store").order_by("-id")


def preview_of(run: ImportRun) -> Preview:
    try:
        found = look(Path(run.path), run.store, form=run.format)
    except Unreadable as error:
        return Preview([], [], [], 0, 0, wrong=str(error))
    fields = {column.lower(): lines.FIELDS[field] for field, column in run.mapping.items()}
    columns = [Column(name, fields.get(name.lower(), "")) for name in found.header]
    wrong = lines.problem(run.mapping, found.header) if run.format == lines.LINES.name else ""
    problems = [] if wrong else _problems(run, found)
    # Ragged rows are shown as wide as the header.
    width = len(columns)
    rows = [(line, [*row, *[""] * width][:width]) for line, row in found.rows[:SHOWN]]
    return Preview(columns, rows, problems[:5], len(problems), len(found.rows), wrong)


def _problems(run: ImportRun, found: Look) -> list[tuple[int, str]]:
    _, parse = FORMATS[run.format].parser(found.header, reading_of(run))
    problems = []
    for line, row in found.rows:
        try:
            list(parse([*row, *[""] * (len(found.header) - len(row))]))
        except Unusable as error:
            problems.append((line, str(error)))
    return problems


def progress_of(run: ImportRun) -> Progress:
    """How far a busy run is: reading is the first half of the bar, writing the second."""
    if not run.staged:
        about = max(int(run.options.get("rows_about") or 0), run.rows_read, 1)
        share = min(run.rows_read / about, 1) / 2
        return Progress(int(share * 100), f"Reading the file: {run.rows_read:,} rows so far")
    total, done = max(run.rows_read - run.rejected, 1), run.rows_done
    label = f"{done:,} of {run.rows_read - run.rejected:,} rows"
    if run.chunk and run.started_at and run.chunks:
        elapsed = (timezone.now() - run.started_at).total_seconds()
        left = elapsed / (0.5 + done / total / 2) - elapsed
        label += f", about {max(1, round(left)):,} s"
    return Progress(50 + int(50 * min(done / total, 1)), label)


def rejected_of(run: ImportRun) -> Iterator[list[str | int]]:
    """Rows that could not be used: line, reason, and the row as it was."""
    for row in run.rejected_rows.order_by("line", "id").iterator(chunk_size=2_000):
        yield [row.line, row.reason, *row.raw.split("\x1f")]


def title_of(run: ImportRun) -> str:
    return FORMATS[run.format].title if run.format in FORMATS else "Unknown file"


def facts_of(run: ImportRun) -> str:
    return FORMATS[run.format].facts if run.format in FORMATS else "orders"


def is_over(run: ImportRun) -> bool:
    return run.state == State.DONE
