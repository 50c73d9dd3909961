"""A shop of any size, made by the database itself: the same orders for the same scale, every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from retention.stores.models import Store

CUSTOMERS, ORDERS = 1_000_000, 10_000_000
# Four years of history; seasons come from nothing, but people drift away and cohorts differ in size.
FIRST_DAY, DAYS = "2022-01-01", 1461
LAST_DAY = "2025-12-31"
TABLES = ("customers_customer", "orders_order", "orders_refund", "timeline_event")


def make_shop(slug: str, scale: float) -> Store:
    """`scale` 1: a million people, ten million orders, one in twenty refunded, one in fifty a guest's."""
    store = Store.objects.create(slug=slug, name=slug.title(), time_zone="America/New_York")
    people, orders = max(100, int(CUSTOMERS * scale)), max(1000, int(ORDERS * scale))
    with transaction.atomic(), connection.cursor() as cursor, _bare(cursor):
        cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '128MB'")
        cursor.execute("SELECT setseed(0.5)")
        first = _customers(cursor, store, people)
        _orders(cursor, store, orders, first, people)
        _refunds(cursor, store)
        _events(cursor, store)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return store


def _customers(cursor: Any, store: Store, people: int) -> int:
    cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM customers_customer")
    first = int(cursor.fetchone()[0])
    cursor.execute(
        """
        INSERT INTO customers_customer (id, store_id, email, phone, first_name, last_name, company, city,
            region, country, tags, versions, created_at)
        SELECT %(first)s + i, %(store)s, 'buyer' || i || '@example.com', '', 'Buyer', i::text, '', '', '',
            'US', '[]', '{}', now()
        FROM generate_series(0, %(people)s - 1) AS i
        """,
        {"first": first, "store": store.pk, "people": people},
    )
    cursor.execute("SELECT setval(pg_get_serial_sequence('customers_customer', 'id'), %s)", [first + people])
    return first


def _orders(cursor: Any, store: Store, orders: int, first: int, people: int) -> None:
    """A tenth of the people buys a third of the orders; everybody buys most in the first months."""
    cursor.execute(
        """
        INSERT INTO orders_order (store_id, source, external_id, number, customer_id, placed_at, cancelled_at,
            test, void, items, discounts, refunded, shipping, tax, channel, campaign, coupon, country,
            first_category, status, version, digest)
        SELECT %(store)s, 'bench', i::text, '#' || i, CASE WHEN i %% 50 > 0 THEN %(first)s + person END,
            timestamptz %(day)s + least(start + (%(days)s - start) * late * late, %(days)s - 0.25)
                * interval '1 day',
            CASE WHEN i %% 100 = 1 THEN timestamptz %(day)s + interval '5 years' END,
            false, false, (exp(3.4 + 0.7 * (luck + spread - 1) * 2) * 100)::bigint,
            CASE WHEN i %% 7 = 0 THEN 150 ELSE 0 END, 0, 499, 0,
            (ARRAY['search', 'social', 'email', 'direct', 'referral', 'affiliate', 'display', 'marketplace'])
                [1 + person %% 8],
            'campaign ' || person %% 8 || '-' || (start / 92)::int,
            '', (ARRAY['US', 'US', 'US', 'CA', 'GB', 'DE', 'FR', 'AU', 'NL', 'SE'])[1 + person / 8 %% 10],
            'Category ' || person / 80 %% 24, 'paid', 1, md5(i::text)
        FROM (
            SELECT i, person, late, luck, spread, abs(hashint8(person)::bigint) %% (%(days)s - 1) AS start
            FROM (
                SELECT i, floor(%(people)s * random() ^ 1.5)::bigint AS person, random() AS late,
                    random() AS luck, random() AS spread
                FROM generate_series(1, %(orders)s) AS i
            ) AS a
        ) AS b
        """,
        {
            "store": store.pk,
            "first": first,
            "people": people,
            "orders": orders,
            "day": FIRST_DAY,
            "days": DAYS,
        },
    )


def _refunds(cursor: Any, store: Store) -> None:
    cursor.execute(
        """
        INSERT INTO orders_refund (store_id, source, external_id, order_id, customer_id, refunded_at, amount,
            version, digest)
        SELECT store_id, 'bench', external_id || ':refund', id, customer_id,
            least(placed_at + interval '9 days', timestamptz %s), (items - discounts) / (1 + id %% 3), 1, ''
        FROM orders_order WHERE store_id = %s AND id %% 20 = 0
        """,
        [LAST_DAY + " 18:00+00", store.pk],
    )
    cursor.execute(
        "UPDATE orders_order o SET refunded = f.amount FROM orders_refund f"
        " WHERE f.order_id = o.id AND o.store_id = %s",
        [store.pk],
    )


def _events(cursor: Any, store: Store) -> None:
    """The timeline is as long as in a living shop, because pages ask it how much is still unread."""
    cursor.execute(
        """
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT store_id, customer_id, 'order.placed', placed_at, 'order:' || id,
            jsonb_build_object('order', id), 'import:1'
        FROM orders_order WHERE store_id = %s
        """,
        [store.pk],
    )


@contextmanager
def _bare(cursor: Any) -> Iterator[None]:
    """Tables without indexes and foreign keys while they are filled: several times as fast."""
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u')",
        [list(TABLES)],
    )
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
        [list(TABLES)],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in constraints:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
