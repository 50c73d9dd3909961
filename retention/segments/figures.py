"""What the pages of segments say of them in numbers: sizes, shares, courses, figures side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.db import connection
from django.db.models import Max, QuerySet
from django.utils import timezone

from retention.customers.models import Customer
from retention.lib import charts, formats
from retention.lib.charts import Series, Spark, spark
from retention.metrics import queries as metrics
from retention.metrics.models import Purchase
from retention.metrics.queries import Mean, Quartiles, Rate, Slice
from retention.segments import queries
from retention.segments.members import Surroundings
from retention.segments.models import Segment
from retention.segments.statement import day_start
from retention.stores.models import Store

# After so long without a purchase figures are true for the day of the last one, as on the front page.
STALE_DAYS = 45
COURSE_WEEKS = 26
REVIEW_DAYS = 182


@dataclass(frozen=True)
class Row:
    """A segment in the list."""

    segment: Segment
    size: str
    share_of_customers: str
    share_of_revenue: str
    spark: Spark | None
    review_due: bool
    course_words: str = ""


def listed(store: Store, segments: Sequence[Segment]) -> list[Row]:
    """Three queries however many segments there are. Cost: one pass over all stays of the store."""
    found, courses = _sizes_and_revenues(store), _courses(store)
    customers, revenue = queries.totals(store)
    today = metrics.today(store)
    return [
        _row(one, *found.get(one.pk, (0, 0)), customers, revenue, courses.get(one.pk, []), today)
        for one in segments
    ]


def _row(
    segment: Segment, size: int, net: int, customers: int, revenue: int, course: list[int], today: date
) -> Row:
    locale = segment.store.locale
    return Row(
        segment,
        formats.number(size, locale),
        formats.percent(size / customers if customers else None, locale),
        formats.percent(net / revenue if revenue else None, locale),
        spark(course) if any(course) else None,
        segment.review_on <= today,
        f"from {formats.number(course[0], locale)} to {formats.number(course[-1], locale)} people"
        if course
        else "",
    )


def _sizes_and_revenues(store: Store) -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.segment_id, count(*), coalesce(sum(f.net), 0)::bigint FROM segments_membership m"
            " JOIN segments_segment s ON s.id = m.segment_id"
            " LEFT JOIN metrics_customerfact f ON f.customer_id = m.customer_id"
            " WHERE s.store_id = %s AND m.left_at IS NULL GROUP BY 1",
            [store.pk],
        )
        return {pk: (size, net) for pk, size, net in cursor.fetchall()}


def _courses(store: Store) -> dict[int, list[int]]:
    """Sizes at the ends of weeks since each segment was made, the present one last."""
    statement = Surroundings.of(store).statement()
    text = f"""
        WITH d AS (SELECT w AS week, {day_start("({today} - 7 * w + 1)")} AS at
            FROM generate_series(0, {COURSE_WEEKS}) w),
        moves AS (
            SELECT m.segment_id, m.entered_at AS at, 1 AS n FROM segments_membership m
            JOIN segments_segment s ON s.id = m.segment_id WHERE s.store_id = {{store}}
            UNION ALL SELECT m.segment_id, m.left_at, -1 FROM segments_membership m
            JOIN segments_segment s ON s.id = m.segment_id
            WHERE s.store_id = {{store}} AND m.left_at IS NOT NULL),
        counted AS (SELECT segment_id, (SELECT max(d.week) FROM d WHERE d.at > m.at) AS week, sum(n) AS n
            FROM (SELECT segment_id, at, sum(n) AS n FROM moves GROUP BY 1, 2) m GROUP BY 1, 2)
        SELECT s.id, array_agg(c.size ORDER BY c.week DESC) FROM segments_segment s
        JOIN LATERAL (SELECT d.week, d.at, coalesce((SELECT sum(c.n) FROM counted c
            WHERE c.segment_id = s.id AND c.week >= d.week), 0)::bigint AS size FROM d) c
        ON c.at > s.created_at WHERE s.store_id = {{store}} GROUP BY 1"""
    with connection.cursor() as cursor:
        cursor.execute(statement.at(text, timezone.now()))
        return dict(cursor.fetchall())


# One segment


@dataclass(frozen=True)
class Chart:
    title: str
    alt: str
    figure: charts.Figure
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    drawn: bool


def size_chart(segment: Segment, *, days: int = 365) -> Chart:
    """Its size at the end of each day since it was made, at most a year."""
    store, last = segment.store, metrics.today(segment.store)
    made = segment.created_at.astimezone(store.tz).date()
    found = queries.sizes(segment, max(made, last - timedelta(days=days)), last)
    layout = charts.perennial(y_format=",.0f")
    layout["xaxis"]["tickformat"] = "%b %-d" if len(found) < 100 else "%b %Y"
    layout["margin"]["t"] = 12
    series = Series("People", [one.day.isoformat() for one in found], [one.size for one in found])
    first, now = found[0], found[-1]
    number = formats.number
    return Chart(
        title="Size over time",
        alt=f"Size over time: {number(first.size, store.locale)} people on"
        f" {formats.day(first.day, store.locale)}, {number(now.size, store.locale)} today."
        if len(found) > 1
        else f"Made today, with {formats.counted(now.size, 'person', 'people', store.locale)}."
        " The line grows from tomorrow on.",
        figure=charts.lines([series], layout, hover="%{y:,.0f} people"),
        head=("Day", "People"),
        lines=[
            (formats.day(one.day, store.locale), number(one.size, store.locale)) for one in reversed(found)
        ],
        drawn=len(found) > 1,
    )


@dataclass(frozen=True)
class Pair:
    """A number then and now, as bars: widths are percent of the larger."""

    label: str
    then: str
    now: str
    then_width: str
    now_width: str


@dataclass(frozen=True)
class DriftCard:
    since: str
    pairs: list[Pair]
    stayed: str


def drift_card(segment: Segment, now: datetime | None = None) -> DriftCard | None:
    """Compared with half a year ago, or with when it was made; None on its first day."""
    now, store = now or timezone.now(), segment.store
    age = (now - segment.created_at).days
    if age < 1:
        return None
    found = queries.drift(segment, now, days=min(age, REVIEW_DAYS))
    number = formats.number
    share = formats.percent(
        found.stayed / found.size_then if found.size_then else None, store.locale, digits=0
    )
    money = [
        formats.money(one, store.currency, store.locale, whole=True)
        for one in (found.revenue_then, found.revenue_now)
    ]
    sizes = [number(one, store.locale) for one in (found.size_then, found.size_now)]
    return DriftCard(
        formats.day(found.then, store.locale),
        [
            _pair("People", sizes, found.size_then, found.size_now),
            _pair("Their revenue to date", money, found.revenue_then, found.revenue_now),
        ],
        f"{number(found.stayed, store.locale)} of {sizes[0]} ({share}) were in then and are in now.",
    )


def _pair(label: str, words: Sequence[str], then: int, now: int) -> Pair:
    top = max(then, now, 1)
    return Pair(label, words[0], words[1], *(f"{100 * max(one, 0) / top:.1f}" for one in (then, now)))


# Two segments side by side


@dataclass(frozen=True)
class Measured:
    label: str
    values: tuple[str, str]
    notes: tuple[str, str]
    difference: str


def true_for(store: Store) -> date:
    """The day that figures of the last 365 days are true for."""
    today = metrics.today(store)
    last = Purchase.objects.filter(store=store).aggregate(last=Max("day"))["last"]
    return last if last and (today - last).days > STALE_DAYS else today


@dataclass(frozen=True)
class Comparison:
    as_of: str
    rows: list[Measured]
    both: int
    sizes: tuple[int, int]

    @property
    def only(self) -> tuple[int, int]:
        return self.sizes[0] - self.both, self.sizes[1] - self.both

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Class and width of the bar: only in the first, in both, only in the second."""
        whole = max(sum(self.only) + self.both, 1)
        shares = (self.only[0], self.both, self.only[1])
        names = ("first", "both", "second")
        return [(name, f"{100 * n / whole:.1f}") for name, n in zip(names, shares, strict=True)]


