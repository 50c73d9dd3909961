"""Files as they really come: packed, in every encoding, with every separator."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.files.values import (
    Unusable,
    cut,
    day_first,
    looks_decimal_comma,
    minor,
    money,
    number,
)

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
    "no workbook": (
        zipped(xl__workbook__xml="<a>").replace(b"xl.workbook.xml", b"xl/workbook.xml"),
        "damaged",
    ),
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


def sheet_that_says(size: str) -> bytes:
    """The workbook, with another size of its sheet written into it: some programs write A1 into all."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as book, zipfile.ZipFile(out, "w") as changed:
        for name in book.namelist():
            part = book.read(name)
            if name.endswith("sheet1.xml"):
                assert b'ref="A1:C3"' in part
                part = part.replace(b'ref="A1:C3"', f'ref="{size}"'.encode())
            changed.writestr(name, part)
    return out.getvalue()


@pytest.mark.parametrize("size", ["A1", "A1:B2", "A1:XFD9"])
def test_a_sheet_that_is_wrong_about_its_size_loses_no_row_and_no_cell(tmp_path: Path, size):
    (tmp_path / "file").write_bytes(sheet_that_says(size))
    with open_table(tmp_path / "file") as table:
        assert table.header[:3] == ROWS[0]
        assert [row[:3] for _, row in table.rows] == ROWS[1:]


def test_a_quote_that_is_never_closed_takes_no_row_with_it_silently(tmp_path: Path):
    (tmp_path / "file").write_text('order,amount,title\n1,5,Cap\n2,5,"Mug\n3,5,Hat\n4,5,Bag\n')
    with open_table(tmp_path / "file") as table:
        assert [row for _, row in table.rows] == [["1", "5", "Cap"]]
        [(line, reason)] = table.broken
    assert line == 3
    assert "never closed" in reason
    assert "line 5" in reason


def test_a_last_row_in_quotes_is_a_row_like_any_other(tmp_path: Path):
    (tmp_path / "file").write_text('order,title\n1,"two\nlines"')
    with open_table(tmp_path / "file") as table:
        assert [row for _, row in table.rows] == [["1", "two\nlines"]]
        assert table.broken == []


def most_memory(path: Path) -> int:
    """Bytes that reading the file took at most; 0 counts what was there before."""
    tracemalloc.start()
    try:
        with open_table(path) as table:
            for _ in table.rows:
                pass
    except Unreadable:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda body: zipped(orders__csv=body.decode())])
def test_a_file_of_one_endless_line_does_not_fill_the_memory(tmp_path: Path, pack):
    (tmp_path / "file").write_bytes(pack(b"order,amount\n1," + b"5" * 60_000_000))
    assert most_memory(tmp_path / "file") < 55_000_000
    with pytest.raises(Unreadable, match="not a table"), open_table(tmp_path / "file") as table:
        list(table.rows)


def test_long_cells_are_not_all_remembered():
    read = cut(500)
    tracemalloc.start()
    for nth in range(2_000):
        read(f"{nth}" + "x" * 50_000)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 30_000_000


@pytest.mark.parametrize(
    ("cell", "comma"), [("12,50", False), ("1,2", False), ("12.50", True), ("1.2", True)]
)
def test_an_amount_in_the_other_notation_is_not_read_as_a_hundred_times_as_much(cell, comma):
    with pytest.raises(Unusable, match="decimal"):
        number(cell, decimal_comma=comma)


@pytest.mark.parametrize(
    ("cell", "comma", "value"),
    [
        ("1,234", False, "1234"),
        ("1,00,000.5", False, "100000.5"),
        ("1.234", True, "1234"),
        ("12,", False, "12"),
    ],
)
def test_thousands_are_read_as_they_are_written(cell, comma, value):
    assert str(number(cell, decimal_comma=comma)) == value


@pytest.mark.parametrize("cells", [["03.04.2025", "05.04.2025 10:00"], ["3/4/2025", "13/4/2025"]])
def test_dates_that_can_only_be_day_first_are_seen(cells):
    assert day_first(cells)
