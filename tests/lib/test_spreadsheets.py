"""Files for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from retention.lib.spreadsheets import csv_lines, safe

RUN = ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "  =1"]
LIKE_PHONES = [
    *("+1+cmd|' /C calc'!A0", "+49 170+1234567", "+49170*2=1", "+SUM(1,2)", "+A1-23456", "+491701234567\n=1"),
    *(" +49 170 1234567", "-49 170 1234567", "=+49 170 1234567", "+(1)cmd", "+٤٩١٧٠١٢٣"),
]


@pytest.mark.parametrize("text", [*RUN, *LIKE_PHONES])
def test_a_text_that_would_run_as_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("phone", ["+49 170 1234567", "+1 (500) 555-0001", "+4917012345", "0170 1234567"])
def test_a_phone_number_stays_as_it_is(phone: str) -> None:
    assert safe(phone) == phone


@pytest.mark.parametrize("cell", [-1, -1.5, None, date(2026, 1, 1), "a=b", "", "O’Neil"])
def test_everything_else_stays_as_it_is(cell: object) -> None:
    assert safe(cell) == cell  # type: ignore[arg-type]


def test_what_is_written_can_be_read_back() -> None:
    rows = [["a,b", 'say "hi"', "two\nlines"], ["é", "", "3"]]
    told = "".join(csv_lines(["one", "two", "three"], rows))
    assert told.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(told.removeprefix("\ufeff"))))[1:] == rows


def test_lines_come_as_the_rows_do() -> None:
    def rows():
        yield ["first"]
        raise AssertionError("nobody asked for the second")

    lines = csv_lines(["head"], rows())
    assert [next(lines), next(lines)] == ["\ufeffhead\r\n", "first\r\n"]
