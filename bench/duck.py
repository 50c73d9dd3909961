"""The same questions in DuckDB, over the same orders, asked as an analyst would ask them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from django.db import connection

from retention.stores.models import Store

MONTH = "(year({0}) * 12 + month({0}) - 1)"
FIRST = "first AS (SELECT customer_id, min(day) AS first_day FROM purchase GROUP BY 1)"
QUESTIONS = {
    "cohort_matrix": f"""
        WITH {FIRST}, born AS (SELECT customer_id, {MONTH.format("first_day")} AS cohort FROM first),
        moves AS (
            SELECT customer_id, {MONTH.format("day")} AS month, sales AS net, customer_id AS buyer
            FROM purchase
            UNION ALL SELECT customer_id, {MONTH.format("day")}, -amount, NULL FROM refund)
        SELECT cohort, month, count(DISTINCT buyer), count(buyer), sum(net)
        FROM moves JOIN born USING (customer_id) GROUP BY 1, 2 ORDER BY 1, 2""",
    "repeat_purchase_rate": """
        SELECT count(*), count(*) FILTER (WHERE n > 1) FROM (SELECT count(*) AS n FROM purchase
            WHERE day > $as_of - INTERVAL 365 DAY GROUP BY customer_id)""",
    "average_order_value": """
        SELECT count(*), sum(sales) - (SELECT sum(amount) FROM refund WHERE day > $as_of - INTERVAL 365 DAY)
        FROM purchase WHERE day > $as_of - INTERVAL 365 DAY""",
    "time_between_purchases": """
        SELECT quantile_cont(gap, [0.25, 0.5, 0.75]), count(gap) FROM (
            SELECT day - lag(day) OVER (PARTITION BY customer_id ORDER BY placed) AS gap FROM purchase)""",
    "clv_to_date": f"""
        WITH {FIRST}, moves AS (SELECT customer_id, day, sales AS net FROM purchase
            UNION ALL SELECT customer_id, day, -amount FROM refund),
        worth AS (
            SELECT customer_id,
                sum(net) FILTER (WHERE {MONTH.format("day")} <= {MONTH.format("first_day")} + 12) AS net
            FROM moves JOIN first USING (customer_id)
            WHERE {MONTH.format("first_day")} + 12 < {MONTH.format("CAST($as_of + INTERVAL 1 DAY AS DATE)")}
            GROUP BY 1)
        SELECT count(*), sum(net) FROM worth""",
    "repeat_curve": """
        WITH nth AS (
            SELECT customer_id, day, row_number() OVER (PARTITION BY customer_id ORDER BY placed) AS n
            FROM purchase QUALIFY n <= 2),
        people AS (SELECT min(day) AS first_day, max(day) FILTER (WHERE n = 2) AS second_day FROM nth
            GROUP BY customer_id)
        SELECT coalesce(second_day, $as_of) - first_day, count(second_day), count(*)
        FROM people GROUP BY 1""",
}


@dataclass(frozen=True)
class Duck:
    """A DuckDB database in memory that holds a store's purchases and refunds."""

    connection: duckdb.DuckDBPyConnection
    as_of: date

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        sql = QUESTIONS[question]
        given = {"as_of": self.as_of} if "$as_of" in sql else {}
        return self.connection.execute(sql, given).fetchall()

    def asking(self, question: str) -> Callable[[], object]:
        return lambda: self.ask(question)


def load(store: Store, as_of: date, folder: Path) -> Duck:
    """Copy what counts as a purchase, in the store's time zone, through two CSV files."""
    duck = duckdb.connect()
    duck.execute("SET threads TO 2")
    counted = "o.customer_id IS NOT NULL AND o.cancelled_at IS NULL AND NOT o.test AND NOT o.void"
    local = f"AT TIME ZONE '{store.time_zone}'"
    _copy(
        f"SELECT o.customer_id, o.placed_at {local} AS placed, (o.placed_at {local})::date AS day,"
        f" o.items - o.discounts AS sales FROM orders_order o WHERE o.store_id = {store.pk} AND {counted}",
        folder / "purchase.csv",
    )
    _copy(
        f"SELECT o.customer_id, (f.refunded_at {local})::date AS day, f.amount FROM orders_refund f"
        f" JOIN orders_order o ON o.id = f.order_id WHERE f.store_id = {store.pk} AND {counted}",
        folder / "refund.csv",
    )
    for name in ("purchase", "refund"):
        file = folder / f"{name}.csv"
        duck.execute(f"CREATE TABLE {name} AS FROM read_csv('{file}', header = true)")
        file.unlink()
    return Duck(duck, as_of)


def _copy(select: str, file: Path) -> None:
    copy = f"COPY ({select}) TO STDOUT (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, file.open("wb") as target, cursor.copy(copy) as rows:
        target.writelines(rows)
