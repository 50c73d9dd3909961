"""The cards on top: a number, how sure it is, how it moved, and what it is measured against. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retention.lib import formats
from retention.lib.charts import Spark, spark


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and how many people or orders it rests on."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


NOTHING = Estimate(None)


@dataclass(frozen=True)
class Course:
    """A number now, a year ago, and on the way."""

    now: Estimate
    year_ago: Estimate = NOTHING
    on_the_way: Sequence[Estimate] = ()


@dataclass(frozen=True)
class Bench:
    """A bar from `low` to `high`; positions are percent of its width."""

    width: float
    mark: float | None
    target: float | None
    low: str
    words: str
    high: str


@dataclass(frozen=True)
class Card:
    name: str
    label: str
    value: str
    # Between what it probably lies, and on how many it rests.
    likely: str
    counted: str
    change: str
    # None: neither good nor bad.
    good: bool | None
    spark: Spark | None
    bench: Bench | None = None
    link: str = ""

    @property
    def note(self) -> str:
        return joined(self.likely, self.counted)


@dataclass(frozen=True)
class Wording:
    """How one kind of number is written."""

    value: Callable[[float], str]
    # From low to high, and what that range is.
    between: Callable[[float, float], str]
    # Now and a year ago; "" where no change would show.
    change: Callable[[float, float], str]
    counted: Callable[[int], str]
    # What is missing where there is no value.
    lacking: str = ""
    # For the ends of a bar, where decimals only disturb.
    whole: Callable[[float], str] | None = None
    # 1: more is better, -1: less is better, 0: nobody can say.
    better: int = 1


def card(name: str, label: str, course: Course, words: Wording, bench: Bench | None = None) -> Card:
    now = course.now
    change, good = movement(course, words)
    return Card(
        name=name,
        label=label,
        value=formats.NOTHING if now.value is None else words.value(now.value),
        likely=interval(now, words),
        counted=words.counted(now.n),
        change=change,
        good=good,
        spark=_spark(course.on_the_way),
        bench=bench if now.value is not None else None,
    )


def joined(*parts: str) -> str:
    """ "likely 30.5–32.3 % · 9,812 buyers"."""
    return " · ".join(part for part in parts if part)


def interval(now: Estimate, words: Wording) -> str:
    if now.value is None or now.low is None or now.high is None:
        return ""
    return words.between(now.low, now.high)


def movement(course: Course, words: Wording) -> tuple[str, bool | None]:
    """The change against a year ago, in words. A change inside both intervals is no news, good or bad."""
    now, before = course.now, course.year_ago
    if now.value is None:
        return words.lacking, None
    if before.value is None or not before.n:
        return "no figure a year ago", None
    written = words.change(now.value, before.value)
    if not written:
        return "as a year ago", None
    told = words.better and not _overlap(now, before)
    return written, (now.value - before.value) * words.better > 0 if told else None


def _overlap(now: Estimate, before: Estimate) -> bool:
    if None in (now.low, now.high, before.low, before.high):
        return True
    return bool(now.low <= before.high and before.low <= now.high)  # type: ignore[operator]


def rate_bench(value: float, benchmark: float, target: float | None, locale: str) -> Bench:
    """The bar of a rate, up to half or the whole."""
    top = 0.5 if max(value, benchmark, target or 0) <= 0.5 else 1.0
    words = f"benchmark {_round_percent(benchmark, locale)}"
    if target is not None:
        words += f", target {_round_percent(target, locale)}"
    return Bench(
        width=_share(value, top),
        mark=_share(benchmark, top),
        target=None if target is None else _share(target, top),
        # Two marks need the room.
        low="" if target is not None else formats.percent(0, locale, digits=0),
        words=words,
        high=formats.percent(top, locale, digits=0),
    )


def past_bench(course: Course, words: Wording) -> Bench | None:
    """The bar of a number that is measured against itself a year ago."""
    value, before = course.now.value, course.year_ago.value
    if not value or value < 0 or not before or before < 0 or not course.year_ago.n:
        return None
    top = round_top(max(value, before))
    return Bench(
        width=_share(value, top),
        mark=_share(before, top),
        target=None,
        low=(words.whole or words.value)(0),
        words=f"a year ago {words.value(before)}",
        high=(words.whole or words.value)(top),
    )


def round_top(value: float) -> float:
    """The next round number that leaves some room: 1, 2, 2.5, 4, 5 or 8 times a power of ten."""
    room = value * 1.2
    power = 10.0 ** math.floor(math.log10(room))
    return next((step * power for step in (1, 2, 2.5, 4, 5, 8) if step * power >= room), 10 * power)


def _share(part: float, top: float) -> float:
    return round(100 * min(part, top) / top, 1)


def _round_percent(share: float, locale: str) -> str:
    """Without decimals where it has none."""
    return formats.percent(share, locale, digits=0 if round(share * 100, 2) % 1 == 0 else 1)


def _spark(points: Sequence[Estimate]) -> Spark | None:
    lows, highs = [p.low for p in points], [p.high for p in points]
    banded = all(p.low is not None or p.value is None for p in points)
    return spark([p.value for p in points], lows if banded else (), highs if banded else ())
