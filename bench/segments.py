"""Segments of a large shop: a typical rule of six conditions, previewed, refreshed, and asked of one person.

python bench/segments.py [--scale 0.1]      scale 1: 1 M people, 10 M orders, 5 M messages

Compared in the same run with the same question asked of raw orders, lines and events, which must find the
same people. Figures are warm medians.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.goals import goal, own_data, say, stopwatch, timed

if TYPE_CHECKING:
    from retention.segments.models import Segment
    from retention.stores.models import Store

NOW = datetime(2026, 1, 1, 17, tzinfo=UTC)
MESSAGES = 5_000_000
GOODS_PER_CATEGORY = 20
SENT = "message.sent"
CATEGORY, SPEND, CHANNELS = "Category 3", 10_000, ["search", "social", "email", "direct"]
RULE: dict[str, Any] = {
    "all": [
        {"if": "orders.count", "is": "at_least", "value": 2},
        {"if": "orders.last", "is": "between_ago", "value": {"from": 30, "to": 90, "unit": "days"}},
        {"if": "orders.spend", "is": "more_than", "value": SPEND},
        {"if": "products.bought", "is": "yes", "of": {"category": [CATEGORY]}},
        {"if": "orders.first_channel", "is": "is_any_of", "value": CHANNELS},
        {
            "if": "events.count", "is": "equals", "value": 0, "kind": SENT,
            "during": {"is": "in_last", "value": {"n": 7, "unit": "days"}},
        },
    ]
}  # fmt: skip
RAW = """
    WITH bought AS (
        SELECT customer_id, count(*) AS n, max((placed_at AT TIME ZONE %(zone)s)::date) AS last,
            sum(items - discounts - refunded) AS net,
            (array_agg(channel ORDER BY placed_at, source COLLATE "C", external_id COLLATE "C"))[1] AS channel
        FROM orders_order WHERE store_id = %(store)s AND customer_id IS NOT NULL AND cancelled_at IS NULL
            AND NOT test AND NOT void GROUP BY customer_id
    )
    SELECT b.customer_id FROM bought b
    WHERE b.n >= 2 AND b.last BETWEEN %(today)s::date - 90 AND %(today)s::date - 30 AND b.net > %(spend)s
        AND b.channel = ANY(%(channels)s)
        AND EXISTS (SELECT FROM orders_order o JOIN orders_line l ON l.order_id = o.id
            JOIN catalog_product p ON p.id = l.product_id
            WHERE o.customer_id = b.customer_id AND o.cancelled_at IS NULL AND p.category = %(category)s)
        AND NOT EXISTS (SELECT FROM timeline_event e WHERE e.store_id = %(store)s
            AND e.customer_id = b.customer_id AND e.kind = %(kind)s
            AND (e.occurred_at AT TIME ZONE %(zone)s)::date BETWEEN %(today)s::date - 6 AND %(today)s::date)
