"""Cells of mailing lists to values and back, so that what goes out comes in again unchanged. Pure."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime

from retention.ingest.files.values import Unusable, clean, read_date

# What a spreadsheet would run as a formula; a number or a phone with its sign is none.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
HARMLESS = re.compile(r"[+-][\d .,()/-]*")
UNTEXT = re.compile(r"[\x00\ud800-\udfff]")


def unguarded(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running the cell."""
    if cell[:1] != "'" and (cell.isascii() or cell.isprintable()) and "\x00" not in cell:
        return cell
    text = UNTEXT.sub("", cell)
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def guarded(text: str) -> str:
    """The opposite of `unguarded`."""
    return "'" + text if FORMULA.match(text) and not HARMLESS.fullmatch(text) else text


def moment(cell: str) -> datetime | None:
    """A time of a mailing tool; without a zone they mean UTC. Raises Unusable."""
    text = clean(cell)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        maybe = read_date(text, day_before_month=False)
        if maybe is None:
            raise Unusable(f"“{text[:40]}” is not a date.") from None
        found = maybe
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not 1990 <= at.year <= 2100:
        raise Unusable(f"The date {text[:40]} cannot be right.")
    return at.astimezone(UTC)


def birthday(cell: str) -> str:
    """`1990-02-28` or `--02-28`; empty when the cell holds no birthday. Month before day, unless it
    cannot be a month."""
    text = clean(cell)
    if match := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)(?:[ T].*)?", text):
        return _birthday(int(match[1]), int(match[2]), int(match[3]))
    if match := re.fullmatch(r"(?:--)?(\d\d?)[-/.](\d\d?)(?:[-/.](\d{4}))?", text):
        one, two, year = int(match[1]), int(match[2]), int(match[3] or 0)
        return _birthday(year, two, one) if one > 12 else _birthday(year, one, two)
    return ""


def _birthday(year: int, month: int, day: int) -> str:
    try:
        # A leap year, so that 29 February is a birthday.
        date(year or 2000, month, day)
    except ValueError:
        return ""
    return f"{year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"


def birthday_cell(text: str) -> str:
    """Month/day, as mailing tools write it, when the year is not known."""
    return text[2:].replace("-", "/") if text.startswith("--") else text


def tag_list(cell: str) -> list[str]:
    """Tags of one cell: `"VIP","Blog"`, or `VIP, Blog`."""
    rows = list(csv.reader([" ".join(cell.splitlines())], skipinitialspace=True))
    return list(dict.fromkeys(tag for row in rows for part in row if (tag := part.strip())))


def tag_cell(tags: list[str], *, quoted: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerow(tags)
    return out.getvalue() if tags else ""
