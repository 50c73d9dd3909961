"""Small files that would cost much: they are refused before they do."""

from __future__ import annotations

import gzip
import io
import time
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from retention.customers.models import Customer
from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.lists.exporting import export_people
from retention.ingest.lists.importing import import_people
from tests.world import a_customer, a_store

TEXTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
RICH = b"<si><t>Fern</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>spoken</t></rPh></si>"
FILLING = b"<si><t>a</t></si>"


def workbook(rows: int = 1) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for number in range(rows):
        book.active.append(["order", f"date {number}"])
    book.save(out)
    return out.getvalue()


def changed(body: bytes, **parts: tuple[bytes, bytes]) -> bytes:
    """The workbook with something else in its parts: name without punctuation -> what to replace, by what."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(body)) as book,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in book.namelist():
            what, by = parts.get("".join(filter(str.isalnum, name)), (b"", b""))
            part = book.read(name)
            assert what in part
            new.writestr(name, part.replace(what, by) if what else part)
    return out.getvalue()


def read(folder: Path, body: bytes) -> list[list[str]]:
    (folder / "file").write_bytes(body)
    with open_table(folder / "file") as table:
        return [row for _, row in table.rows]


def refused(folder: Path, body: bytes, reason: str, *, memory: int = 60_000_000, seconds: float = 10) -> None:
    assert len(body) < 300_000
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(Unreadable, match=reason):
        read(folder, body)
    took, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < memory
    assert took < seconds


def test_a_long_list_of_contents_is_not_read(tmp_path: Path) -> None:
    many = b'<Default Extension="a" ContentType="b"/>' * 200_000
    body = changed(workbook(), ContentTypesxml=(b"</Types>", many + b"</Types>"))
    refused(tmp_path, body, "too much text")


@pytest.mark.parametrize("name", ["xl/texts.xml", "xl/worksheets/texts.xml", "docProps/texts.xml"])
def test_texts_under_another_name_are_counted_as_texts(tmp_path: Path, name: str) -> None:
    listed = f'<Override PartName="/{name}" ContentType="{TEXTS}"/></Types>'.encode()
    out = io.BytesIO(changed(workbook(), ContentTypesxml=(b"</Types>", listed)))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as book:
        book.writestr(name, b"<sst>" + FILLING * 6_500_000 + b"</sst>")
    refused(tmp_path, out.getvalue(), "too much text")


def test_texts_under_another_name_are_read(tmp_path: Path) -> None:
    listed = f'<Override PartName="/docProps/texts.xml" ContentType="{TEXTS}"/></Types>'.encode()
    row = b'<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>2</v></c></row></sheetData>'
    parts = {"ContentTypesxml": (b"</Types>", listed), "xlworksheetssheet1xml": (b"</sheetData>", row)}
    out = io.BytesIO(changed(workbook(), **parts))
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(out, "a") as book:
        book.writestr("docProps/texts.xml", b"<sst %s>%s%s</sst>" % (space, FILLING, RICH))
    assert read(tmp_path, out.getvalue()) == [["Fern", "two runs"]]


def test_properties_and_pictures_cost_nothing(tmp_path: Path) -> None:
    out = io.BytesIO(changed(workbook(3), docPropscorexml=(b"</cp:core", b" " * 30_000_000 + b"</cp:core")))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/media/picture.png", b"\x89PNG" * 8_000_000)
    assert read(tmp_path, out.getvalue()) == [["order", "date 1"], ["order", "date 2"]]


def test_a_row_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    wide = b'<row r="9"><c r="XFD9"/></row></sheetData>'
    refused(tmp_path, changed(workbook(), xlworksheetssheet1xml=(b"</sheetData>", wide)), "16,384 columns")


def test_a_sheet_of_empty_cells_is_not_read_to_its_end(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("retention.ingest.files.workbooks.MOST_EMPTY_CELLS", 50_000)
    rows = b"".join(b'<row r="%d"><c r="AMJ%d"/></row>' % (n, n) for n in range(2, 200))
    body = changed(workbook(), xlworksheetssheet1xml=(b"</sheetData>", rows + b"</sheetData>"))
    refused(tmp_path, body, "empty cells")


def test_empty_rows_between_others_are_passed_over(tmp_path: Path) -> None:
    rows = b'<row r="5"><c r="B5"/></row><row r="900"><c r="A900"><v>7</v></c></row></sheetData>'
    body = changed(workbook(), xlworksheetssheet1xml=(b"</sheetData>", rows))
    assert read(tmp_path, body) == [["7"]]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_without_end_are_refused(tmp_path: Path, end: bytes) -> None:
    body = gzip.compress(b"order,date\n1,2\n" + end * 20_000_000)
    began = time.process_time()
    with pytest.raises(Unreadable, match="1,000,000 blank lines"):
        read(tmp_path, body)
    assert time.process_time() - began < 5


def test_a_blank_line_after_every_row_is_no_harm(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("retention.ingest.files.reading.MOST_BLANK", 10)
    assert len(read(tmp_path, b"order,date\r\r\n" + b"1,2\r\r\n" * 500)) == 500


@pytest.mark.django_db
def test_a_label_of_our_own_is_no_formula_in_a_header(store, tmp_path: Path) -> None:
    a_customer(store, "mara@example.com", custom={"=HYPERLINK(1)": "x", "Size": "M"})
    lines = export_people(Customer.objects.filter(store=store), "klaviyo")
    (tmp_path / "list.csv").write_text("".join(lines), newline="")
    with open_table(tmp_path / "list.csv") as table:
        assert {"'=HYPERLINK(1)", "Size"} <= set(table.header)
        assert not [label for label in table.header if label.startswith(("=", "+", "-", "@"))]
    there = a_store()
    import_people(there, tmp_path / "list.csv")
    assert Customer.objects.get(store=there).custom == {"=HYPERLINK(1)": "x", "Size": "M"}
