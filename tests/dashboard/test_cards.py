"""How a number is written on its card."""

from __future__ import annotations

import pytest

from retention.dashboard import wordings
from retention.dashboard.cards import NOTHING, Course, Estimate, card, past_bench, rate_bench, round_top
from retention.stores.models import Store

STORE = Store(name="Fern & Finch", slug="fern-finch")
RATE = wordings.rate(STORE)


def written(course: Course) -> tuple[str, str, bool | None]:
    made = card("repeat-rate", "Repeat purchase rate", course, RATE)
    return made.note, made.change, made.good


def test_a_card_says_in_words_between_what_the_number_lies() -> None:
    note = written(Course(Estimate(0.314, 0.305, 0.323, 9812)))[0]
    assert note == "likely 30.5–32.3\u00a0% · 9,812 buyers"
    assert written(Course(Estimate(0.0, 0.0, 0.79, 1)))[0] == "likely 0.0–79.0\u00a0% · 1 buyer"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(4701, 4841, "likely $47.01–$48.41 · 9 orders"), (11527, 13309, "likely $115–$133 · 9 orders")],
)
def test_cents_are_told_where_they_tell_something(low: int, high: int, words: str) -> None:
    course = Course(Estimate((low + high) / 2, low, high, 9))
    assert card("order-value", "Average order value", course, wordings.order_value(STORE)).note == words


def test_a_change_beyond_both_intervals_is_good_news() -> None:
    course = Course(Estimate(0.314, 0.305, 0.323, 9812), Estimate(0.291, 0.28, 0.302, 8000))
    assert written(course)[1:] == ("up from 29.1\u00a0% a year ago", True)


def test_a_change_within_the_intervals_is_no_news() -> None:
    course = Course(Estimate(0.314, 0.25, 0.38, 90), Estimate(0.35, 0.29, 0.42, 80))
    assert written(course)[1:] == ("down from 35.0\u00a0% a year ago", None)


def test_a_change_too_small_to_show_is_none() -> None:
    course = Course(Estimate(0.3138, 0.31, 0.32, 9), Estimate(0.3142, 0.31, 0.32, 9))
    assert written(course)[1] == "as a year ago"


def test_longer_gaps_are_neither_good_nor_bad() -> None:
    course = Course(Estimate(54, 50, 58, 900), Estimate(20, 18, 22, 900))
    made = card("time-between", "Time between purchases", course, wordings.gap(STORE))
    assert (made.change, made.good) == ("+34\u00a0days vs a year ago", None)
    assert made.note == "half take 50–58\u00a0days · 900 repeat orders"


def test_without_a_value_the_card_says_what_is_missing() -> None:
    assert written(Course(NOTHING))[1] == "Nobody bought in these days"


def test_the_bar_of_a_rate_ends_at_half_unless_that_is_too_short() -> None:
    bench = rate_bench(0.25, 0.28, 0.33, "en_US")
    assert (bench.width, bench.mark, bench.target) == (50.0, 56.0, 66.0)
    assert bench.words == "benchmark 28\u00a0%, target 33\u00a0%"
    assert rate_bench(0.6, 0.28, None, "en_US").width == 60.0


def test_the_bar_of_money_measures_against_a_year_ago() -> None:
    bench = past_bench(Course(Estimate(14260.0, n=5), Estimate(13300.0, n=5)), wordings.order_value(STORE))
    assert bench
    assert (bench.words, bench.high) == ("a year ago $133.00", "$200")
    assert past_bench(Course(Estimate(14260.0, n=5)), wordings.order_value(STORE)) is None


@pytest.mark.parametrize(("value", "top"), [(1.0, 2.0), (14260, 20000), (52, 80), (0.9, 2.0), (7.5, 10)])
def test_a_bar_ends_at_a_round_number(value: float, top: float) -> None:
    assert round_top(value) == pytest.approx(top)
