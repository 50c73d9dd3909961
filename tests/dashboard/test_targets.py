"""What reaching the target would be worth."""

from decimal import Decimal

import pytest

from retention.dashboard.targets import STEP, obstacle, step_to, worth

YEAR = {"buyers": 1000, "repeat": 300, "repeat_purchases": 600, "net": 1_600_00, "purchases": 1600}


def test_five_points_more_are_worth_their_purchases_at_the_usual_order_value() -> None:
    found = worth(points=STEP, **YEAR)
    assert found
    assert (found.more_repeat_buyers, found.extra_purchases, found.aov) == (50, 2.0, 100.0)
    assert found.revenue == 50 * 2 * 100


def test_a_shop_without_repeaters_promises_nothing() -> None:
    assert worth(points=STEP, **{**YEAR, "repeat": 0}) is None


def test_the_step_leads_to_the_target_where_it_lies_ahead() -> None:
    assert step_to(Decimal("33.5"), 0.30) == Decimal("0.035")


def test_without_a_target_ahead_the_step_is_five_points() -> None:
    assert step_to(None, 0.30) == STEP
    assert step_to(Decimal(20), 0.30) == STEP


def test_a_rate_cannot_rise_above_the_whole() -> None:
    assert step_to(None, 0.98) == Decimal("0.02")
    assert worth(points=step_to(None, 1.0), **YEAR) is None


@pytest.mark.parametrize(
    ("year", "points", "why"),
    [
        (YEAR, STEP, ""),
        ({**YEAR, "repeat": 0}, STEP, "nobody twice"),
        # Half a person more.
        ({**YEAR, "buyers": 10, "repeat": 8}, STEP, "too few"),
        ({**YEAR, "repeat": 1000}, Decimal(0), "everybody twice"),
        ({**YEAR, "net": 0}, STEP, "no revenue"),
    ],
)
def test_what_stands_in_the_way_of_a_promise_is_known(
    year: dict[str, int], points: Decimal, why: str
) -> None:
    found = worth(points=points, **year)
    assert obstacle(found, buyers=year["buyers"], repeat=year["repeat"], points=points) == why
