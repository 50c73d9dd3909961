"""What is usual in a store: numbers that some conditions compare a person with.

They are part of a rule's meaning, so they change at most once a day, and a change refreshes the segments
that read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

SCORES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Benchmarks:
    """`gap`: the median, over those who came back, of each one's mean days between purchases. In the median
    over all purchases the few who buy most often would speak for everybody. `basket`: what the highest tenth
    of purchases begin with. `shipping`: likewise of the highest fifth of paid shipping. The others are the
    four cuts between fifths of all buyers: days since the last purchase, purchases, net revenue."""

    gap: int = 60
    recency: tuple[int, ...] = (30, 90, 180, 365)
    frequency: tuple[int, ...] = (1, 1, 2, 4)
    money: tuple[int, ...] = (2_000, 5_000, 10_000, 20_000)
    basket: int = 10_000
    shipping: int = 1_000

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Benchmarks:
        known = {field.name for field in fields(cls)}
        numbers: dict[str, Any] = {
            name: tuple(number) if isinstance(number, Sequence) else number
            for name, number in kept.items()
            if name in known
        }
        return cls(**numbers)

    def kept(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
