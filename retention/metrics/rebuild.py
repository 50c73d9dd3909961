"""Keeping the figures: a batch of changed orders, set-based, or everything anew.

Both run under the follower's own lock, so there is one writer; rows are written in key order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from retention.metrics import facts, rollups
from retention.metrics.models import State
from retention.stores.models import Store
from retention.timeline.models import Follower

FOLLOWER = "metrics"
TABLES = {
    "purchase": ("metrics_purchase", "order_id", facts.PURCHASE),
    "refund": ("metrics_refundfact", "refund_id", facts.REFUND),
    "customer": ("metrics_customerfact", "customer_id", facts.CUSTOMER),
    "guest": ("metrics_guest", "key", facts.GUEST),
}
ROLLUP_TABLES = tuple(r.table for r in rollups.ROLLUPS)


def lock(cursor: CursorWrapper) -> None:
    """Wait for the follower's lock: the one under which `follow` runs it."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"follower:{FOLLOWER}"])


@transaction.atomic
def rebuild(store: Store) -> None:
    """Compute all of a store's figures anew, in its present time zone.

    Readers see the old figures until it commits; followers wait meanwhile.
    """
    given: dict[str, Any] = {"store": store.pk, "zone": store.time_zone}
    with connection.cursor() as cursor:
        lock(cursor)
        _take_in(cursor, store)
        # For the sort of all purchases and the hash tables of the rollups.
        cursor.execute("SET LOCAL work_mem = '128MB'")
        for table in (*ROLLUP_TABLES, *(t for t, _, _ in TABLES.values())):
            cursor.execute(f"DELETE FROM {table} WHERE store_id = %(store)s", given)
        for name, select in _selects("true", "true", "true").items():
            table, _, columns = TABLES[name]
            cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {select}", given)
            # Before the next one reads it: without statistics it would be joined row by row.
            cursor.execute(f"ANALYZE {table}")
        whole = {
            name: f"(SELECT 1 AS sign, * FROM {table} WHERE store_id = %(store)s)"
            for name, (table, _, _) in TABLES.items()
        }
        for rollup in rollups.ROLLUPS:
            cursor.execute(rollup.insert(whole), given)
        cursor.execute(rollups.GUESTS.format(**whole), given)
        State.objects.update_or_create(store=store, defaults={"time_zone": store.time_zone})


def _rebuilt(store: Store) -> str:
    return f"{FOLLOWER}:rebuilt:{store.pk}"


def _take_in(cursor: CursorWrapper, store: Store) -> None:
    """Remember which events a rebuild that starts now has taken in: all of finished transactions.

    Without this, an import in many batches would rebuild a growing store at each of them. Kept as a
    follower's position, because those survive the move to another server.
    """
    cursor.execute(
        "SELECT xid::text, id FROM timeline_event WHERE xid < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY xid DESC, id DESC LIMIT 1"
    )
    if last := cursor.fetchone():
        position = {"xid": int(last[0]), "event_id": last[1]}
        Follower.objects.update_or_create(name=_rebuilt(store), defaults=position)


def taken_in(store: Store) -> tuple[int, int] | None:
    """The position of the last event that the store's last rebuild has taken in."""
    return Follower.objects.filter(name=_rebuilt(store)).values_list("xid", "event_id").first()


def apply(store: Store, *, customers: set[int], orders: set[int], refunds: set[int]) -> None:
    """Bring the figures up to date for these people, orders and refunds.

    Cost: a constant number of statements, each over the rows of the affected people only. A batch that
    touches more than half of the store's people is computed anew instead, which is then cheaper.
    """
    state = State.objects.filter(store=store).first()
    if state is None or _is_large(store, len(customers)):
        rebuild(store)
        return
    with connection.cursor() as cursor:
        people = _everybody(cursor, customers, orders, refunds)
        given = {
            **{"store": store.pk, "zone": state.time_zone},
            **{"people": sorted(people), "orders": sorted(orders), "refunds": sorted(refunds)},
        }
        _apply(cursor, given)


def _is_large(store: Store, people: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM metrics_customerfact WHERE store_id = %s LIMIT %s) AS few",
            [store.pk, 2 * people],
        )
        return bool(cursor.fetchone()[0] < 2 * people) and people > 100