"""


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--scale", type=float, default=1.0)
    scale = given.parse_args().scale
    with own_data(free_gb=5 + 30 * scale):
        store = _fill(scale)
        met = [*_ask_all(store, scale), *_ask_one(store)]
    say(f"{sum(met)} of {len(met)} goals met at scale {scale:g}")
    sys.exit(0 if all(met) else 1)


def _fill(scale: float) -> Store:
    from django.db import connection

    from bench.big_shop import make_shop
    from retention.metrics.rebuild import rebuild as rebuild_metrics
    from retention.segments import facts
    from retention.timeline.models import Follower

    _declare_message()
    with stopwatch("people, orders"):
        store = make_shop("bench", scale)
    with stopwatch("lines and messages"), connection.cursor() as cursor:
        _goods(cursor, store)
        _messages(cursor, store, int(MESSAGES * scale))
        for table in ("catalog_product", "orders_line", "timeline_event"):
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("SELECT max(xid::text::bigint), max(id) FROM timeline_event")
        xid, event = cursor.fetchone()
    Follower.objects.create(name="segments", xid=str(xid), event_id=event)
    with stopwatch("figures"):
        rebuild_metrics(store)
    with stopwatch("rows of segments"):
        facts.rebuild(store)
        facts.measure(store, NOW.date())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return store


def _declare_message() -> None:
    """Messages have no app of their own here; their event has the shape of any other."""
    from retention.timeline.kinds import KINDS, Kind

    KINDS.setdefault(SENT, type("MessageSent", (Kind,), {"name": SENT, "icon": "mail", "sentence": "Sent"}))


def _goods(cursor: Any, store: Store) -> None:
    cursor.execute(
        """
        INSERT INTO catalog_product (store_id, source, external_id, sku, title, handle, category, vendor,
            tags, image_url, price, active, version, digest)
        SELECT %(store)s, 'bench', c || '-' || i, c || '-' || i, 'Product', '', 'Category ' || c,
            'Vendor ' || i, '[]', '', 500 + 100 * i, true, 0, ''
        FROM generate_series(0, 23) AS c, generate_series(0, %(each)s - 1) AS i
        """,
        {"store": store.pk, "each": GOODS_PER_CATEGORY},
    )
    cursor.execute(
        """
        INSERT INTO orders_line (order_id, position, product_id, sku, title, quantity, unit_price, discount,
            total, gift_card)
        SELECT o.id, 0, p.id, p.sku, '', 1, o.items, 0, o.items, false
        FROM orders_order o JOIN catalog_product p
            ON p.external_id = substr(o.first_category, 10) || '-' || o.id %% %(each)s
        WHERE o.store_id = %(store)s
        """,
        {"store": store.pk, "each": GOODS_PER_CATEGORY},
    )


def _messages(cursor: Any, store: Store, count: int) -> None:
    cursor.execute(
        """
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, ends.low + floor(random() * (ends.high - ends.low + 1))::bigint, %(kind)s,
            %(now)s::timestamptz - random() * interval '200 days', '', '{}', 'bench'
        FROM generate_series(1, %(count)s) AS i,
            (SELECT min(id) AS low, max(id) AS high FROM customers_customer
             WHERE store_id = %(store)s) AS ends
        """,
        {"store": store.pk, "kind": SENT, "now": NOW, "count": count},
    )


def _raw(store: Store) -> list[int]:
    from django.db import connection

    given: dict[str, Any] = {
        "store": store.pk, "zone": store.time_zone, "today": NOW.astimezone(store.tz).date(), "spend": SPEND,
        "channels": CHANNELS, "category": CATEGORY, "kind": SENT,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '128MB'")
        cursor.execute(RAW, given)
        found = sorted(row[0] for row in cursor.fetchall())
        cursor.execute("RESET work_mem")
    return found


@dataclass
class Refreshing:
    """Each round is a day later, so that people come and leave by time."""

    store: Store
    segment: Segment
    day: int = 0
    moved: int = 0

    def __call__(self) -> None:
        from retention.segments.living import refresh_with_dependents

        self.day += 1
        found = refresh_with_dependents(
            self.store, {self.segment.pk}, NOW + timedelta(days=self.day), cause="deed", told=False
        )
        self.moved = sum(len(people) for side in (found.entered, found.left) for people in side.values())


def _ask_all(store: Store, scale: float) -> list[bool]:
    from retention.segments import actions, queries

    raw, _ = timed(lambda: _raw(store), 1 if scale > 0.5 else 3)
    preview, late = timed(lambda: queries.preview(store, RULE, NOW), 9)
    ids, _ = timed(lambda: list(queries.customers_matching(store, RULE, NOW).values_list("pk", flat=True)), 5)
    found = sorted(queries.customers_matching(store, RULE, NOW).values_list("pk", flat=True))
    if found != _raw(store):
        raise SystemExit("The rule and the raw question do not find the same people.")
    say(f"{len(found)} people; raw {raw:.0f} ms, preview {preview:.0f} (95 %: {late:.0f}), ids {ids:.0f} ms")
    with stopwatch("segment made and filled"):
        segment = actions.create_segment(store, name="Typical", rule=RULE, by="bench", now=NOW)
    refreshing = Refreshing(store, segment)
    refresh, late = timed(refreshing, 7)
    say(f"refresh {refresh:.0f} ms (95 %: {late:.0f}), {refreshing.moved} moved in the last")
    return [
        goal("preview_ms", preview, 300),
        goal("refresh_with_difference_ms", refresh, 500),
        goal("times_faster_than_raw", raw / preview, 15, at_least=True),
    ]


def _rules() -> list[dict[str, Any]]:
    """A hundred different rules of six conditions each."""

    def varied(i: int) -> dict[str, Any]:
        nodes: list[dict[str, Any]] = [dict(node) for node in RULE["all"]]
        count, last, spend, bought, channel, sent = nodes
        count["value"] = 1 + i % 5
        last["value"] = {"from": 5 + i, "to": 60 + 2 * i, "unit": "days"}
        spend["value"] = 1_000 * (1 + i % 30)
        bought["of"] = {"category": [f"Category {i % 24}"]}
        channel["value"] = [CHANNELS[i % 4]]
        sent["during"] = {"is": "in_last", "value": {"n": 2 + i % 20, "unit": "days"}}
        return {"all": [count, last, spend, {"any": [bought, channel]}, sent]}

    return [varied(i) for i in range(100)]


def _ask_one(store: Store) -> list[bool]:
    from retention.customers.models import Customer
    from retention.segments.living import pass_time, reevaluate
    from retention.segments.models import Segment

    Segment.objects.all().delete()
    Segment.objects.bulk_create(
        Segment(store=store, name=f"No. {i}", rule=rule) for i, rule in enumerate(_rules())
    )
    people = list(Customer.objects.filter(store=store).values_list("pk", flat=True)[:2_000])
    turn = iter(people * 2)

    def one() -> None:
        reevaluate(store, {"order.placed": {next(turn)}}, NOW)

    def many() -> None:
        reevaluate(store, {"order.placed": set(people[:1_000])}, NOW)

    first, _ = timed(one, 100)
    for person in people[:200]:
        reevaluate(store, {"order.placed": {person}}, NOW)
    turn = iter(people * 2)
    again, late = timed(one, 150)
    say(f"one person and 100 segments: {first:.2f} ms when new, {again:.2f} after (95 %: {late:.2f})")
    batch, _ = timed(many, 3)
    say(f"1,000 people and 100 segments: {batch:.0f} ms")
    _time(lambda: pass_time(store, NOW + timedelta(days=3)))
    return [goal("one_person_100_segments_ms", again, 5)]


def _time(passes: Callable[[], int]) -> None:
    with stopwatch("three days pass for those people"):
        due = passes()
    say(f"{due} had a moment in them")


if __name__ == "__main__":
    main()
