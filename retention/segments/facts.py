"""What segments keep beside the figures: what each person bought of each product, how often each thing
happened to them, the catalog as these rows know it, and what is usual in a store.

All of it is derived, and may be thrown away and rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from retention.lib.statistics import look_again
from retention.metrics.models import State
from retention.segments.benchmarks import SCORES, Benchmarks
from retention.segments.models import Usual
from retention.stores.models import Store
from retention.timeline.models import Follower

# What is usual among fewer buyers than this is chance: the built-in numbers serve until then.
ENOUGH = 50


def zone_of(store: Store) -> str:
    """The zone in which the store's figures are, which for a moment may not be its own new one."""
    state = State.objects.filter(store=store).first()
    return state.time_zone if state else store.time_zone


def _bought(people: str) -> str:
    return f"""
        SELECT r.customer_id, p.id AS product_id, p.store_id, p.category, p.vendor,
            sum(l.quantity) AS quantity, sum(l.total - l.discount) AS spend,
            min(r.day) AS first_day, max(r.day) AS last_day
        FROM metrics_purchase r JOIN orders_line l ON l.order_id = r.order_id
        JOIN catalog_product p ON p.id = l.product_id
        WHERE r.store_id = %(store)s AND l.quantity > 0 AND NOT l.gift_card AND {people}
        GROUP BY r.customer_id, p.id"""


BOUGHT = "customer_id, product_id, store_id, category, vendor, quantity, spend, first_day, last_day"


def keep_bought(cursor: CursorWrapper, store: Store, people: Iterable[int]) -> None:
    """What these people bought, anew."""
    given: dict[str, Any] = {"store": store.pk, "people": sorted(people)}
    if not given["people"]:
        return
    # For what thousands of people bought; only this transaction may take so much.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute(
        f"""
        WITH fresh AS MATERIALIZED ({_bought("r.customer_id = ANY(%(people)s::bigint[])")}),
        known AS MATERIALIZED (
            SELECT {BOUGHT} FROM segments_bought WHERE store_id = %(store)s
                AND customer_id = ANY(%(people)s::bigint[])
        ), gone AS (
            DELETE FROM segments_bought b USING known k
            WHERE b.customer_id = k.customer_id AND b.product_id = k.product_id
                AND NOT EXISTS (SELECT FROM fresh f
                    WHERE f.customer_id = k.customer_id AND f.product_id = k.product_id)
        )
        -- What is as it was is left out here: ON CONFLICT would look up and lock each such row for nothing.
        INSERT INTO segments_bought AS b ({BOUGHT})
        SELECT {BOUGHT} FROM (TABLE fresh EXCEPT TABLE known) AS f ORDER BY 1, 2
        ON CONFLICT (customer_id, product_id) DO UPDATE SET category = excluded.category,
            vendor = excluded.vendor, quantity = excluded.quantity, spend = excluded.spend,
            first_day = excluded.first_day, last_day = excluded.last_day
        """,
        given,
    )
    look_again("segments_bought")


TALLY = """
    SELECT coalesce(m.merged_into_id, e.customer_id) AS customer_id, e.kind, count(*) AS times,
        min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at
    FROM timeline_event e LEFT JOIN customers_customer m ON m.id = e.customer_id
    WHERE e.store_id = %(store)s AND e.customer_id IS NOT NULL AND e.kind NOT LIKE 'segment.%%' AND {people}
    GROUP BY 1, 2"""


Position = tuple[int, int]
# Events that the follower has not handed over yet will be counted when it does.
READ = "(e.xid, e.id) <= (%(xid)s::xid8, %(event)s)"


def count_again(cursor: CursorWrapper, store: Store, people: Iterable[int], *, until: Position) -> None:
    """Tallies of people whose records were merged or separated, through the event at `until`."""
    given: dict[str, Any] = {
        "store": store.pk,
        "people": sorted(people),
        "xid": str(until[0]),
        "event": until[1],
    }
    if not given["people"]:
        return
    records = (
        "e.customer_id IN (SELECT id FROM customers_customer WHERE id = ANY(%(people)s::bigint[])"
        " OR merged_into_id = ANY(%(people)s::bigint[]))"
    )
    cursor.execute("DELETE FROM segments_tally WHERE customer_id = ANY(%(people)s::bigint[])", given)
    _insert_tally(cursor, TALLY.format(people=f"{READ} AND {records}"), given)


def _insert_tally(cursor: CursorWrapper, select: str, given: dict[str, Any]) -> None:
    cursor.execute(
        "INSERT INTO segments_tally AS t (store_id, customer_id, kind, times, first_at, last_at)"
        f" SELECT %(store)s, s.customer_id, s.kind, s.times, s.first_at, s.last_at FROM ({select}) s"
        " ORDER BY 2, 3 ON CONFLICT (customer_id, kind) DO UPDATE SET times = t.times + excluded.times,"
        " first_at = least(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at)",
        given,
    )


Told = tuple[int, str, datetime]


