"""Parcels of purchases."""

from __future__ import annotations

from collections.abc import Iterable

from retention.segments import types
from retention.segments.conditions import Condition, Rows, Summed
from retention.segments.families.existence import Exists

HEARD = ("order.", "shipment.")
TABLE = "orders_shipment r JOIN orders_order o ON o.id = r.order_id"
MINE = (
    "o.store_id = {store} AND o.customer_id IS NOT NULL AND o.cancelled_at IS NULL"
    " AND NOT o.test AND NOT o.void"
)
OPEN = f"{MINE} AND r.delivered_at IS NULL"


def _rows(column: str, where: str = MINE) -> Rows:
    return Rows(TABLE, "o.customer_id", f"r.{column}", moment=True, where=where)


def conditions() -> Iterable[Condition]:
    yield Exists("shipments.in_transit", "A parcel in transit", types.sure, HEARD,
                 rows=_rows("shipped_at", f"{OPEN} AND r.shipped_at IS NOT NULL"))  # fmt: skip
    yield Exists("shipments.late", "A parcel overdue", types.sure, HEARD, rows=_rows("due_at", OPEN),
                 counting="r.due_at <= {now}",
                 turning="min(r.due_at) FILTER (WHERE r.due_at > {now})")  # fmt: skip
    for name, label in (
        ("shipped", "Last parcel sent"),
        ("delivered", "Last parcel delivered"),
        ("due", "Latest due date of a parcel"),
    ):
        rows = _rows(f"{name}_at")
        yield Summed(f"shipments.{name}", label, types.moment, HEARD, rows=rows, sum=f"max(r.{name}_at)")
