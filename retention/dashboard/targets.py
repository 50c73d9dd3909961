"""What reaching the target would be worth: the shop's own numbers, with the arithmetic shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

STEP = Decimal("0.05")


@dataclass(frozen=True)
class Worth:
    """More repeat buyers in a year, and what they bring. Money is minor units."""

    buyers: int
    points: Decimal
    more_repeat_buyers: int
    extra_purchases: float
    aov: float
    revenue: int


def worth(
    *, buyers: int, points: Decimal, repeat: int, repeat_purchases: int, net: int, purchases: int
) -> Worth | None:
    """If `points` more of a year's buyers bought again, as often as those who did, at the usual order value.

    `repeat_purchases` counts the purchases after the first of the `repeat` customers in the same year.
    None where there is nobody yet to learn from.
    """
    if not buyers or not repeat or not purchases or points <= 0:
        return None
    more = round(buyers * points)
    extra = repeat_purchases / repeat
    aov = net / purchases
    return Worth(
        buyers=buyers,
        points=points,
        more_repeat_buyers=more,
        extra_purchases=extra,
        aov=aov,
        revenue=round(more * extra * aov),
    )


def obstacle(found: Worth | None, *, buyers: int, repeat: int, points: Decimal) -> str:
    """Why there is nothing to promise; "" where there is."""
    if found and found.revenue > 0:
        return ""
    if not repeat:
        return "nobody twice"
    if points <= 0:
        return "everybody twice"
    return "too few" if not round(buyers * points) else "no revenue"


def step_to(target: Decimal | None, now: float) -> Decimal:
    """The rise to look at: up to the target (in percent) where one lies ahead, else five points; nobody
    can rise above the whole."""
    ahead = (target or Decimal(0)) / 100 - Decimal(str(now))
    if ahead > Decimal("0.0005"):
        return ahead.quantize(Decimal("0.001"))
    return min(STEP, max(1 - Decimal(str(now)), Decimal(0)))
