"""What is asked and what is answered: slices of a store, and figures with their n and interval.

Money is in minor units of the store's currency, rates are fractions, days are in the store's time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db.models import QuerySet

from retention.customers.models import Customer
from retention.lib.intervals import wilson
from retention.metrics import months
from retention.metrics.models import Dimension
from retention.metrics.rollups import DIMENSIONS
from retention.stores.models import Store


@dataclass(frozen=True)
class Slice:
    """Which purchases are meant: whose first purchase came from here, in these days.

    `start` and `end` (both included) select purchases; for cohorts, the months they lie in. `customers` is
    any queryset of customers. Everything given must hold; None means no limit, "" means unknown.
    """

    start: date | None = None
    end: date | None = None
    channel: str | None = None
    campaign: str | None = None
    country: str | None = None
    category: str | None = None
    customers: QuerySet[Customer] | None = None

    @property
    def rollup(self) -> tuple[str, str] | None:
        """(dimension, value) of the rollup that answers this slice; None if facts must."""
        chosen = [(name, getattr(self, name)) for name in DIMENSIONS if getattr(self, name) is not None]
        if self.customers is not None or len(chosen) > 1:
            return None
        return chosen[0] if chosen else (Dimension.ALL.value, "")

    def until(self, as_of: date) -> date:
        return min(as_of, self.end) if self.end else as_of


EVERYBODY = Slice()


@dataclass(frozen=True)
class Rate:
    """`successes` of `n`, as a fraction, with Wilson's 95 % interval. `value` is None when n is 0."""

    value: float | None
    low: float
    high: float
    n: int
    successes: int

    @classmethod
    def of(cls, successes: int, n: int) -> Rate:
        low, high = wilson(successes, n)
        return cls(successes / n if n else None, low, high, n, successes)


@dataclass(frozen=True)
class Mean:
    """A mean over n in minor units, with the normal 95 % interval; None where too few were seen."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, n: int, total: int, half: float | None) -> Mean:
        value = total / n if n else None
        if value is None or half is None:
            return cls(value, None, None, n)
        return cls(value, value - half, value + half, n)


@dataclass(frozen=True)
class Quartiles:
    """Days between consecutive purchases; n pairs."""

    lower: float | None
    median: float | None
    upper: float | None
    n: int


@dataclass(frozen=True)
class Totals:
    """Everything up to a day. Net is after discounts and refunds; guests have no customer."""

    customers: int
    orders: int
    customer_sales: int
    customer_refunds: int
    guest_orders: int
    guest_sales: int
    guest_refunds: int

    @property
    def customer_net_revenue(self) -> int:
        return self.customer_sales - self.customer_refunds

    @property
    def guest_net_revenue(self) -> int:
        return self.guest_sales - self.guest_refunds

    @property
    def net_revenue(self) -> int:
        return self.customer_net_revenue + self.guest_net_revenue


class Cell(NamedTuple):
    """A cohort in its month k: people active, their purchases, net revenue in the month and through it.

    `open`: the month is not over at `as_of`; leave it out of averages.
    """

    k: int
    active: int
    purchases: int
    net_revenue: int
    cumulative: int
    open: bool


@dataclass(frozen=True)
class Cohort:
    """`month` is its number (see `months`), `customers` its size, `cells` its months from k = 0 on."""

    month: int
    customers: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return months.name(self.month)


@dataclass(frozen=True)
class RatePoint:
    day: date
    rate: Rate


@dataclass(frozen=True)
class TrendPoint:
    """A calendar month; `open` when it is not over."""

    month: int
    purchases: int
    net_revenue: int
    new_customers: int
    open: bool

    @property
    def name(self) -> str:
        return months.name(self.month)


@dataclass(frozen=True)
class DimensionValue:
    value: str
    customers: int


@dataclass(frozen=True)
class Kpi:
    """A figure now and a year before; `before_as_of` is the day that `before` is true for."""

    now: Rate | Mean | Quartiles
    before: Rate | Mean | Quartiles
    as_of: date
    before_as_of: date

    @property
    def change(self) -> float | None:
        """Now minus before, in the figure's own unit (for quartiles: of medians)."""
        now, before = _central(self.now), _central(self.before)
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Kpis:
    repeat_purchase_rate: Kpi
    clv_to_date: Kpi
    average_order_value: Kpi
    time_between_purchases: Kpi


Figure = Callable[[Store, Slice, date], Rate | Mean | Quartiles]


def _central(figure: Rate | Mean | Quartiles) -> float | None:
    return figure.median if isinstance(figure, Quartiles) else figure.value
