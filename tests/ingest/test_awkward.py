"""Files as they really come: packed, in every encoding, with every separator."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.files.values import Unusable, looks_decimal_comma, minor, money, number

ROWS = [["order", "title", "amount"], ["1", "Zoë’s £5 “mug”,\nblue", "5,00"], ["2", "plain", "7.50"]]


def as_csv(separator: str = ",", newline: str = "\n") -> str:
    lines = [separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    return newline.join(lines) + newline


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in ROWS:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return out.getvalue()


READABLE = {
    "comma": as_csv().encode(),
    "semicolon": as_csv(";").encode(),
    "tab": as_csv("\t").encode(),
    "mark": as_csv().encode("utf-8-sig"),
    "utf-16": as_csv().encode("utf-16"),
    "utf-16 without a mark": as_csv().encode("utf-16-le"),
    "windows": as_csv().encode("cp1252"),
    "crlf": as_csv(newline="\r\n").encode(),
    "gz": gzip.compress(as_csv().encode()),
    "zip": zipped(orders__csv=as_csv(), readme__md="hello"),
    "xlsx": workbook(),
}


@pytest.mark.parametrize("name", READABLE)
def test_the_same_rows_come_out_of_every_kind_of_file(tmp_path: Path, name):
    file = tmp_path / "file"
    file.write_bytes(READABLE[name])
    with open_table(file) as table:
        assert table.header == ROWS[0]
        assert [row for _, row in table.rows] == ROWS[1:]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(READABLE["crlf"])
    with open_table(file) as table:
        assert [line for line, _ in table.rows] == [2, 4]


UNREADABLE = {
    "two tables": (zipped(one__csv="a", two__csv="b"), "exactly one"),
    "nothing": (b"", "empty"),
    "blank": (b"\n\n", "no rows"),
    "old excel": (b"\xd0\xcf\x11\xe0old", "old Excel"),
    "cut gz": (gzip.compress(as_csv().encode() * 500)[:60], "damaged"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_why(tmp_path: Path, name):
    body, reason = UNREADABLE[name]
    file = tmp_path / "file"
    file.write_bytes(body)
    with pytest.raises(Unreadable, match=reason), open_table(file) as table:
        list(table.rows)


@pytest.mark.parametrize(
    ("currency", "cell", "units"),
    [
        ("USD", "$1,234.56", 123456),
        ("USD", "(5.00)", -500),
        ("USD", "−5", -500),
        ("JPY", "¥500", 500),
        ("KWD", "1.2345", 1235),
        ("BDT", "৳2,999", 299900),
    ],
)
def test_amounts_are_smallest_units_of_their_currency(currency, cell, units):
    assert minor(money(currency)(cell)) == units


def test_a_decimal_comma_is_seen_and_read():
    assert looks_decimal_comma(["1.234,56", "5,00"])
    assert not looks_decimal_comma(["1,234.56", "5.00"])
    assert str(number("1.234,56", decimal_comma=True)) == "1234.56"


@pytest.mark.parametrize("cell", ["", "much", "--5", "1.2.3"])
def test_what_is_no_number_is_not_guessed(cell):
    with pytest.raises(Unusable):
        number(cell)
