"""A file arrives: what it is, how it will be read, and the run that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from itertools import islice
from pathlib import Path
from typing import Any

from retention.ingest.files import lines, values
from retention.ingest.files.headers import guess, is_date
from retention.ingest.files.reading import Row, Unreadable, open_table
from retention.ingest.files.recognise import FORMATS, recognise
from retention.ingest.models import ImportRun, MappingPreset, State
from retention.stores.models import Store

SAMPLE = 500


@dataclass(frozen=True)
class Look:
    """The first rows of a file and what they seem to be."""

    header: list[str]
    rows: list[Row]
    format: str
    mapping: dict[str, str]
    options: dict[str, Any]


def look(path: Path, store: Store, *, form: str = "") -> Look:
    """Recognise a file by its header. Raises Unreadable with a reason for the merchant."""
    with open_table(path) as table:
        header, rows = table.header, list(islice(table.rows, SAMPLE))
    form = form or recognise(header).name
    if form != lines.LINES.name:
        names = [name for name in header if name.strip().lower() in FORMATS[form].money]
        return Look(header, rows, form, {}, _guess_decimals(header, rows, names))
    preset = MappingPreset.objects.filter(store=store, header=signature(header)).first()
    if preset:
        return Look(header, rows, form, dict(preset.mapping), dict(preset.options))
    mapping = guess(header, [row for _, row in rows], store.currency)
    return Look(header, rows, form, mapping, _guess_options(header, rows, mapping))


def take(
    store: Store,
    path: Path,
    *,
    form: str,
    mapping: dict[str, str],
    options: dict[str, Any],
    as_of: int,
    again: bool = True,
) -> ImportRun:
    """Make the run of a file; with `again`, an import of the same file that was stopped half-way is taken
    up. It is recognised by its state: it runs."""
    found = look(path, store, form=form or (lines.LINES.name if mapping else ""))
    chosen = {f: column for f, column in {**found.mapping, **mapping}.items() if column}
    if mapping and not form and "amount" in mapping and "unit_price" not in mapping:
        chosen.pop("unit_price", None)
    if mapping.get("unit_price") and "amount" not in mapping:
        chosen.pop("amount", None)
    _drop_guessed_names(chosen, mapping)
    if FORMATS[found.format] is lines.LINES and (wrong := lines.problem(chosen, found.header)):
        raise Unreadable(f"{wrong} The file's columns: {', '.join(found.header)[:500]}.")
    guessed = found.options
    if FORMATS[found.format] is lines.LINES and chosen != found.mapping:
        guessed = _guess_options(found.header, found.rows, chosen)
    told = {
        "store": store,
        "path": str(path.absolute()),
        "size": path.stat().st_size,
        "format": found.format,
        "mapping": chosen,
        "options": {**guessed, **options},
    }
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    runs = ImportRun.objects.filter(**told, state=State.RUNNING, created_at__gt=changed)
    left = runs.first() if again else None
    return left or ImportRun.objects.create(**told, name=path.name[:255], as_of=as_of)


def _drop_guessed_names(chosen: dict[str, str], mapping: dict[str, str]) -> None:
    """A full name that somebody maps replaces guessed halves, and the other way round."""
    halves = {"first_name", "last_name"}
    for field in (
        halves - mapping.keys() if mapping.get("name") else {"name"} if halves & mapping.keys() else ()
    ):
        chosen.pop(field, None)


def about_how_many_rows(path: Path, found: Look) -> int:
    """A guess for the progress bar: from the size of the first rows; packed files hold about 8 times more."""
    if not found.rows:
        return 0
    sample = sum(sum(len(cell) + 1 for cell in row) for _, row in found.rows) / len(found.rows)
    with path.open("rb") as file:
        packed = file.read(2) in (b"\x1f\x8b", b"PK")
    return int(path.stat().st_size * (8 if packed else 1) / max(sample, 1))


def signature(header: list[str]) -> str:
    joined = "\x1f".join(name.lower() for name in header)
    return md5(joined.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _guess_options(header: list[str], rows: list[Row], mapping: dict[str, str]) -> dict[str, Any]:
    """How dates and amounts are written: told by their columns, or by all where those are unknown."""
    options: dict[str, Any] = {}
    told = _cells(header, rows, [mapping["date"]] if "date" in mapping else header)
    # An address or a phone number may look like the beginning of a day.
    if values.day_first([cell for cell in told if is_date(cell)]):
        options["day_first"] = True
    money = [mapping[f] for f in ("unit_price", "amount") if f in mapping]
    return options | _guess_decimals(header, rows, money[:1] or header)


def _guess_decimals(header: list[str], rows: list[Row], columns: list[str]) -> dict[str, Any]:
    # 31.01.25 is no amount.
    cells = [cell for cell in _cells(header, rows, columns) if not values.PARTS.match(cell)]
    return {"decimal_comma": True} if values.looks_decimal_comma(cells) else {}


def _cells(header: list[str], rows: list[Row], columns: list[str]) -> list[str]:
    places = [header.index(column) for column in columns]
    return [row[place] for _, row in rows for place in places if len(row) > place]
