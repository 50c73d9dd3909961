"""Files for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from retention.lib.spreadsheets import csv_lines, safe


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "  =1"])
def test_a_text_that_would_run_as_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe(text) == f"'{text}"


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