def count_events(cursor: CursorWrapper, store: Store, told: Iterable[Told]) -> None:
    """Add new events (person, kind, moment) to the tallies."""
    people, kinds, moments = zip(*told, strict=True)
    select = """
        SELECT coalesce(m.merged_into_id, e.customer_id) AS customer_id, e.kind, count(*) AS times,
            min(e.at) AS first_at, max(e.at) AS last_at
        FROM unnest(%(people)s::bigint[], %(kinds)s::text[], %(moments)s::timestamptz[])
            AS e(customer_id, kind, at) LEFT JOIN customers_customer m ON m.id = e.customer_id
        GROUP BY 1, 2"""
    given: dict[str, Any] = {
        "store": store.pk,
        "people": list(people),
        "kinds": list(kinds),
        "moments": list(moments),
    }
    _insert_tally(cursor, select, given)


SHELF = """
    SELECT p.id AS product_id, p.store_id, p.category, p.vendor,
        CASE WHEN p.price IS NOT NULL THEN round((100 * percent_rank() OVER
            (PARTITION BY p.category, p.price IS NULL ORDER BY p.price))::numeric, 2) END AS position
    FROM catalog_product p WHERE p.store_id = %(store)s"""


def keep_shelf(cursor: CursorWrapper, store: Store) -> set[int]:
    """Follow the catalog; returns the people who bought something that moved on it."""
    cursor.execute(
        f"""
        WITH fresh AS MATERIALIZED ({SHELF}), moved AS (
            INSERT INTO segments_shelf AS h (product_id, store_id, category, vendor, position)
            SELECT product_id, store_id, category, vendor, position FROM fresh
            ON CONFLICT (product_id) DO UPDATE SET category = excluded.category, vendor = excluded.vendor,
                position = excluded.position
            WHERE (h.category, h.vendor, h.position) IS DISTINCT FROM
                (excluded.category, excluded.vendor, excluded.position)
            RETURNING product_id, category, vendor
        ), again AS (
            UPDATE segments_bought b SET category = m.category, vendor = m.vendor FROM moved m
            WHERE b.product_id = m.product_id AND (b.category, b.vendor) <> (m.category, m.vendor)
        )
        SELECT DISTINCT b.customer_id FROM segments_bought b JOIN moved m USING (product_id)
        """,
        {"store": store.pk},
    )
    return {row[0] for row in cursor.fetchall()}


@transaction.atomic
def rebuild(store: Store) -> None:
    """Everything of a store anew. The caller holds the lock of segments."""
    read = Follower.objects.filter(name="segments").first()
    given: dict[str, Any] = {
        "store": store.pk,
        "xid": str(read.xid if read else 0),
        "event": read.event_id if read else 0,
    }
    with connection.cursor() as cursor:
        for table in ("segments_bought", "segments_tally", "segments_shelf"):
            cursor.execute(f"DELETE FROM {table} WHERE store_id = %(store)s", given)
        cursor.execute(f"INSERT INTO segments_bought ({BOUGHT}) {_bought('true')} ORDER BY 1, 2", given)
        _insert_tally(cursor, TALLY.format(people=READ), given)
        keep_shelf(cursor, store)
        for table in ("segments_bought", "segments_tally", "segments_shelf"):
            cursor.execute(f"ANALYZE {table}")


def benchmarks_of(store: Store) -> Benchmarks:
    found = Usual.objects.filter(store=store).first()
    return Benchmarks.of(found.numbers) if found else Benchmarks()


def measure(store: Store, today: date) -> bool:
    """What is usual today; returns whether it changed. At most once a day."""
    known = Usual.objects.filter(store=store).first()
    if known and known.day >= today:
        return False
    before = Benchmarks.of(known.numbers) if known else Benchmarks()
    found = _measured(store, today)
    Usual.objects.update_or_create(store=store, defaults={"day": today, "numbers": found.kept()})
    return found != before


def _measured(store: Store, today: date) -> Benchmarks:
    given: dict[str, Any] = {"store": store.pk, "today": today, "cuts": list(SCORES)}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), percentile_disc(%(cuts)s) WITHIN GROUP (ORDER BY %(today)s - last_day),
                percentile_disc(%(cuts)s) WITHIN GROUP (ORDER BY purchases),
                percentile_disc(%(cuts)s) WITHIN GROUP (ORDER BY net),
                percentile_disc(0.5) WITHIN GROUP (ORDER BY
                    greatest(1, round((last_day - first_day)::numeric / (purchases - 1)))::int)
                    FILTER (WHERE purchases > 1 AND last_day > first_day)
            FROM metrics_customerfact WHERE store_id = %(store)s
            """,
            given,
        )
        buyers, recency, frequency, money, gap = cursor.fetchone()
        if buyers < ENOUGH:
            return Benchmarks()
        cursor.execute(
            "SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY kept) FROM metrics_purchase"
            " WHERE store_id = %(store)s",
            given,
        )
        basket = cursor.fetchone()[0]
        cursor.execute(
            "SELECT coalesce(percentile_disc(0.8) WITHIN GROUP (ORDER BY shipping), 1000)"
            " FROM orders_order WHERE store_id = %(store)s AND shipping > 0",
            given,
        )
        shipping = cursor.fetchone()[0]
    return Benchmarks(
        gap or Benchmarks.gap,
        tuple(recency),
        tuple(frequency),
        tuple(money),
        int(basket or 0),
        int(shipping),
    )
