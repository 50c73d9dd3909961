"""Intervals against published figures and an independent library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retention.lib.intervals import kaplan_meier, mean_half_width, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_what_newcombe_published(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_of_nobody():
    assert wilson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


def test_the_curve_is_that_of_an_independent_library():
    luck = np.random.default_rng(7)
    events, waits = luck.integers(0, 300, 400), luck.integers(0, 400, 400)
    seen, came = np.minimum(events, waits), events <= waits
    sample = stats.CensoredData.right_censored(seen, ~came)
    theirs = stats.ecdf(sample)
    band = theirs.sf.confidence_interval(method="log-log")
    times = [0, 30, 77, 180, 250]
    ours = kaplan_meier([(int(t), 1) for t in seen[came]], [(int(t), 1) for t in seen[~came]], times)
    assert [p.time for p in ours] == times
    for point in ours:
        assert point.value == pytest.approx(theirs.cdf.evaluate(point.time))
        assert point.low == pytest.approx(1 - band.high.evaluate(point.time))
        assert point.high == pytest.approx(1 - band.low.evaluate(point.time))


def test_a_time_that_nobody_has_reached_is_left_out():
    # A pair that was counted and taken back was never seen.
    curve = kaplan_meier([(3, 1), (90, 1), (90, -1)], [(10, 2)], [3, 10, 30])
    assert [p.time for p in curve] == [3, 10]


def test_the_width_of_a_mean():
    values = np.array([120, 80, 100, 300, 0])
    half = mean_half_width(5, int(values.sum()), int((values**2).sum()))
    assert half == pytest.approx(1.959963984540054 * stats.sem(values))
    assert mean_half_width(1, 5, 25) is None
