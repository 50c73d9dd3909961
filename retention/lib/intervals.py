"""Intervals for rates, means and survival curves: pure, two-sided, 95 % unless `z` says otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z95 = 1.959963984540054


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Score interval of a proportion, as fractions (Wilson 1927). Nothing is known of 0 trials: (0, 1).

    Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials")
    if n == 0:
        return 0.0, 1.0
    share, square = successes / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    # At the ends the formula is exact, floating point is not.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def mean_half_width(n: int, total: int, squares: int, z: float = Z95) -> float | None:
    """Half the width of the normal interval of a mean, from count, sum and sum of squares.

    In the values' own unit. None below 2 values, where a variance has no meaning.
    """
    if n < 2:
        return None
    # Integers to the end: subtracting two large floats would lose the variance.
    spread = n * squares - total * total
    return z * math.sqrt(max(spread, 0) / (n * n * (n - 1)))


@dataclass(frozen=True)
class Survival:
    """At `time`: the probability that the event has happened, with its interval."""

    time: int
    value: float
    low: float
    high: float
    at_risk: int


def kaplan_meier(
    events: Iterable[tuple[int, int]],
    censored: Iterable[tuple[int, int]],
    times: Iterable[int],
    z: float = Z95,
) -> list[Survival]:
    """Probability that the event has happened by each time (Kaplan, Meier 1958), log-log interval.

    `events` and `censored` are (time, count) with times >= 0; whoever is censored at t was at risk at t.
    A time beyond the last observation is left out: nothing was seen there.
    """
    happened, left = _sum(events), _sum(censored)
    observed = sorted(happened.keys() | left.keys())
    if not observed:
        return []
    at_risk, survival, greenwood = sum(happened.values()) + sum(left.values()), 1.0, 0.0
    asked, curve, position = sorted(t for t in times if t <= observed[-1]), [], 0
    for time in asked:
        while position < len(observed) and observed[position] <= time:
            now = observed[position]
            died = happened.get(now, 0)
            if died:
                survival *= (at_risk - died) / at_risk
                greenwood += died / (at_risk * (at_risk - died)) if at_risk > died else math.inf
            at_risk -= died + left.get(now, 0)
            position += 1
        low, high = _log_log(survival, greenwood, z)
        curve.append(Survival(time, 1 - survival, 1 - high, 1 - low, at_risk))
    return curve


def _sum(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for time, count in pairs:
        sums[time] = sums.get(time, 0) + count
    # What was counted and taken back was never seen.
    return {time: count for time, count in sums.items() if count}


def _log_log(survival: float, greenwood: float, z: float) -> tuple[float, float]:
    """Interval of a survival probability on the scale log(-log S)."""
    if survival <= 0.0 or survival >= 1.0 or math.isinf(greenwood):
        return survival, survival
    width = math.exp(z * math.sqrt(greenwood) / abs(math.log(survival)))
    return survival**width, survival ** (1 / width)
