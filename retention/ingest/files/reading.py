"""Any table file to rows with line numbers, streamed: memory does not grow with the file."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

SNIFF = 65_536
# A file that unpacks to more than this, or 1,000 times its size, is refused as a bomb.
LARGEST = 8 * 2**30
STEEPEST = 1_000
LONGEST_CELL = 131_072
# A line is read as a whole before it is split, so an endless one would fill the memory.
LONGEST_LINE = 16 * 2**20
MOST_COLUMNS = 2_000
# Blank lines of a CSV that are passed over, beyond two for each row: they pack well and take time as well.
MOST_BLANK = 1_000_000

# Put after a file's last line, to see whether a cell is still open there.
END = "\x00end"
NEVER_CLOSED = "A quotation mark is never closed: the rows from here to line {last} cannot be told apart."

Row = tuple[int, list[str]]


class Unreadable(Exception):
    """The file cannot be read; the message is what the merchant reads."""


@dataclass
class Table:
    """A header and the rows under it. A row that cannot be split comes as one cell in `broken`."""

    header: list[str]
    rows: Iterator[Row]
    broken: list[tuple[int, str]]


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 are read as Windows-1252, so that one stray byte far down stops nothing."""
    assert isinstance(error, UnicodeDecodeError)
    stray = error.object[error.start : error.end]
    return "".join(
        bytes([b]).decode("cp1252", "ignore") or bytes([b]).decode("latin-1") for b in stray
    ), error.end


codecs.register_error("windows", _as_windows)


class Counted(io.RawIOBase):
    """Reads through, and stops a file that unpacks to far more than it should, or has no line ends."""

    def __init__(self, inner: BinaryIO, packed: int) -> None:
        self.inner, self.left = inner, max(packed, min(LARGEST, max(packed, 1_000) * STEEPEST))
        self.unbroken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = self.inner.read(len(view))
        self.left -= len(piece)
        if self.left < 0:
            raise Unreadable("The file unpacks to far more than its size; it was not read further.")
        self.unbroken = 0 if b"\n" in piece or b"\r" in piece else self.unbroken + len(piece)
        if self.unbroken > LONGEST_LINE:
            raise Unreadable("A line of the file is longer than 16 MB: this is not a table.")
        view[: len(piece)] = piece
        return len(piece)


@contextmanager
def open_table(path: str | Path) -> Iterator[Table]:
    """Open a CSV, .gz, .zip or .xlsx file. Raises Unreadable."""
    try:
        with open(path, "rb") as file:
            yield from _tables(file, Path(path).stat().st_size)
    except FileNotFoundError:
        raise Unreadable(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise Unreadable(f"{path} is a folder, not a file.") from None
    except PermissionError:
        raise Unreadable(f"The file {path} may not be read.") from None
    except (zlib.error, gzip.BadGzipFile, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"The compressed file is damaged ({error}).") from None
    except NotImplementedError:
        raise Unreadable("The .zip is packed in a way that cannot be read. Pack it again as .zip.") from None


def _tables(file: BinaryIO, size: int) -> Iterator[Table]:
    magic = file.read(4)
    file.seek(0)
    if not magic:
        raise Unreadable("The file is empty.")
    if magic[:2] == b"\x1f\x8b":
        with gzip.open(file) as unpacked:
            yield _text_table(io.BufferedReader(Counted(unpacked, size), 1 << 18))  # type: ignore[arg-type]
    elif magic == b"PK\x03\x04":
        yield from _zip_tables(file)
    elif magic == b"\xd0\xcf\x11\xe0":
        raise Unreadable("This is an old Excel file (.xls). Save it as .xlsx or CSV first.")
    elif magic == b"%PDF":
        raise Unreadable("This is a PDF. Export the orders as CSV or .xlsx.")
    else:
        yield _text_table(io.BufferedReader(Counted(file, size), 1 << 18))


def _zip_tables(file: BinaryIO) -> Iterator[Table]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" in names:
            from retention.ingest.files.workbooks import sheet_rows  # it imports this module, and slowly

            rows = sheet_rows(file, archive)
            yield Table(_header(rows), rows, [])
            return
        names = [n for n in names if not n.endswith("/") and not n.startswith("__MACOSX") and "/." not in n]
        tables = [n for n in names if n.lower().endswith((".csv", ".tsv", ".txt"))]
        if len(tables) != 1:
            found = ", ".join(names[:5]) or "nothing"
            raise Unreadable(f"The .zip should hold exactly one CSV file; it holds {found}.")
        info = archive.getinfo(tables[0])
        if info.flag_bits & 1:
            raise Unreadable("The .zip is protected by a password. Unpack it first.")
        with archive.open(info) as unpacked:
            counted = Counted(unpacked, info.compress_size)  # type: ignore[arg-type]
            yield _text_table(io.BufferedReader(counted, 1 << 18))


def _text_table(data: io.BufferedReader) -> Table:
    start = data.peek(SNIFF)[:SNIFF]
    encoding = sniff_encoding(start)
    if encoding == "utf-8-sig" and b"\x00" in start[:1_000]:
        raise Unreadable("This is not a table: it looks like a program's own binary file.")
    text = io.TextIOWrapper(data, encoding=encoding, errors="windows", newline="")
    sample = start.decode(encoding, "ignore")
    if sample.lstrip()[:1] in ("{", "[", "<"):
        raise Unreadable("This is JSON, XML or a web page, not a table. Export the orders as CSV.")
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(chain(text, [END]), delimiter=sniff_delimiter(sample))
    broken: list[tuple[int, str]] = []
    rows = _csv_rows(reader, broken)
    return Table(_header(rows), rows, broken)


def _header(rows: Iterator[Row]) -> list[str]:
    for _, row in rows:
        if len(row) > MOST_COLUMNS:
            raise too_wide(len(row))
        return [cell.strip().lstrip("\ufeff") for cell in row]
    raise Unreadable("The file has no rows.")


def too_wide(columns: int) -> Unreadable:
    return Unreadable(f"The file has {columns:,} columns; at most {MOST_COLUMNS:,} can be read.")


def sniff_encoding(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    pairs = len(start) // 2 or 1
    if start[1::2].count(0) > 0.6 * pairs:
        return "utf-16-le"
    if start[::2].count(0) > 0.6 * pairs:
        return "utf-16-be"
    return "utf-8-sig"


def sniff_delimiter(sample: str) -> str:
    """The separator that splits the header most often, outside quotes."""
    header, quoted = [], False
    for char in sample.lstrip("\r\n"):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "\r\n":
            break
        elif not quoted:
            header.append(char)
    return max(",;\t|", key=header.count)


def _csv_rows(reader: csv._reader, broken: list[tuple[int, str]]) -> Iterator[Row]:  # type: ignore[name-defined]
    line, filled, blank = 1, 0, 0
    while True:
        try:
            for row in reader:
                if row and row[-1].endswith(END):
                    # After the last row it stands alone; inside a cell, the cell's quote was never closed.
                    if row != [END]:
                        broken.append((line, NEVER_CLOSED.format(last=reader.line_num - 1)))
                    return
                if row:
                    filled += 1
                    yield line, row
                else:
                    blank += 1
                    if blank > MOST_BLANK + 2 * filled:
                        raise Unreadable(f"The file has more than {MOST_BLANK:,} blank lines.")
                line = reader.line_num + 1
            return
        except csv.Error as error:
            broken.append((line, f"The row cannot be split into cells ({error})."))
            line = reader.line_num + 1
