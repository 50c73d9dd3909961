"""Files for spreadsheets: CSV, streamed, in which no cell can start a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
# A phone number is an amount at worst: there is neither a name nor a cell in it that could be run.
PHONE = re.compile(r"\+[0-9][0-9 ()-]{4,}")
Cell = str | int | float | date | None


class Echo:
    """What the csv module takes for a file: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Lines of a CSV file, with the mark that tells Excel it is UTF-8."""
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(head)
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def safe(cell: Cell) -> Cell:
    """Text that a spreadsheet would run as a formula gets an apostrophe; numbers and phones stay."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(DANGEROUS) and not PHONE.fullmatch(cell):
        return f"'{cell}"
    return cell
