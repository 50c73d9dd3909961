"""Fact rows as SQL: what the orders of some people, or of all, say. Set-based, one SELECT per table.

Every SELECT takes `store`, `zone` and a condition on people; nothing here reads another fact table except
where a person's own purchases are summed up.
"""

from __future__ import annotations

ACQUIRED = ("channel", "campaign", "country", "category", "cohort")
PURCHASE = (
    *("order_id", "store_id", "customer_id", "placed_at", "day", "nth", "previous_day", "next_day"),
    *("first_day", "month", "first_in_month", "sales", "discounts", "undated", "kept", *ACQUIRED),
)
REFUND = ("refund_id", "store_id", "customer_id", "order_id", "day", "month", "amount", *ACQUIRED)
CUSTOMER = (
    *("customer_id", "store_id", "purchases", "first_day", "second_day", "last_day"),
    *("sales", "discounts", "net", "net_12", *ACQUIRED),
)
GUEST = ("key", "store_id", "order_id", "refund_id", "day", "orders", "sales", "refunds")


def month(day: str) -> str:
    """SQL: the number of the month that a date lies in."""
    # Not extract(): it counts in numeric, several times as long.
    return f"(date_part('year', {day}) * 12 + date_part('month', {day}) - 1)::int"


# Ties are broken by the source's own id, not ours: ours depends on which file arrived first.
IN_ORDER = 'o.placed_at, o.source COLLATE "C", o.external_id COLLATE "C"'


# Joined with `o`: what was given back of an order. Of all orders at once, or one by one by index.
DATED = """LEFT JOIN (SELECT order_id, sum(amount)::bigint AS amount FROM orders_refund
        WHERE store_id = %(store)s GROUP BY order_id) AS d ON d.order_id = o.id"""
DATED_OF_FEW = """LEFT JOIN LATERAL (SELECT sum(f.amount)::bigint AS amount FROM orders_refund f
        WHERE f.order_id = o.id) AS d ON true"""


def purchases(people: str, dated: str = DATED) -> str:
    """Rows of `metrics_purchase`; `people` is a condition on `o`."""
    return f"""
    WITH bought AS (
      -- Named one by one: whatever is listed here goes through the sort below.
      SELECT o.id, o.store_id, o.customer_id, o.placed_at, o.source, o.external_id, o.channel, o.campaign,
        o.country, o.first_category, o.items, o.discounts, o.refunded,
        (o.placed_at AT TIME ZONE %(zone)s)::date AS day, coalesce(d.amount, 0) AS dated
      FROM orders_order o {dated}
      WHERE o.store_id = %(store)s AND o.customer_id IS NOT NULL AND o.cancelled_at IS NULL
        AND NOT o.test AND NOT o.void AND {people}
    ), placed AS (
      SELECT o.*, row_number() OVER w AS nth, lag(o.day) OVER w AS previous_day,
        lead(o.day) OVER w AS next_day, first_value(o.day) OVER w AS first_day,
        first_value(o.channel) OVER w AS first_channel, first_value(o.campaign) OVER w AS first_campaign,
        first_value(o.country) OVER w AS first_country,
        first_value(o.first_category) OVER w AS first_category_
      FROM bought o WINDOW w AS (PARTITION BY o.customer_id ORDER BY {IN_ORDER})
    )
    SELECT id AS order_id, store_id, customer_id, placed_at, day, nth::int, previous_day, next_day, first_day,
      {month("day")} AS month,
      previous_day IS NULL OR {month("previous_day")} <> {month("day")} AS first_in_month,
      items - discounts AS sales, discounts, greatest(refunded - dated, 0) AS undated,
      items - discounts - greatest(refunded, dated) AS kept,
      first_channel AS channel, first_campaign AS campaign, first_country AS country,
      first_category_ AS category, {month("first_day")} AS cohort
    FROM placed"""


