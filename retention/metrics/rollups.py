"""What each fact row adds to each rollup, as SQL, and the one statement that adds it.

A contribution depends on its fact row alone, so taking back the old row and adding the new one is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOWS = (30, 90, 180, 365)
DIMENSIONS = ("channel", "campaign", "country", "category")
TODAY = "s.sign, s.channel, s.campaign, s.country, s.category"


@dataclass(frozen=True)
class Rollup:
    """`measures` are summed; `contributions` selects sign, dimensions, `keys` and some of the measures."""

    table: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    contributions: tuple[tuple[str, tuple[str, ...]], ...]

    def upsert(self, sources: dict[str, str]) -> str:
        """SQL that adds the rows of `sources` (fact table -> relation with `sign`) to this rollup."""
        keys = ", ".join(self.keys)
        parts = " UNION ALL ".join(self._part(select, given, sources) for select, given in self.contributions)
        sums = ", ".join(f"sum({m}) AS {m}" for m in self.measures)
        outer = ", ".join(f"sum(c.{m})" for m in self.measures)
        something = " OR ".join(f"sum(c.{m}) <> 0" for m in self.measures)
        adds = ", ".join(f"{m} = t.{m} + excluded.{m}" for m in self.measures)
        dimensions = ", ".join(DIMENSIONS)
        slices = ", ".join(f"('{name}', c.{name})" for name in DIMENSIONS)
        # Grouped by all dimensions first: expanding to one row per dimension is then cheap.
        return f"""
        INSERT INTO {self.table} AS t (store_id, dimension, value, {keys}, {", ".join(self.measures)})
        SELECT %(store)s, d.dimension, d.value, {keys}, {outer}
        FROM (SELECT {dimensions}, {keys}, {sums} FROM ({parts}) AS p GROUP BY {dimensions}, {keys}) AS c
        CROSS JOIN LATERAL (VALUES ('all', ''), {slices}) AS d(dimension, value)
        GROUP BY d.dimension, d.value, {keys} HAVING {something} ORDER BY d.dimension, d.value, {keys}
        ON CONFLICT (store_id, dimension, value, {keys}) DO UPDATE SET {adds}"""

    def _part(self, select: str, given: tuple[str, ...], sources: dict[str, str]) -> str:
        measures = ", ".join(
            f"(p.sign * p.{m})::numeric AS {m}" if m in given else f"0::numeric AS {m}" for m in self.measures
        )
        inner = select.format(today=TODAY, **sources)
        return f"(SELECT {', '.join(DIMENSIONS)}, {', '.join(self.keys)}, {measures} FROM ({inner}) AS p)"


def _starts() -> str:
    """Where a person enters a window: at a purchase that none within the window came before, and, as a
    repeat customer, at one that another came before."""
    last_of_day = "(s.next_day IS NULL OR s.next_day > s.day)"
    buyers = [f"(s.previous_day IS NULL OR s.day - s.previous_day > {w})::int AS buyers_{w}" for w in WINDOWS]
    repeaters = [f"(s.day - s.previous_day < {w} AND {last_of_day})::int AS repeaters_{w}" for w in WINDOWS]
    return ", ".join(buyers + [f"coalesce({r.replace(' AS ', ', 0) AS ')}" for r in repeaters])


def _only(name: str) -> str:
    return ", ".join(f"CASE WHEN w.w = {w} THEN -1 ELSE 0 END AS {name}_{w}" for w in WINDOWS)


ALL_WINDOWS = f"(VALUES {', '.join(f'({w})' for w in WINDOWS)}) AS w(w)"
# A purchase at day t, the next at u: a buyer of the window during [t, t + W), which u continues.
BUYERS_END = f"""
    SELECT {{today}}, s.day + w.w AS day, {_only("buyers")} FROM {{purchase}} AS s CROSS JOIN {ALL_WINDOWS}
    WHERE s.next_day IS NULL OR s.next_day - s.day > w.w"""
# Purchases at r and t, the next at u: a repeat customer during [t, min(r + W, u)).
REPEATERS_END = f"""
    SELECT {{today}}, least(s.previous_day + w.w, s.next_day) AS day, {_only("repeaters")}
    FROM {{purchase}} AS s CROSS JOIN {ALL_WINDOWS}
    WHERE s.day - s.previous_day < w.w AND (s.next_day IS NULL OR s.next_day > s.day)"""
OWN_DAY = f"""
    SELECT {{today}}, s.day, 1 AS purchases, s.sales, s.undated AS refunds, s.kept,
      s.kept::numeric * s.kept AS squares, (s.nth = 1)::int AS new_customers, (s.nth = 2)::int AS seconds,
      {_starts()} FROM {{purchase}} AS s"""
BUYERS = tuple(f"buyers_{w}" for w in WINDOWS)
REPEATERS = tuple(f"repeaters_{w}" for w in WINDOWS)
# A guest has no dimensions of a person: counted under "all" only, see `GUESTS`.
DAILY = Rollup(
    "metrics_daily",
    ("day",),
    (
        *("purchases", "sales", "refunds", "kept", "squares", "new_customers", "returned", "seconds"),
        *BUYERS,
        *REPEATERS,
    ),
    (
        (
            OWN_DAY,
            (
                *("purchases", "sales", "refunds", "kept", "squares", "new_customers", "seconds"),
                *BUYERS,
                *REPEATERS,
            ),
        ),
        (BUYERS_END, BUYERS),
        (REPEATERS_END, REPEATERS),
        (
            "SELECT {today}, s.first_day AS day, 1 AS returned FROM {purchase} AS s WHERE s.nth = 2",
            ("returned",),
        ),
        ("SELECT {today}, s.day, s.amount AS refunds FROM {refund} AS s", ("refunds",)),
    ),
)
COHORT_MONTH = Rollup(
    "metrics_cohortmonth",
    ("cohort", "month"),
    ("active", "purchases", "sales", "refunds"),
    (
        (
            "SELECT {today}, s.cohort, s.month, s.first_in_month::int AS active, 1 AS purchases, s.sales,"
            " s.undated AS refunds FROM {purchase} AS s",
            ("active", "purchases", "sales", "refunds"),
        ),
        (
            "SELECT {today}, s.cohort, s.month, s.amount AS refunds FROM {refund} AS s WHERE s.cohort > 0",
            ("refunds",),
        ),
    ),
)
SECOND_GAP = Rollup(
    "metrics_secondgap",
    ("cohort", "gap"),
    ("customers",),
    (
        (
            "SELECT {today}, c.cohort, s.day - s.first_day AS gap, 1 AS customers FROM {purchase} AS s"
            " CROSS JOIN LATERAL (VALUES (0), (s.cohort)) AS c(cohort) WHERE s.nth = 2",
            ("customers",),
        ),
    ),
)
GAP = Rollup(
    "metrics_gap",
    ("month", "gap"),
    ("pairs",),
    (
        (
            "SELECT {today}, m.month, s.day - s.previous_day AS gap, 1 AS pairs FROM {purchase} AS s"
            " CROSS JOIN LATERAL (VALUES (0), (s.month)) AS m(month) WHERE s.previous_day IS NOT NULL",
            ("pairs",),
        ),
    ),
)
COHORT_VALUE = Rollup(
    "metrics_cohortvalue",
    ("cohort",),
    ("customers", "net", "squares"),
    (
        (
            "SELECT {today}, s.cohort, 1 AS customers, s.net_12 AS net, "
            "s.net_12::numeric * s.net_12 AS squares FROM {customer} AS s",
            ("customers", "net", "squares"),
        ),
    ),
)
ROLLUPS = (DAILY, COHORT_MONTH, SECOND_GAP, GAP, COHORT_VALUE)

GUESTS = """
    INSERT INTO metrics_daily AS t (store_id, dimension, value, day, guest_orders, guest_sales, guest_refunds)
    SELECT %(store)s, 'all', '', s.day, sum(s.sign * s.orders), sum(s.sign * s.sales),
      sum(s.sign * s.refunds)
    FROM {guest} AS s GROUP BY s.day ORDER BY s.day
    ON CONFLICT (store_id, dimension, value, day) DO UPDATE SET
      guest_orders = t.guest_orders + excluded.guest_orders,
      guest_sales = t.guest_sales + excluded.guest_sales,
      guest_refunds = t.guest_refunds + excluded.guest_refunds"""
