"""Questions about segments: what a rule would find, who is in, how they compare, how they grew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from retention.customers.models import Customer
from retention.segments.compiling import compiled
from retention.segments.explaining import Explained, explain
from retention.segments.facts import zone_of
from retention.segments.members import Surroundings
from retention.segments.models import Membership, Segment, SegmentQuerySet
from retention.segments.rules import Rule
from retention.segments.statement import day_start
from retention.stores.models import Store

SAMPLE = 10


@dataclass(frozen=True)
class Preview:
    """Money is net revenue to date, in minor units; shares are of 1, None of nothing."""

    count: int
    customers: int
    revenue: int
    whole_revenue: int
    sample: list[Customer]

    @property
    def share_of_customers(self) -> float | None:
        return self.count / self.customers if self.customers else None

    @property
    def share_of_revenue(self) -> float | None:
        return self.revenue / self.whole_revenue if self.whole_revenue else None


def preview(store: Store, rule: Rule, now: datetime | None = None) -> Preview:
    """What a (checked) rule finds now, without keeping it."""
    statement = Surroundings.of(store).statement()
    # Sample people by a scrambled id: the same ones for the same people, but not the oldest.
    text = f"""
        WITH found AS MATERIALIZED (SELECT c.id, f.net FROM {compiled(rule, statement).people()})
        SELECT count(*), coalesce(sum(net), 0)::bigint,
            ARRAY(SELECT id FROM found ORDER BY (id * 2654435761) & 4294967295, id LIMIT {SAMPLE})
        FROM found"""
    with connection.cursor() as cursor:
        cursor.execute(statement.at(text, now or timezone.now()))
        count, revenue, ids = cursor.fetchone()
    people = {customer.pk: customer for customer in Customer.objects.filter(pk__in=ids)}
    customers, whole = totals(store)
    return Preview(count, customers, revenue, whole, [people[pk] for pk in ids])


def totals(store: Store) -> tuple[int, int]:
    """All people of a store, and their net revenue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(sales - refunds), 0)::bigint FROM metrics_daily"
            " WHERE store_id = %s AND dimension = 'all'",
            [store.pk],
        )
        revenue = int(cursor.fetchone()[0])
    return people_of(store), revenue


# Counting a million people takes longer than most rules; for a share, ten minutes ago is good enough.
FRESH, FEW_PEOPLE = 600, 50_000


def people_of(store: Store) -> int:
    """How many people a store knows."""
    key = f"segments:people:{store.pk}"
    known = cache.get(key)
    if known is None:
        known = Customer.objects.filter(store=store, merged_into=None).count()
        if known > FEW_PEOPLE:
            cache.set(key, known, FRESH)
    return int(known)


def customers_in(segment: Segment) -> QuerySet[Customer]:
    """Those who are in it now; also for narrowing any figure."""
    stays = Membership.objects.filter(segment=segment, left_at=None)
    return Customer.objects.filter(pk__in=stays.values("customer_id"))


def customers_matching(store: Store, rule: Rule, now: datetime | None = None) -> QuerySet[Customer]:
    """Those for whom a (checked) rule holds at this moment."""
    statement = Surroundings.of(store).statement()
    text = statement.at(compiled(rule, statement).ids(), now or timezone.now())
    return Customer.objects.filter(pk__in=RawSQL(text.replace("%", "%%"), ()))


def segments_of(customer: Customer) -> QuerySet[Membership]:
    """In which segments somebody is now, and since when."""
    stays = Membership.objects.filter(customer_id=customer.pk, left_at=None, segment__status="active")
    return stays.select_related("segment").order_by("segment__name")


def why(segment: Segment, customer: Customer, now: datetime | None = None) -> Explained | None:
    """Which conditions of a segment hold for somebody, and with which values; None for a list."""
    if segment.kind != Segment.Kind.RULE:
        return None
    return explain(segment.store, segment.tree, customer.pk, now or timezone.now())


@dataclass(frozen=True)
class Overlap:
    """`both` are in both; `other` are in the other segment."""

    segment: Segment
    both: int
    other: int


def overlap(segment: Segment) -> list[Overlap]:
    """With every other active segment, the largest first."""
    return _overlaps(
        segment.store, f"SELECT customer_id FROM segments_membership WHERE segment_id = {int(segment.pk)}"
        " AND left_at IS NULL", without=segment.pk,
    )  # fmt: skip


