"""What the front page reads: the metrics' answers, composed, with their course over time for the sparklines.

The number of queries does not depend on the size of the store, nor on the number of cohorts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from retention.customers.models import Customer
from retention.dashboard.cards import NOTHING, Course, Estimate
from retention.dashboard.filters import DIMENSIONS, Filters
from retention.lib.intervals import Survival, mean_half_width
from retention.metrics import months, queries
from retention.metrics.models import CohortValue, Daily, Purchase
from retention.metrics.queries import (
    Cohort,
    DimensionValue,
    Mean,
    Quartiles,
    Rate,
    RatePoint,
    Slice,
    TrendPoint,
)
from retention.metrics.reading import daily_sums, narrowed, rows_of
from retention.metrics.rebuild import FOLLOWER
from retention.segments.models import Membership, Segment
from retention.segments.queries import counts
from retention.stores.models import Store
from retention.timeline.follow import lag
from retention.timeline.models import Follower

# After so long without an order, the page is true for the day of the last one instead of today.
STALE_DAYS = 45
CURVE_DAYS = tuple(range(0, 366, 15))
SPARK_MONTHS = 24
YEAR = 365


@dataclass(frozen=True)
class When:
    """The day that the page is true for."""

    as_of: date
    last_purchase: date | None
    today: date
    first_purchase: date | None = None

    @property
    def is_stale(self) -> bool:
        return self.as_of == self.last_purchase and (self.today - self.as_of).days > STALE_DAYS


@dataclass(frozen=True)
class Freshness:
    """How far the figures have followed the orders."""

    waiting: int
    up_to: datetime | None


@dataclass(frozen=True)
class Curve:
    name: str
    points: list[Survival]
    customers: int
    # The cohort's month; None for all customers.
    month: int | None = None


@dataclass(frozen=True)
class Month:
    """A calendar month, and what guests add to it."""

    point: TrendPoint
    guest_net: int = 0
    guest_orders: int = 0


@dataclass(frozen=True)
class Guests:
    """Orders of nobody known, and what they brought."""

    orders: int
    net: int


@dataclass(frozen=True)
class SegmentSize:
    pk: int
    name: str
    customers: int


@dataclass(frozen=True)
class Front:
    """Everything on the front page, as figures."""

    when: When
    guests: Guests
    freshness: Freshness
    rate: Course
    clv: Course
    aov: Course
    gap: Course
    # The last 365 days, for the worth of a target.
    year: tuple[Rate, Mean]
    rate_points: list[RatePoint] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)
    months: list[Month] = field(default_factory=list)
    menus: dict[str, list[DimensionValue]] = field(default_factory=dict)
    segments: list[SegmentSize] = field(default_factory=list)


def when(store: Store, filters: Filters) -> When:
    today = queries.today(store)
    ends = Purchase.objects.filter(store=store).aggregate(first=Min("day"), last=Max("day"))
    last = ends["last"]
    quiet = last is not None and (today - last).days > STALE_DAYS
    asked = min(filters.as_of, today) if filters.as_of else None
    return When(asked or (last if quiet and last else today), last, today, ends["first"])


def has_figures(store: Store) -> bool:
    return Daily.objects.filter(store=store, dimension="all", value="").exists()


def chosen(filters: Filters) -> Slice:
    where = filters.where
    return Slice(
        channel=where.get("channel"),
        campaign=where.get("campaign"),
        country=where.get("country"),
        category=where.get("category"),
        customers=people_of(filters.segment) if filters.segment else None,
    )


def freshness() -> Freshness:
    waiting = lag(FOLLOWER)
    if not waiting:
        return Freshness(0, timezone.now())
    moved = Follower.objects.filter(name=FOLLOWER).values_list("moved_at", flat=True).first()
    return Freshness(waiting, moved)


def front(store: Store, filters: Filters) -> Front:
    at = when(store, filters)
    part = chosen(filters)
    cohorts = queries.cohort_matrix(store, part, at.as_of)
    points = rate_points(store, filters, at.as_of, at.first_purchase)
    sums = sums_by_month(store, part, at.as_of)
    return Front(
        when=at,
        guests=guests(store, at.as_of, filters.days),
        freshness=freshness(),
        rate=rate_course(store, filters, at.as_of, at.first_purchase, points),
        rate_points=points,
        clv=clv_course(store, filters, at.as_of),
        aov=aov_course(store, filters, at.as_of, sums),
        gap=gap_course(store, filters, at.as_of),
        year=_year_of(store, filters, part, at.as_of, points),
        curves=curves(store, filters, at.as_of, cohorts),
        cohorts=cohorts,
        months=trend(store, filters, at.as_of, sums),
        menus=menus(store),
        segments=segments(store),
    )


def guests(store: Store, until: date, days: int | None) -> Guests:
    """In the days that end with `until`; None for all."""
    since = until - timedelta(days=days - 1) if days else None
    columns = ["guest_orders", "guest_sales", "guest_refunds"]
    orders, sales, refunds = daily_sums(store, ("all", ""), columns, since=since, until=until)
    return Guests(orders, sales - refunds)


def order_value(store: Store, part: Slice, as_of: date, days: int | None) -> Mean:
    found = queries.average_order_value(store, part, as_of, days)
    if not _reaches_below(found):
        return found
    where, given = narrowed(store, part, until=as_of, window=days)
    return _cut(found, f"SELECT 1 FROM metrics_purchase p WHERE {where} AND p.kept < 0", given)


def lifetime_value(store: Store, part: Slice, as_of: date) -> Mean:
    found = queries.clv_to_date(store, part, as_of)
    if not _reaches_below(found):
        return found
    where, given = narrowed(store, part)
    reached = months.last_complete(as_of) - 12
    sql = f"SELECT 1 FROM metrics_customerfact p WHERE {where} AND p.cohort <= %s AND p.net_12 < 0"
    return _cut(found, sql, [*given, reached])


def _reaches_below(mean: Mean) -> bool:
    """Does the interval reach below zero, though the mean does not?"""
    return mean.low is not None and mean.low < 0 <= (mean.value or 0)


def _cut(mean: Mean, negatives: str, given: list[Any]) -> Mean:
    """An interval that ends at zero, unless some amount is below it: a mean of others cannot be."""
    [[some]] = rows_of(f"SELECT EXISTS ({negatives})", given)
    return mean if some else replace(mean, low=0.0)


def year(store: Store, part: Slice, as_of: date) -> tuple[Rate, Mean]:
    return (
        queries.repeat_purchase_rate(store, part, as_of),
        queries.average_order_value(store, part, as_of),
    )


def _year_of(
    store: Store, filters: Filters, part: Slice, as_of: date, points: list[RatePoint]
) -> tuple[Rate, Mean]:
    """As `year`; the rate's course, where it is that of a year, ends with the rate."""
    if filters.days == YEAR and points and points[-1].day == as_of:
        return points[-1].rate, queries.average_order_value(store, part, as_of)
    return year(store, part, as_of)


