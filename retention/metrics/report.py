"""A store's figures as one object, for people who would rather not open a browser."""

from __future__ import annotations

from datetime import date
from typing import Any

from retention.metrics import queries
from retention.metrics.queries import EVERYBODY, Rate
from retention.stores.models import Store


def build_report(store: Store, as_of: date | None = None) -> dict[str, Any]:
    """JSON-ready figures at the end of `as_of` (default: today in the store's time zone).

    Money in minor units, rates as fractions; `orders` are purchases, guests' orders are apart;
    `net_revenue` includes both, after refunds.
    """
    day = as_of or queries.today(store)
    totals = queries.totals(store, day)
    aov = queries.average_order_value(store, EVERYBODY, day, None)
    return {
        "store": store.slug,
        "as_of": day.isoformat(),
        "currency": store.currency,
        "customers": totals.customers,
        "orders": totals.orders,
        "net_revenue": totals.net_revenue,
        "customer_sales": totals.customer_sales,
        "customer_net_revenue": totals.customer_net_revenue,
        "guest_orders": totals.guest_orders,
        "guest_net_revenue": totals.guest_net_revenue,
        "refunds": totals.customer_refunds + totals.guest_refunds,
        "repeat_purchase_rate_365": _rate(queries.repeat_purchase_rate(store, EVERYBODY, day, 365)),
        "repeat_purchase_rate_all": _rate(queries.repeat_purchase_rate(store, EVERYBODY, day, None)),
        "aov": aov.value,
        "median_days_between": queries.time_between_purchases(store, EVERYBODY, day).median,
        "repeat_curve": [
            {"days": p.time, "value": p.value, "low": p.low, "high": p.high}
            for p in queries.repeat_curve(store, EVERYBODY, day)
        ],
        "cohorts": [
            {
                "month": cohort.name,
                "customers": cohort.customers,
                "active": [cell.active for cell in cohort.cells],
                "net_revenue": [cell.net_revenue for cell in cohort.cells],
            }
            for cohort in queries.cohort_matrix(store, EVERYBODY, day)
        ],
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n, "repeat": rate.successes}