def refunds(orders: str, notes: str) -> str:
    """Rows of `metrics_refundfact`: of people's purchases (condition on `o`) and their credit notes
    (condition on `f`). Reads `metrics_purchase`.

    A refund belongs to its order's customer; one of an order that is not a purchase counts nowhere.
    """
    return f"""
    WITH b AS (
      SELECT f.id AS refund_id, f.store_id, o.customer_id, f.order_id, f.refunded_at, f.amount
      FROM orders_refund f JOIN orders_order o ON o.id = f.order_id
      WHERE f.store_id = %(store)s AND o.customer_id IS NOT NULL AND o.cancelled_at IS NULL
        AND NOT o.test AND NOT o.void AND {orders}
      UNION ALL
      SELECT f.id, f.store_id, f.customer_id, NULL, f.refunded_at, f.amount
      FROM orders_refund f WHERE f.store_id = %(store)s AND f.order_id IS NULL
        AND f.customer_id IS NOT NULL AND {notes}
    ), c AS (SELECT b.*, (b.refunded_at AT TIME ZONE %(zone)s)::date AS day FROM b)
    SELECT c.refund_id, c.store_id, c.customer_id, c.order_id, c.day, {month("c.day")} AS month, c.amount,
      coalesce(p.channel, '') AS channel, coalesce(p.campaign, '') AS campaign,
      coalesce(p.country, '') AS country, coalesce(p.category, '') AS category,
      coalesce(p.cohort, 0) AS cohort
    FROM c LEFT JOIN metrics_purchase p ON p.customer_id = c.customer_id AND p.nth = 1"""


def customers(people: str) -> str:
    """Rows of `metrics_customerfact`; `people` is a condition on `p`. Reads purchases and refunds."""
    acquired = ", ".join(f"min(p.{name}) AS {name}" for name in ACQUIRED)
    return f"""
    WITH back AS (
      SELECT p.customer_id, sum(p.amount)::bigint AS amount,
        coalesce(sum(p.amount) FILTER (WHERE p.month <= p.cohort + 12), 0)::bigint AS amount_12
      FROM metrics_refundfact p WHERE p.store_id = %(store)s AND p.cohort > 0 AND {people}
      GROUP BY p.customer_id
    ), bought AS (
      SELECT p.customer_id, p.store_id, count(*)::int AS purchases, min(p.first_day) AS first_day,
        min(p.day) FILTER (WHERE p.nth = 2) AS second_day, max(p.day) AS last_day,
        sum(p.sales)::bigint AS sales, sum(p.discounts)::bigint AS discounts,
        sum(p.sales - p.undated)::bigint AS net,
        sum(p.sales - p.undated) FILTER (WHERE p.month <= p.cohort + 12)::bigint AS net_12, {acquired}
      FROM metrics_purchase p WHERE p.store_id = %(store)s AND {people} GROUP BY p.customer_id, p.store_id
    )
    SELECT b.customer_id, b.store_id, b.purchases, b.first_day, b.second_day, b.last_day, b.sales,
      b.discounts, b.net - coalesce(r.amount, 0) AS net, b.net_12 - coalesce(r.amount_12, 0) AS net_12,
      b.channel, b.campaign, b.country, b.category, b.cohort
    FROM bought b LEFT JOIN back r USING (customer_id)"""


def guests(orders: str, notes: str) -> str:
    """Rows of `metrics_guest`: orders without a person (condition on `o`), their refunds, and credit notes
    without a person (condition on `f`)."""
    guest = "o.customer_id IS NULL AND o.cancelled_at IS NULL AND NOT o.test AND NOT o.void"
    return f"""
    SELECT 'order ' || o.id AS key, o.store_id, o.id AS order_id, NULL::bigint AS refund_id,
      (o.placed_at AT TIME ZONE %(zone)s)::date AS day, 1 AS orders, o.items - o.discounts AS sales,
      greatest(o.refunded - coalesce((SELECT sum(amount) FROM orders_refund f WHERE f.order_id = o.id), 0), 0
        )::bigint AS refunds
    FROM orders_order o WHERE o.store_id = %(store)s AND {guest} AND {orders}
    UNION ALL
    SELECT 'refund ' || f.id, f.store_id, f.order_id, f.id, (f.refunded_at AT TIME ZONE %(zone)s)::date,
      0, 0, f.amount
    FROM orders_refund f JOIN orders_order o ON o.id = f.order_id
    WHERE f.store_id = %(store)s AND {guest} AND {orders}
    UNION ALL
    SELECT 'refund ' || f.id, f.store_id, NULL, f.id, (f.refunded_at AT TIME ZONE %(zone)s)::date,
      0, 0, f.amount
    FROM orders_refund f
    WHERE f.store_id = %(store)s AND f.order_id IS NULL AND f.customer_id IS NULL AND {notes}"""