def target_figures(store: Store, filters: Filters) -> tuple[tuple[Rate, Mean], Course]:
    """What a new target changes: the worth of reaching it, and the card of the rate."""
    at = when(store, filters)
    rate = rate_course(store, filters, at.as_of, at.first_purchase)
    return year(store, chosen(filters), at.as_of), rate


def cohorts(store: Store, filters: Filters, as_of: date) -> list[Cohort]:
    return queries.cohort_matrix(store, chosen(filters), as_of)


def menus(store: Store) -> dict[str, list[DimensionValue]]:
    """The values of every dimension, most customers first. One query."""
    found: dict[str, list[DimensionValue]] = {name: [] for name in DIMENSIONS}
    rows = (
        CohortValue.objects.filter(store=store, dimension__in=DIMENSIONS)
        .values_list("dimension", "value")
        .annotate(n=Sum("customers"))
        .filter(n__gt=0)
        .order_by("-n", "value")
    )
    for dimension, value, n in rows:
        found[dimension].append(DimensionValue(value, int(n)))
    return found


def segments(store: Store) -> list[SegmentSize]:
    """Segments and lists to choose from, by name. Two queries."""
    sizes = counts(store)
    found = Segment.objects.filter(store=store).active().order_by("name").values_list("pk", "name")
    return [SegmentSize(pk, name, sizes.get(pk, 0)) for pk, name in found]