def compared(store: Store, first: Segment, second: Segment) -> Comparison:
    as_of = true_for(store)
    people = [queries.customers_in(one) for one in (first, second)]
    (size_a, net_a), (size_b, net_b), both = _sizes_of(first, second)
    customers, revenue = queries.totals(store)
    locale = store.locale
    number, money = formats.number, partial(formats.money, currency=store.currency, locale=locale, whole=True)
    rows = [
        Measured(
            "People",
            (number(size_a, locale), number(size_b, locale)),
            _shares(size_a, size_b, customers, locale),
            _signed(size_a - size_b, lambda n: number(n, locale)),
        ),
        Measured(
            "Net revenue to date",
            (money(net_a), money(net_b)),
            _shares(net_a, net_b, revenue, locale),
            formats.signed_money(net_a - net_b, store.currency, locale, whole=True),
        ),
        *_figures(store, people, as_of),
    ]
    return Comparison(formats.day(as_of, locale), rows, both, (size_a, size_b))


def _shares(first: int, second: int, whole: int, locale: str) -> tuple[str, str]:
    shares = (formats.percent(n / whole if whole else None, locale) for n in (first, second))
    return (f"{next(shares)} of all", f"{next(shares)} of all")


def _sizes_of(first: Segment, second: Segment) -> tuple[tuple[int, int], tuple[int, int], int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE m.a), coalesce(sum(f.net) FILTER (WHERE m.a), 0)::bigint,"
            " count(*) FILTER (WHERE m.b), coalesce(sum(f.net) FILTER (WHERE m.b), 0)::bigint,"
            " count(*) FILTER (WHERE m.a AND m.b)"
            " FROM (SELECT customer_id, bool_or(segment_id = %(a)s) AS a, bool_or(segment_id = %(b)s) AS b"
            " FROM segments_membership WHERE segment_id IN (%(a)s, %(b)s) AND left_at IS NULL GROUP BY 1) m"
            " LEFT JOIN metrics_customerfact f USING (customer_id)",
            {"a": first.pk, "b": second.pk},
        )
        size_a, net_a, size_b, net_b, both = cursor.fetchone()
    return (size_a, net_a), (size_b, net_b), both


