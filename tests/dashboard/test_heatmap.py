"""The cohort table."""

from __future__ import annotations

from datetime import date

from retention.dashboard.heatmap import Style, average_words, averages, figure, lines, rows, table
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


def a_cohort(month: int, customers: int, months: int, each: int) -> Cohort:
    """Brings so many cents a month and customer; the last of its months is not over."""
    made = [
        Cell(k, customers, customers, customers * each, customers * each * (k + 1), k == months)
        for k in range(months + 1)
    ]
    return Cohort(month, customers, tuple(made))


def test_an_average_is_that_of_all_cohorts_also_those_without_a_row() -> None:
    """Thirty months, and the page has room for eighteen: the oldest were worth the most."""
    cohorts = [a_cohort(JAN + n, 10, 29 - n, 1000 if n < 5 else 500) for n in range(30)]
    reached = [c for c in cohorts if len(c.cells) > 13]
    of_all = sum(c.cells[12].cumulative for c in reached) / sum(c.customers for c in reached)
    assert averages(cohorts, "clv", STYLE)[12] == str(round(of_all / 100))
    words = average_words(cohorts, "clv", STYLE)
    assert "all 30 cohorts" in words
    assert f"of {10 * len(reached)} customers whose 12 months are over" in words


def test_no_lifetime_value_is_told_of_before_a_cohort_has_its_twelve_months() -> None:
    assert "lifetime" not in average_words(COHORTS, "clv", STYLE)
    assert "lifetime" not in average_words([a_cohort(JAN, 5, 20, 100)], "net", STYLE)


def test_large_amounts_take_no_more_room_than_small_ones() -> None:
    def shown(cents: int) -> str:
        cohort = Cohort(JAN, 1, (Cell(0, 1, 1, cents, cents, False),))
        [cell] = rows([cohort], "net", STYLE)[0].cells
        assert cell
        return cell.text

    amounts = [95_000, 99_960, 123_456, 998_000, 1_234_500, 99_960_000, 123_456_700]
    assert [shown(n) for n in amounts] == ["950", "1.0k", "1.2k", "10k", "12k", "1.0M", "1.2M"]


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