def segment_of(store: Store, number: int) -> Segment | None:
    """The active one of this number."""
    return Segment.objects.filter(store=store, pk=number).active().first() if number else None


def people_of(segment: int) -> QuerySet[Customer]:
    """Who is in it now; nobody where there is no such segment. The figures themselves keep to one store."""
    stays = Membership.objects.filter(segment=segment, segment__status="active", left_at=None)
    return Customer.objects.filter(pk__in=stays.values("customer_id"))


def rate_points(store: Store, filters: Filters, as_of: date, since: date | None = None) -> list[RatePoint]:
    """The rate every two weeks of two years, from the first day on that has all its days on record."""
    part = chosen(filters)
    if not filters.days:
        return []
    points = queries.rpr_series(store, part, as_of, filters.days, days=730, step=14)
    since = when(store, filters).first_purchase if since is None else since
    return [p for p in points if p.rate.n and _covered(p.day, filters.days, since)]


def _covered(until: date, days: int | None, since: date | None) -> bool:
    """Are those days on record, give or take a tenth? Fewer days leave people less time to buy again, so
    the rate of a young shop would seem to rise by itself."""
    return since is not None and (days is None or (until - since).days >= days * 0.9)


def rate_course(
    store: Store,
    filters: Filters,
    as_of: date,
    since: date | None = None,
    points: list[RatePoint] | None = None,
) -> Course:
    part, days = chosen(filters), filters.days
    since = when(store, filters).first_purchase if since is None else since
    if points is None:
        points = rate_points(store, filters, as_of, since)
    then = months.year_before(as_of)
    before = NOTHING
    if _covered(then, days, since):
        before = _rate(queries.repeat_purchase_rate(store, part, then, days))
    now = next((p.rate for p in points if p.day == as_of), None)
    return Course(
        _rate(now or queries.repeat_purchase_rate(store, part, as_of, days)),
        before,
        [_rate(point.rate) for point in points],
    )


def clv_course(store: Store, filters: Filters, as_of: date) -> Course:
    part = chosen(filters)
    return Course(
        _mean(lifetime_value(store, part, as_of)),
        _mean(queries.clv_to_date(store, part, months.year_before(as_of))),
        _clv_by_cohort(store, part, months.last_complete(as_of) - 12),
    )


def aov_course(store: Store, filters: Filters, as_of: date, sums: list[Sums] | None = None) -> Course:
    part, days = chosen(filters), filters.days
    by_month = sums_by_month(store, part, as_of) if sums is None else sums
    return Course(
        _mean(order_value(store, part, as_of, days)),
        _mean(queries.average_order_value(store, part, months.year_before(as_of), days)),
        [_estimate(m.purchases, m.net, m.kept, m.squares) for m in by_month if m.purchases],
    )


def gap_course(store: Store, filters: Filters, as_of: date) -> Course:
    part = chosen(filters)
    # At the end of a month the rollup alone answers; see `metrics.queries.kpis`.
    then = months.last_complete(months.year_before(as_of))
    now, before, by_month = queries.gaps_course(store, part, as_of, before=then, count=SPARK_MONTHS)
    return Course(_quartiles(now), _quartiles(before), [_quartiles(found) for _, found in by_month])


def trend(store: Store, filters: Filters, as_of: date, sums: list[Sums] | None = None) -> list[Month]:
    part = chosen(filters)
    points = queries.trend(store, part, as_of, count=SPARK_MONTHS)
    known: dict[int, Sums] = {}
    if not filters.narrowed:
        by_month = sums_by_month(store, part, as_of) if sums is None else sums
        known = {m.month: m for m in by_month if m.guest_net or m.guest_orders}
    first = next((i for i, p in enumerate(points) if p.purchases or p.month in known), len(points))
    return [_month(point, known.get(point.month)) for point in points[first:]]