def _figures(store: Store, people: Sequence[QuerySet[Customer]], as_of: date) -> Iterable[Measured]:
    parts = [Slice(customers=one) for one in people]
    locale, currency = store.locale, store.currency
    rates = [metrics.repeat_purchase_rate(store, part, as_of) for part in parts]
    yield _measured(
        "Repeat purchase rate, 365 days",
        [formats.percent(one.value, locale) for one in rates],
        [_rate_note(one, locale) for one in rates],
        _difference([one.value for one in rates], lambda d: formats.points(d, locale)),
    )
    for label, figure, noun in (
        ("Lifetime value, 12 months", metrics.clv_to_date, "customer"),
        ("Average order value, 365 days", metrics.average_order_value, "purchase"),
    ):
        means = [figure(store, part, as_of) for part in parts]
        yield _measured(
            label,
            [formats.money(one.value, currency, locale) for one in means],
            [_mean_note(one, store, noun) for one in means],
            _difference([one.value for one in means], lambda d: formats.signed_money(d, currency, locale)),
        )
    gaps = [metrics.time_between_purchases(store, part, as_of) for part in parts]
    yield _measured(
        "Time between purchases",
        [formats.days(one.median, locale) for one in gaps],
        [_gap_note(one, locale) for one in gaps],
        _difference([one.median for one in gaps], lambda d: _signed(d, lambda n: formats.days(n, locale))),
    )


def _measured(label: str, values: Sequence[str], notes: Sequence[str], difference: str) -> Measured:
    return Measured(label, (values[0], values[1]), (notes[0], notes[1]), difference)


def _difference(values: Sequence[float | None], words: Callable[[float], str]) -> str:
    first, second = values
    return formats.NOTHING if first is None or second is None else words(first - second)


def _signed(value: float, words: Callable[[float], str]) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "") + words(abs(value))


def _rate_note(rate: Rate, locale: str) -> str:
    if rate.value is None:
        return "nobody bought in these days"
    low, high = formats.percent(rate.low, locale), formats.percent(rate.high, locale)
    return f"{low} to {high} · {formats.counted(rate.n, 'buyer', locale=locale)}"


def _mean_note(mean: Mean, store: Store, noun: str) -> str:
    counted = formats.counted(mean.n, noun, locale=store.locale)
    if mean.low is None:
        return counted
    low, high = (formats.money(one, store.currency, store.locale) for one in (mean.low, mean.high))
    return f"{low} to {high} · {counted}"


def _gap_note(found: Quartiles, locale: str) -> str:
    if found.median is None:
        return "nobody bought twice"
    half = f"half between {formats.number(found.lower, locale)} and {formats.days(found.upper, locale)}"
    return f"{half} · {formats.counted(found.n, 'gap', locale=locale)}"