def overlap_of_rule(store: Store, rule: Rule, now: datetime | None = None) -> list[Overlap]:
    """The same for a rule that is not kept."""
    statement = Surroundings.of(store).statement()
    return _overlaps(store, statement.at(compiled(rule, statement).ids(), now or timezone.now()))


def _overlaps(store: Store, ids: str, *, without: int | None = None) -> list[Overlap]:
    segments = {one.pk: one for one in Segment.objects.filter(store=store).active() if one.pk != without}
    # The ids are finished text: no parameters beside them, or a per cent sign in them would count as one.
    wanted = ", ".join(str(int(pk)) for pk in segments) or "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found(id) AS MATERIALIZED ({ids})"
            " SELECT m.segment_id, count(*), count(found.id) FROM segments_membership m"
            f" LEFT JOIN found ON found.id = m.customer_id"
            f" WHERE m.left_at IS NULL AND m.segment_id IN ({wanted}) GROUP BY 1 ORDER BY 3 DESC, 1"
        )
        return [Overlap(segments[pk], both, other) for pk, other, both in cursor.fetchall()]


@dataclass(frozen=True)
class Size:
    """At the end of a local day; revenue is what those people had brought to date, as known now."""

    day: date
    size: int


def sizes(segment: Segment, first: date, last: date) -> list[Size]:
    """Size over time, from the stays of its people. Cost: one pass over the segment's history."""
    zone = segment.time_zone or zone_of(segment.store)
    statement = Surroundings(segment.store_id, zone, Surroundings.of(segment.store).benchmarks).statement()
    ends, mine = day_start("d.day + 1"), f"segment_id = {statement.whole(segment.pk)}"
    text = f"""
        WITH d AS (SELECT generate_series({statement.put(first, "date")}::timestamp,
                {statement.put(last, "date")}::timestamp, '1 day')::date AS day),
        e AS (SELECT d.day, {ends} AS at FROM d),
        moves AS (
            SELECT entered_at AS at, 1 AS n FROM segments_membership WHERE {mine}
            UNION ALL SELECT left_at, -1 FROM segments_membership WHERE {mine} AND left_at IS NOT NULL),
        counted AS (SELECT (SELECT min(e.day) FROM e WHERE e.at > m.at) AS day, sum(n) AS n
            FROM (SELECT at, sum(n) AS n FROM moves GROUP BY at) m GROUP BY 1)
        SELECT e.day, coalesce(sum(c.n) OVER (ORDER BY e.day), 0)::bigint
        FROM e LEFT JOIN counted c USING (day) ORDER BY e.day"""
    with connection.cursor() as cursor:
        cursor.execute(statement.at(text, timezone.now()))
        return [Size(day, size) for day, size in cursor.fetchall()]


@dataclass(frozen=True)
class Drift:
    """A segment then and now: people, those who were in both times, and what each group brought to date."""

    then: date
    size_then: int
    size_now: int
    stayed: int
    revenue_then: int
    revenue_now: int


def drift(segment: Segment, now: datetime | None = None, *, days: int = 182) -> Drift:
    """Compared with so many days ago. Revenue is to date, for both groups."""
    now = now or timezone.now()
    then = now - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH m AS (
                SELECT customer_id, bool_or(left_at IS NULL) AS now,
                    bool_or(entered_at <= %(then)s AND (left_at IS NULL OR left_at > %(then)s)) AS was
                FROM segments_membership WHERE segment_id = %(segment)s GROUP BY 1
            )
            SELECT count(*) FILTER (WHERE m.was), count(*) FILTER (WHERE m.now),
                count(*) FILTER (WHERE m.was AND m.now),
                coalesce(sum(t.net) FILTER (WHERE m.was), 0)::bigint,
                coalesce(sum(t.net) FILTER (WHERE m.now), 0)::bigint
            FROM m LEFT JOIN metrics_customerfact t USING (customer_id)
            """,
            {"segment": segment.pk, "then": then},
        )
        row = cursor.fetchone()
    return Drift(then.astimezone(segment.store.tz).date(), *row)


def counts(store: Store) -> dict[int, int]:
    """How many people are in each segment now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.segment_id, count(*) FROM segments_membership m"
            " JOIN segments_segment s ON s.id = m.segment_id"
            " WHERE s.store_id = %s AND m.left_at IS NULL GROUP BY 1",
            [store.pk],
        )
        return dict(cursor.fetchall())


def to_review(store: Store, today: date) -> SegmentQuerySet:
    """Whose review date has come."""
    return Segment.objects.filter(store=store, review_on__lte=today).active()