def _month(point: TrendPoint, found: Sums | None) -> Month:
    return Month(point, found.guest_net, found.guest_orders) if found else Month(point)


def curves(store: Store, filters: Filters, as_of: date, cohorts: list[Cohort]) -> list[Curve]:
    """All customers, and the chosen months beside them. Three queries where a rollup answers."""
    part = chosen(filters)
    sizes = {cohort.month: cohort.customers for cohort in cohorts}
    chosen_months = curve_months(filters, as_of, cohorts)
    whole, *each = queries.repeat_curves(store, part, as_of, [None, *chosen_months], CURVE_DAYS)
    found = [Curve("All customers", whole, sum(sizes.values()))]
    for month, points in zip(chosen_months, each, strict=True):
        found.append(Curve(months.name(month), points, sizes[month], month))
    return [curve for curve in found if curve.points and curve.points[-1].time]


def curve_months(filters: Filters, as_of: date, cohorts: list[Cohort]) -> list[int]:
    """The chosen months; by default the latest with half a year behind it, and the same a year earlier."""
    known = {cohort.month for cohort in cohorts}
    if filters.curves:
        return [m for day in filters.curves if (m := months.month_of(day)) in known]
    old_enough = [month for month in known if month <= months.last_complete(as_of) - 6]
    latest = max(old_enough, default=0)
    return [month for month in (latest, latest - 12) if month in known]


def _rate(rate: Rate) -> Estimate:
    return Estimate(rate.value, rate.low, rate.high, rate.n) if rate.n else NOTHING


def _mean(mean: Mean) -> Estimate:
    return Estimate(mean.value, mean.low, mean.high, mean.n)


def _quartiles(found: Quartiles) -> Estimate:
    return Estimate(found.median, found.lower, found.upper, found.n)


def _clv_by_cohort(store: Store, part: Slice, last: int) -> list[Estimate]:
    if not part.rollup:
        return []
    dimension, value = part.rollup
    rows = (
        CohortValue.objects.filter(
            store=store,
            dimension=dimension,
            value=value,
            cohort__lte=last,
            cohort__gt=last - SPARK_MONTHS,
            customers__gt=0,
        )
        .order_by("cohort")
        .values_list("customers", "net", "squares")
    )
    return [_estimate(n, net, net, int(squares)) for n, net, squares in rows]


@dataclass(frozen=True)
class Sums:
    """A calendar month of a rollup; the last one up to the day of the page."""

    month: int
    purchases: int
    net: int
    kept: int
    squares: int
    guest_orders: int
    guest_net: int


def sums_by_month(store: Store, part: Slice, as_of: date) -> list[Sums]:
    """The months of the sparklines and trends, oldest first; none without a rollup. One query."""
    if not part.rollup:
        return []
    since = months.first_day(months.month_of(as_of) - SPARK_MONTHS + 1)
    rows = (
        Daily.objects.filter(
            store=store, dimension=part.rollup[0], value=part.rollup[1], day__gte=since, day__lte=as_of
        )
        .annotate(in_month=TruncMonth("day"))
        .order_by("in_month")
        .values_list("in_month")
        .annotate(
            n=Sum("purchases"),
            net=Sum("sales") - Sum("refunds"),
            worth=Sum("kept"),
            spread=Sum("squares"),
            guests=Sum("guest_orders"),
            guest_net=Sum("guest_sales") - Sum("guest_refunds"),
        )
    )
    return [Sums(months.month_of(day), *map(int, numbers)) for day, *numbers in rows]


def _estimate(n: int, total: int, kept: int, squares: int) -> Estimate:
    half = mean_half_width(n, kept, squares)
    value = total / n
    return Estimate(value, None if half is None else value - half, None if half is None else value + half, n)