def _everybody(cursor: CursorWrapper, customers: set[int], orders: set[int], refunds: set[int]) -> set[int]:
    """The people named by the events, and those to whom the same orders and refunds belonged until now."""
    cursor.execute(
        "SELECT customer_id FROM metrics_purchase WHERE order_id = ANY(%(orders)s)"
        " UNION SELECT customer_id FROM metrics_refundfact WHERE refund_id = ANY(%(refunds)s)"
        " UNION SELECT customer_id FROM orders_order WHERE id = ANY(%(orders)s) AND customer_id IS NOT NULL"
        " UNION SELECT customer_id FROM orders_refund"
        " WHERE id = ANY(%(refunds)s) AND customer_id IS NOT NULL",
        {"orders": sorted(orders), "refunds": sorted(refunds)},
    )
    return customers | {row[0] for row in cursor.fetchall()}


def _selects(
    of_order: str, of_note: str, of_fact: str, guest: str = "true", note: str = "true"
) -> dict[str, str]:
    return {
        "purchase": facts.purchases(of_order, facts.DATED if of_order == "true" else facts.DATED_OF_FEW),
        "refund": facts.refunds(of_order, of_note),
        "customer": facts.customers(of_fact),
        "guest": facts.guests(guest, note),
    }


def _apply(cursor: CursorWrapper, given: dict[str, Any]) -> None:
    cursor.execute("SET LOCAL work_mem = '64MB'")
    mine = "customer_id = ANY(%(people)s::bigint[])"
    fresh = _selects(
        f"o.{mine}",
        f"f.{mine}",
        f"p.{mine}",
        "o.id = ANY(%(orders)s::bigint[])",
        "f.id = ANY(%(refunds)s::bigint[])",
    )
    for name in TABLES:
        known = mine
        if name == "guest":
            known = "(order_id = ANY(%(orders)s::bigint[]) OR refund_id = ANY(%(refunds)s::bigint[]))"
        _change(cursor, name, fresh[name], known, given)
    changes = {name: f"delta_{name}" for name in TABLES}
    for rollup in rollups.ROLLUPS:
        cursor.execute(rollup.add(changes), given)
    cursor.execute(rollups.GUESTS.format(**changes), given)


def _change(cursor: CursorWrapper, name: str, fresh: str, known: str, given: dict[str, Any]) -> None:
    """Replace the fact rows that differ; keep both in the temporary table `delta_<name>`, with a sign."""
    table, key, columns = TABLES[name]
    listed = ", ".join(columns)
    # Dropped and made anew rather than emptied: several batches may share one transaction.
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.delta_{name}")
    only = (
        f"SELECT {{}}, {_of('a', columns)} FROM {{}} AS a LEFT JOIN {{}} AS b USING ({key})"
        f" WHERE b.{key} IS NULL OR ({_of('a', columns)}) IS DISTINCT FROM ({_of('b', columns)})"
    )
    cursor.execute(
        f"CREATE TEMP TABLE delta_{name} ON COMMIT DROP AS"
        f" WITH fresh AS MATERIALIZED (SELECT {listed} FROM ({fresh}) AS f),"
        f" known AS MATERIALIZED (SELECT {listed} FROM {table} WHERE store_id = %(store)s AND {known})"
        f" {only.format('-1 AS sign', 'known', 'fresh')} UNION ALL {only.format('1', 'fresh', 'known')}",
        given,
    )
    # Without statistics the joins that follow would be planned for some other size.
    cursor.execute(f"ANALYZE delta_{name} ({key})")
    cursor.execute(
        f"DELETE FROM {table} t USING delta_{name} d WHERE d.sign = -1 AND t.{key} = d.{key}"
        f" AND NOT EXISTS (SELECT FROM delta_{name} n WHERE n.sign = 1 AND n.{key} = d.{key})"
    )
    cursor.execute(
        f"INSERT INTO {table} ({listed}) SELECT {listed} FROM delta_{name} WHERE sign = 1 ORDER BY {key}"
        f" ON CONFLICT ({key}) DO UPDATE SET"
        f" ({listed}) = ROW({_of('excluded', columns)})"
    )


def _of(alias: str, columns: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)
