"""The rows of a workbook. Imported only for one: openpyxl takes half a second, and few files need it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, iterparse

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from retention.ingest.files.reading import LARGEST, MOST_COLUMNS, Row, Unreadable, too_wide

# What openpyxl takes into memory as a whole: everything but the sheets and their texts, where a megabyte
# costs up to a second and 15 of memory; and the texts.
MOST_ABOUT, MOST_TEXTS = 5 * 2**20, 100 * 2**20
TOO_MUCH = "The workbook holds too much text. Save it as CSV."
# Excel's own limit. A row may claim any number, and the ones before it come out as empty rows.
MOST_SHEET_ROWS = 2**20
# Rows without a word cost time as well: of 50 columns, a sheet full of them.
MOST_EMPTY_CELLS = 50 * MOST_SHEET_ROWS
ITEM, RUN, TEXT = (f"{{{SHEET_MAIN_NS}}}{tag}" for tag in ("si", "r", "t"))
DAMAGED = (KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, ParseError)


class Bounded(zipfile.ZipFile):
    """Counts what is read as a whole; not by its name, because a file names its parts as it likes."""

    left = MOST_ABOUT

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        self.left -= name.file_size if isinstance(name, zipfile.ZipInfo) else self.getinfo(name).file_size
        if self.left < 0:
            raise Unreadable(TOO_MUCH)
        return super().read(name, pwd)


class Reader(ExcelReader):  # type: ignore[misc]
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self.archive = Bounded(file)

    def read_strings(self) -> None:
        texts = self.package.find(SHARED_STRINGS)
        if texts is None:
            return
        info = self.archive.getinfo(texts.PartName[1:])
        if info.file_size > MOST_TEXTS:
            raise Unreadable(TOO_MUCH)
        with self.archive.open(info) as part:
            self.shared_strings = list(_texts(part))

    def first_sheet(self) -> ReadOnlyWorksheet:
        """Nothing is opened that this sheet's rows do not need."""
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        for sheet, place in self.parser.find_sheets():
            if "chartsheet" not in place.Type and place.target in self.valid_files:
                return ReadOnlyWorksheet(self.wb, sheet.name, place.target, self.shared_strings)
        raise Unreadable("The workbook has no sheet.")


def _texts(part: IO[bytes]) -> Iterator[str]:
    """As openpyxl reads them, without the objects that it makes of each: a small file may hold millions."""
    nodes = iterparse(part, ("start", "end"))
    _, root = next(nodes)
    for event, node in nodes:
        if event == "end" and node.tag == ITEM:
            yield "".join(_pieces(node)).replace("x005F_", "")
            root.clear()


def _pieces(node: Element) -> Iterator[str]:
    """Words, or runs of words that look different. How they are spoken is left out."""
    for part in node:
        if part.tag == TEXT:
            yield part.text or ""
        elif part.tag == RUN:
            yield part.findtext(TEXT) or ""


def sheet_rows(file: BinaryIO, archive: zipfile.ZipFile) -> Iterator[Row]:
    """The first sheet, a row at a time. Raises Unreadable."""
    if sum(info.file_size for info in archive.infolist()) > LARGEST // 8:
        raise Unreadable("The workbook is too large. Save it as CSV.")
    try:
        sheet = Reader(file).first_sheet()
        # Some programs write a wrong size into their sheets; rows beyond it would be left out.
        sheet.reset_dimensions()
        yield from _rows(sheet)
    except DAMAGED as error:
        raise Unreadable(f"The workbook is damaged ({error}). Save it again, or as CSV.") from None


def _rows(sheet: Any) -> Iterator[Row]:
    empty = 0
    for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if line > MOST_SHEET_ROWS:
            raise Unreadable("The sheet says that it has more rows than a sheet can have.")
        if len(row) > MOST_COLUMNS:
            raise too_wide(len(row))
        cells = [] if row.count(None) == len(row) else [_cell(value) for value in row]
        if any(cells):
            yield line, cells
            continue
        empty += len(row)
        if empty > MOST_EMPTY_CELLS:
            raise Unreadable("The sheet is made of empty cells almost alone. Save it as CSV.")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
