"""The cohort table."""

from __future__ import annotations

from datetime import date

from retention.dashboard.heatmap import Style, averages, figure, lines, rows, table
from retention.metrics.queries import Cell, Cohort


def link(month: date, k: int | None) -> str:
    return f"{month:%Y-%m}/{k}"


STYLE = Style("USD", "en_US", link)
JAN, FEB = 2026 * 12, 2026 * 12 + 1
COHORTS = [
    Cohort(JAN, 10, (Cell(0, 10, 12, 50000, 50000, False), Cell(1, 4, 4, 8000, 58000, False))),
    Cohort(FEB, 30, (Cell(0, 30, 30, 90000, 90000, False), Cell(1, 1, 1, 100, 90100, True))),
]


def test_a_cell_says_its_share_and_leads_to_its_people() -> None:
    cell = rows(COHORTS, "activity", STYLE)[0].cells[1]
    assert cell
    assert (cell.text, cell.link, cell.look) == ("40", "2026-01/1", "strong")
    assert cell.words == "Jan 2026, month 1: 40.0\u00a0% of 10 customers"


def test_a_month_that_is_not_over_is_marked_and_left_out_of_the_average() -> None:
    cell = rows(COHORTS, "activity", STYLE)[1].cells[1]
    assert cell
    assert cell.look == "open"
    assert cell.words.endswith("month not over")
    assert averages(COHORTS, "activity", STYLE) == ["100", "40"]
    assert table(COHORTS, "activity", STYLE).lines[0] == ["Feb 2026", "30", "100.0", "3.3*"]


def test_every_customer_weighs_the_same_in_an_average() -> None:
    # (500 + 900) dollars over 40 customers, not the mean of 50 and 30.
    assert averages(COHORTS, "clv", STYLE)[0] == "35"


def test_the_first_month_does_not_set_the_color_of_the_others() -> None:
    first, second = rows(COHORTS, "activity", STYLE)[0].cells[:2]
    assert first
    assert second
    assert (first.look, first.strength) == ("base", "0.00")
    assert second.strength == "0.90"


def test_the_ink_changes_where_the_green_gets_dark() -> None:
    many = [Cohort(JAN, 100, tuple(Cell(k, n, n, 0, 0, False) for k, n in enumerate([100, 100, 75, 60, 0])))]
    looks = [(c.look, c.strength) for c in rows(many, "activity", STYLE)[0].cells[1:] if c]
    assert looks == [("strong", "0.90"), ("mid", "0.69"), ("", "0.53"), ("", "0.00")]


def test_a_file_has_money_in_major_units() -> None:
    assert lines(COHORTS, "USD")[1] == ["2026-01", 10, 1, 4, 4, 80.0, 580.0, "yes"]
    assert lines(COHORTS, "JPY")[1][5] == 8000.0


def test_no_cohorts_is_no_table() -> None:
    assert rows([], "activity", STYLE) == []
    assert averages([], "net", STYLE) == []


def test_the_picture_marks_the_month_that_is_not_over() -> None:
    [drawn] = figure(COHORTS, "activity", STYLE)["data"]  # type: ignore[misc]
    assert drawn["text"] == [["100", "40"], ["100", "3*"]]
