"""A year played by the clock, in three time zones: every move by time happens once, on its local day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from retention.metrics.rebuild import rebuild as rebuild_metrics
from retention.orders.models import Order, Shipment
from retention.segments import actions, living
from retention.segments.benchmarks import Benchmarks
from retention.segments.models import Membership, Turn
from retention.timeline.models import Event
from tests.segments.oracle import Shop
from tests.segments.shop import ZONES
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def days_ago(operator, **value):
    return {"if": "orders.last", "is": operator, "value": {"unit": "days", **value}}


RULES = {
    "last 30 days": days_ago("in_last", n=30),
    "30 to 90 days ago": days_ago("between_ago", **{"from": 30, "to": 90}),
    "more than 2 months ago": days_ago("more_than_ago", n=2, unit="months"),
    "last month": {"if": "orders.last", "is": "previous", "value": "month"},
    "bought this week": {
        "if": "orders.count", "is": "at_least", "value": 1, "during": {"is": "this", "value": "week"},
    },
    "twice in 90 days": {
        "if": "orders.count", "is": "at_least", "value": 2,
        "during": {"is": "in_last", "value": {"n": 90, "unit": "days"}},
    },
    "birthday": {"if": "profile.birthday", "is": "today"},
    "birthday soon": {"if": "profile.birthday", "is": "in_next", "value": {"n": 7, "unit": "days"}},
    "a year with us": {"if": "orders.first", "is": "anniversary_today"},
    "late for the next": {"if": "orders.rhythm", "is": "between", "value": [150, 300]},
    "quiet, not lost": {
        "all": [
            {"not": days_ago("in_last", n=14)},
            {"any": [days_ago("in_last", n=100), {"if": "orders.count", "is": "at_least", "value": 3}]},
        ]
    },
}  # fmt: skip
BIRTHDAYS = ["1988-02-29", "--12-31", "1990-01-01", "2001-04-05", "--03-08", "1999-02-28"]


def a_shop(zone):
    """People whose purchases lie around midnight, around clock changes, and at month ends."""
    store = a_store(f"Shop in {zone}", time_zone=zone)
    tz = ZoneInfo(zone)
    days = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 7), date(2026, 4, 4),
            date(2026, 4, 5), date(2026, 8, 31), date(2026, 9, 26), date(2026, 10, 31), date(2024, 2, 29)]  # fmt: skip
    for number, day in enumerate(days):
        person = a_customer(store, birthday=BIRTHDAYS[number % len(BIRTHDAYS)])
        for nth in range(1 + number % 3):
            midnight = datetime(day.year, day.month, day.day, tzinfo=tz) - nth * 25 * DAY
            at = [midnight, midnight + timedelta(hours=23, minutes=59, seconds=59)][number % 2]
            order = Order.objects.create(
                store=store,
                source="test",
                external_id=f"{number}-{nth}",
                customer=person,
                placed_at=at,
                items=1000,
            )
            Shipment.objects.create(order=order, external_id="1", due_at=at + 3 * DAY)
    rebuild_metrics(store)
    return store


def midnights(tz):
    """The first moment of every local day."""
    day = FIRST
    while day <= LAST:
        yield day, datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC)
        day += DAY


def expected_moves(found, rule, tz):
    """(person, local day, in or out) by asking plain Python once a day."""
    moves, before = set(), None
    for day, midnight in midnights(tz):
        now = found.members(rule, midnight)
        if before is not None:
            moves |= {(pk, day, "in") for pk in now - before} | {(pk, day, "out") for pk in before - now}
        before = now
    return moves


@pytest.mark.parametrize("zone", ZONES)
def test_every_move_by_time_happens_once_on_its_local_day(zone):
    tz = ZoneInfo(zone)
    store = a_shop(zone)
    start = datetime(FIRST.year, 1, 1, tzinfo=tz).astimezone(UTC)
    groups = {
        name: actions.create_segment(store, name=name, rule=rule, by="test", now=start)
        for name, rule in RULES.items()
    }
    for _, midnight in midnights(tz):
        living.pass_time(store, midnight + timedelta(minutes=4))
        assert not Turn.objects.filter(at__lte=midnight + timedelta(minutes=4)).exists()
    found = Shop(store, Benchmarks())
    for name, group in groups.items():
        stays = Membership.objects.filter(segment=group)
        moves = [(s.customer_id, s.entered_at, "in") for s in stays if s.cause == "time"]
        moves += [(s.customer_id, s.left_at, "out") for s in stays if s.left_at]
        days = [(pk, at.astimezone(tz).date(), way) for pk, at, way in moves]
        assert len(days) == len(set(days)), name
        assert set(days) == expected_moves(found, group.tree, tz), name
        assert {at.astimezone(tz).time().isoformat() for _, at, _ in moves} <= {"00:00:00"}, name
        told = Event.objects.filter(subject=f"segment:{group.pk}", customer_id__isnull=False)
        assert {
            (
                e.customer_id,
                e.occurred_at.astimezone(tz).date(),
                "in" if e.kind == "segment.entered" else "out",
            )
            for e in told
        } == set(days)
    assert sum(Event.objects.filter(kind=kind).count() for kind in ("segment.entered", "segment.left")) > 100


def test_a_parcel_is_overdue_at_its_moment(db):
    store = a_shop("America/New_York")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    late = actions.create_segment(
        store, name="Late", rule={"if": "shipments.late", "is": "yes"}, by="test", now=now
    )
    moments = sorted(Turn.objects.filter(segment=late).values_list("at", flat=True))
    assert moments
    assert set(moments) <= set(Shipment.objects.values_list("due_at", flat=True))
    living.pass_time(store, moments[0])
    assert Membership.objects.get(segment=late, entered_at=moments[0]).cause == "time"


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00"),  # 0 o'clock comes twice
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00"),  # 0 o'clock is skipped
        ("Asia/Kolkata", "2026-04-24", "2026-04-23T18:30:00"),
    ],
)
def test_a_day_begins_with_its_first_moment(db, zone, day, first):
    from retention.segments.statement import Statement, day_start

    statement = Statement(1, zone, Benchmarks())
    text = statement.at(f"SELECT {day_start(statement.put(day, 'date'))}", datetime(2026, 1, 1, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute(text)
        assert cursor.fetchone()[0].astimezone(UTC).replace(tzinfo=None).isoformat() == first
