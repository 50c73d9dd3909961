"""What each fact row adds to each rollup, as SQL, and the one statement that adds it.

A contribution depends on its fact row alone, so taking back the old row and adding the new one is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOWS = (30, 90, 180, 365)
DIMENSIONS = ("channel", "campaign", "country", "category")
MONEY = {"sales", "refunds", "undated", "kept", "amount", "net", "worth"}
SQUARES = {"squares", "square"}


def _type(name: str, of_counts: str = "::int") -> str:
    """The cast for a sum. PostgreSQL adds up int4 ten times faster than wider numbers, which matters for
    twenty sums over five groupings; money needs int8, and its squares do not fit into any integer."""
    if name in SQUARES:
        return ""
    return "::bigint" if name in MONEY else of_counts


@dataclass(frozen=True)
class Pass:
    """One walk over a fact table `s`: `sums` (name -> SQL) for each of `keys` (name -> SQL)."""

    table: str
    keys: dict[str, str]
    sums: dict[str, str]
    when: str = "true"

    def sql(self, source: str) -> str:
        """SQL with one row per dimension, value and key.

        Grouping sets, because they walk the facts once for all dimensions, and what is kept meanwhile is
        as small as the rollup.
        """
        keys = ", ".join(f"{sql} AS {name}" for name, sql in self.keys.items())
        sums = ", ".join(f"sum(s.sign * {sql}){_type(name)} AS {name}" for name, sql in self.sums.items())
        own = ", ".join(self.keys.values())
        sets = ", ".join(f"({name}, {own})" for name in ("s." + d for d in DIMENSIONS))
        listed = ", ".join(f"s.{name}" for name in DIMENSIONS)
        return f"""
        SELECT CASE grouping({listed}) WHEN 15 THEN 'all' WHEN 7 THEN 'channel' WHEN 11 THEN 'campaign'
            WHEN 13 THEN 'country' ELSE 'category' END AS dimension, coalesce({listed}, '') AS value,
          {keys}, {sums}
        FROM {source} AS s WHERE {self.when} GROUP BY GROUPING SETS (({own}), {sets})"""


@dataclass(frozen=True)
class Part:
    """What the rows of a pass add: `measures` (name -> SQL over its sums) at `keys` (SQL over its keys)."""

    walk: str
    measures: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollup:
    """A table of sums: `measures` per dimension, value and `keys`."""

    table: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    passes: dict[str, Pass]
    parts: tuple[Part, ...]

    def insert(self, sources: dict[str, str]) -> str:
        """SQL that writes what the rows of `sources` (fact table -> relation with `sign`) add up to.

        For a store of which this rollup holds nothing yet.
        """
        return f"WITH {self._cells(sources)} {self._into()} FROM c"

    def add(self, sources: dict[str, str]) -> str:
        """SQL that adds the rows of `sources` to this rollup.

        An update and an insert of what it has not met, for its only writer: ON CONFLICT would look each cell
        up twice and lock it first, at twice the time.
        """
        same = " AND ".join(f"t.{name} = c.{name}" for name in ("dimension", "value", *self.keys))
        adds = ", ".join(f"{m} = t.{m} + c.{m}" for m in self.measures)
        known = ", ".join(f"t.{name}" for name in ("dimension", "value", *self.keys))
        return f"""
        WITH {self._cells(sources)}, known AS (
          UPDATE {self.table} AS t SET {adds} FROM c WHERE t.store_id = %(store)s AND {same}
          RETURNING {known})
        {self._into()} FROM c WHERE ({self._key()}) NOT IN (SELECT * FROM known)"""

    def _cells(self, sources: dict[str, str]) -> str:
        """The passes, and `c`: what they add up to in each cell that changes, in the order of the key."""
        walks = ", ".join(
            f"{name} AS MATERIALIZED ({walk.sql(sources[walk.table])})" for name, walk in self.passes.items()
        )
        parts = " UNION ALL ".join(map(self._part, self.parts))
        # The second sum of what were sums already: narrow again, or all that follows would be numeric.
        sums = ", ".join(f"sum({m}){_type(m, '')} AS {m}" for m in self.measures)
        something = " OR ".join(f"{m} <> 0" for m in self.measures)
        return f"""{walks}, c AS MATERIALIZED (
          SELECT * FROM (SELECT {self._key()}, {sums} FROM ({parts}) AS p GROUP BY {self._key()}) AS sums
          WHERE {something} ORDER BY {self._key()})"""

    def _into(self) -> str:
        listed = f"{self._key()}, {', '.join(self.measures)}"
        return f"INSERT INTO {self.table} (store_id, {listed}) SELECT %(store)s, {listed}"

    def _key(self) -> str:
        return ", ".join(("dimension", "value", *self.keys))

    def _part(self, part: Part) -> str:
        keys = ", ".join(f"{part.keys.get(key, key)} AS {key}" for key in self.keys)
        measures = ", ".join(f"{part.measures.get(m, '0')} AS {m}" for m in self.measures)
        something = " OR ".join(f"{sql.removeprefix('-')} <> 0" for sql in part.measures.values())
        return f"SELECT dimension, value, {keys}, {measures} FROM {part.walk} WHERE {something}"


def _each(name: str, sql: str) -> dict[str, str]:
    """One entry per window; `sql` says {w} for its days."""
    return {f"{name}_{w}": sql.format(w=w) for w in WINDOWS}


def _shifted(walk: str, measure: str, by: str) -> tuple[Part, ...]:
    """What ends so many days after the key of the pass, one part per window."""
    return tuple(Part(walk, {f"{measure}_{w}": f"-{by}_{w}"}, {"day": f"day + {w}"}) for w in WINDOWS)


LAST_OF_DAY = "(s.next_day IS NULL OR s.next_day > s.day)"
# A purchase at day t, the next at u: a buyer of the window during [t, t + W), which u continues.
BOUGHT = Pass(
    "purchase",
    {"day": "s.day"},
    {
        **{"purchases": "1", "sales": "s.sales", "undated": "s.undated", "kept": "s.kept"},
        **{
            "squares": "s.kept::numeric * s.kept",
            "firsts": "(s.nth = 1)::int",
            "seconds": "(s.nth = 2)::int",
        },
        **_each("came", "(s.previous_day IS NULL OR s.day - s.previous_day > {w})::int"),
        **_each("went", "(s.next_day IS NULL OR s.next_day - s.day > {w})::int"),
        # coalesce: a first purchase has no day before it, and NULL is no number.
        **_each("repeated", f"coalesce(s.day - s.previous_day < {{w}} AND {LAST_OF_DAY}, false)::int"),
    },
)
# Purchases at r and t, the next at u: a repeat customer during [t, min(r + W, u)). Here those that end
# with r + W ...
FADED = Pass(
    "purchase",
    {"day": "s.previous_day"},
    _each(
        "faded",
        "(s.day - s.previous_day < {w} AND (s.next_day IS NULL OR s.next_day - s.previous_day >= {w}))::int",
    ),
    f"s.previous_day IS NOT NULL AND {LAST_OF_DAY}",
)
# ... and here those that end with u.
RELIEVED = Pass(
    "purchase",
    {"day": "s.next_day"},
    # t - r is the smaller one, so only u - r counts.
    _each("relieved", "(s.next_day - s.previous_day < {w})::int"),
    "s.previous_day IS NOT NULL AND s.next_day > s.day",
)
# A guest has no dimensions of a person: counted under "all" only, see `GUESTS`.
DAILY = Rollup(
    "metrics_daily",
    ("day",),
    (
        *("purchases", "sales", "refunds", "kept", "squares", "new_customers", "returned", "seconds"),
        *(f"buyers_{w}" for w in WINDOWS),
        *(f"repeaters_{w}" for w in WINDOWS),
    ),
    {
        "bought": BOUGHT,
        "faded": FADED,
        "relieved": RELIEVED,
        "came_back": Pass("purchase", {"day": "s.first_day"}, {"people": "1"}, "s.nth = 2"),
        "returned": Pass("refund", {"day": "s.day"}, {"amount": "s.amount"}),
    },
    (
        Part(
            "bought",
            {
                **{m: m for m in ("purchases", "sales", "kept", "squares", "seconds")},
                **{"refunds": "undated", "new_customers": "firsts"},
                **{f"buyers_{w}": f"came_{w}" for w in WINDOWS},
                **{f"repeaters_{w}": f"repeated_{w}" for w in WINDOWS},
            },
        ),
        *_shifted("bought", "buyers", "went"),
        *_shifted("faded", "repeaters", "faded"),
        Part("relieved", {f"repeaters_{w}": f"-relieved_{w}" for w in WINDOWS}),
        Part("came_back", {"returned": "people"}),
        Part("returned", {"refunds": "amount"}),
    ),
)


def course(window: int, purchases: str) -> str:
    """SELECT of (day, buyers, repeaters), as `buyers_W` and `repeaters_W` of the daily rollup, for any set of
    fact rows: `purchases` is a relation that has every purchase of the people in it."""

    def part(walk: Pass, day: str, buyers: str, repeaters: str) -> str:
        return f"SELECT {day} AS day, {buyers} AS b, {repeaters} AS r FROM {purchases} AS s WHERE {walk.when}"

    came, went, repeated = (BOUGHT.sums[f"{name}_{window}"] for name in ("came", "went", "repeated"))
    faded, relieved = FADED.sums[f"faded_{window}"], RELIEVED.sums[f"relieved_{window}"]
    parts = (
        part(BOUGHT, "s.day", came, repeated),
        part(BOUGHT, f"s.day + {window}", f"-{went}", "0"),
        part(FADED, f"s.previous_day + {window}", "0", f"-{faded}"),
        part(RELIEVED, "s.next_day", "0", f"-{relieved}"),
    )
    every = " UNION ALL ".join(parts)
    return f"SELECT day, sum(b) AS buyers, sum(r) AS repeaters FROM ({every}) AS c GROUP BY 1"


COHORT_MONTH = Rollup(
    "metrics_cohortmonth",
    ("cohort", "month"),
    ("active", "purchases", "sales", "refunds"),
    {
        "bought": Pass(
            "purchase",
            {"cohort": "s.cohort", "month": "s.month"},
            {
                **{"active": "s.first_in_month::int", "purchases": "1"},
                **{"sales": "s.sales", "undated": "s.undated"},
            },
        ),
        "returned": Pass(
            "refund", {"cohort": "s.cohort", "month": "s.month"}, {"amount": "s.amount"}, "s.cohort > 0"
        ),
    },
    (
        Part("bought", {"refunds": "undated", **{m: m for m in ("active", "purchases", "sales")}}),
        Part("returned", {"refunds": "amount"}),
    ),
)
SECOND_GAP = Rollup(
    "metrics_secondgap",
    ("cohort", "gap"),
    ("customers",),
    {
        "second": Pass(
            "purchase", {"cohort": "s.cohort", "gap": "s.day - s.first_day"}, {"people": "1"}, "s.nth = 2"
        )
    },
    (Part("second", {"customers": "people"}), Part("second", {"customers": "people"}, {"cohort": "0"})),
)
GAP = Rollup(
    "metrics_gap",
    ("month", "gap"),
    ("pairs",),
    {
        "pair": Pass(
            "purchase",
            {"month": "s.month", "gap": "s.day - s.previous_day"},
            {"n": "1"},
            "s.previous_day IS NOT NULL",
        )
    },
    (Part("pair", {"pairs": "n"}), Part("pair", {"pairs": "n"}, {"month": "0"})),
)
COHORT_VALUE = Rollup(
    "metrics_cohortvalue",
    ("cohort",),
    ("customers", "net", "squares"),
    {
        "person": Pass(
            "customer",
            {"cohort": "s.cohort"},
            {"people": "1", "worth": "s.net_12", "square": "s.net_12::numeric * s.net_12"},
        )
    },
    (Part("person", {"customers": "people", "net": "worth", "squares": "square"}),),
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
