"""Orders that change as sources change them, told in the timeline, and what the figures then are."""

from __future__ import annotations

import statistics
import time

from django.db import connection, transaction

from retention.metrics.rebuild import FOLLOWER
from retention.stores.models import Store
from retention.timeline.follow import catch_up

FIGURES = (
    *("metrics_daily", "metrics_cohortmonth", "metrics_secondgap", "metrics_gap", "metrics_cohortvalue"),
    *("metrics_purchase", "metrics_refundfact", "metrics_customerfact", "metrics_guest"),
)
# Sources correct amounts and cancel every day; they hardly ever move an order to another day.
REDATED = 30
KEYS = {"store_id", "dimension", "value", "day", "cohort", "month", "gap"}


def change_orders(store: Store, size: int, times: int, redated: int = REDATED) -> float:
    """Median seconds until the follower has taken in `size` changed orders: all have another amount, one in
    ten is cancelled or comes back, one in `redated` moves by 40 days."""
    catch_up(FOLLOWER)
    taken = []
    for turn in range(times):
        _change(store, size, turn, redated)
        start = time.perf_counter()
        catch_up(FOLLOWER)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


@transaction.atomic
def _change(store: Store, size: int, turn: int, redated: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM orders_order WHERE store_id = %s", [store.pk])
        low, high = cursor.fetchone()
        cursor.execute("SELECT setseed(%s)", [(size % 997 + turn) / 1000])
        cursor.execute(
            "CREATE TEMP TABLE changed ON COMMIT DROP AS SELECT DISTINCT o.id FROM ("
            "  SELECT floor(%s + random() * (%s - %s + 1))::bigint AS id"
            "  FROM generate_series(1, (%s * 1.1)::int + 1)) AS r"
            " JOIN orders_order o USING (id) WHERE o.store_id = %s LIMIT %s",
            [low, high, low, size, store.pk, size],
        )
        cursor.execute(
            f"""
            UPDATE orders_order o SET items = o.items + 100, version = o.version + 1,
                placed_at = CASE WHEN o.id % {redated} = 0 THEN o.placed_at - interval '40 days'
                    ELSE o.placed_at END,
                cancelled_at = CASE WHEN o.id % 10 = 0 AND o.cancelled_at IS NULL THEN o.placed_at END
            FROM changed c WHERE c.id = o.id
            """
        )
        cursor.execute(
            """
            INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
            SELECT o.store_id, o.customer_id, 'order.changed', now(), 'order:' || o.id,
                jsonb_build_object('order', o.id, 'previous_customer', NULL), 'bench'
            FROM orders_order o JOIN changed USING (id)
            """
        )


def fingerprint(store: Store) -> dict[str, tuple[object, ...]]:
    """Per table of figures: how many rows say something, and a sum over hashes of all of them."""
    found: dict[str, tuple[object, ...]] = {}
    with connection.cursor() as cursor:
        for table in FIGURES:
            # A number that the database gives to a new row says nothing.
            columns = [c.name for c in connection.introspection.get_table_description(cursor, table)]
            told = ", ".join(c for c in columns if c != "id")
            cursor.execute(
                f"SELECT count(*), sum(hashtextextended(ROW({told})::text, 0)::numeric) FROM {table}"
                f" WHERE store_id = %s AND {_says_something(table, columns)}",
                [store.pk],
            )
            found[table] = cursor.fetchone()
    return found


def _says_something(table: str, columns: list[str]) -> str:
    if FIGURES.index(table) > 4:
        return "true"
    # A rollup's row of zeros is as good as none.
    return "(" + " OR ".join(f"{c} <> 0" for c in columns if c not in KEYS) + ")"
