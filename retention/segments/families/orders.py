"""What somebody bought, in numbers. Money is net revenue in minor units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from retention.segments import types
from retention.segments.conditions import (
    DURING,
    Condition,
    Field,
    Known,
    Leaf,
    Node,
    Rows,
    Summed,
    asked,
    where_schema,
)
from retention.segments.statement import Statement, day_start
from retention.segments.windows import NEVER

HEARD = ("order.",)
FIELDS = {
    "channel": Field("Channel", types.text, "o.channel"),
    "campaign": Field("Campaign", types.text, "o.campaign"),
    "coupon": Field("Coupon", types.text, "o.coupon"),
    "country": Field("Country", types.text, "o.country"),
    "source": Field("Source", types.text, "o.source"),
    "total": Field("Net revenue", types.money, "r.kept"),
    "discount": Field("Discount", types.money, "r.discounts"),
    "shipping": Field("Shipping paid", types.money, "o.shipping"),
    "nth": Field("Place in the sequence", types.number, "r.nth"),
}
PURCHASES = Rows(
    "metrics_purchase r",
    "r.customer_id",
    "r.day",
    where="r.store_id = {store}",
    joined="JOIN orders_order o ON o.id = r.order_id",
    fields=FIELDS,
)
REFUNDS = Rows("metrics_refundfact r", "r.customer_id", "r.day", where="r.store_id = {store}")
# A hundred years.
FAR_DAYS = 36_500
NARROWED = {"during": DURING, "where": where_schema(FIELDS)}


def _used(column: str) -> str:
    return (
        f"ARRAY(SELECT DISTINCT lower(o.{column}) FROM metrics_purchase r JOIN orders_order o"
        f" ON o.id = r.order_id WHERE r.customer_id = c.id AND o.{column} <> '')"
    )


@dataclass(frozen=True)
class ShareOf(Summed):
    """Which share of a person's purchases is of a kind."""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        kind = " AND ".join(self.narrowing(s, node))
        share = f"100.0 * count(*) FILTER (WHERE {kind}) / nullif(count(*), 0)"
        rows = replace(self.rows, table=f"{self.rows.table} {self.rows.joined}", joined="")
        return Summed.leaf(replace_as_summed(self, rows, share), s, {**node, "where": []})


def replace_as_summed(condition: Summed, rows: Rows, total: str) -> Summed:
    """A plain sum over other rows, of the same name."""
    return Summed(
        condition.name,
        condition.label,
        condition.type,
        condition.heard,
        condition.extras,
        condition.required,
        rows=rows,
        sum=total,
    )


def usual_gap(s: Statement) -> tuple[str, str]:
    """Days and purchases of which the quotient is the usual gap: the person's own mean from the third
    purchase on, else that of the store. Two whole numbers, so that comparing needs one division only."""
    own = "f.purchases >= 3 AND f.last_day > f.first_day"
    days = f"CASE WHEN {own} THEN f.last_day - f.first_day ELSE {s.put(s.benchmarks.gap, 'int')} END"
    return f"({days})", f"(CASE WHEN {own} THEN f.purchases - 1 ELSE 1 END)"


def _ever(node: Node) -> str:
    """Whom the passage of time may bring in: buyers, unless it is asked who is none."""
    return f"f.last_day IS {'NULL' if node['is'] == 'not_set' else 'NOT NULL'}"


@dataclass(frozen=True)
class Rhythm(Condition):
    """Days since the last purchase, in percent of the usual gap."""

    @property
    def benchmarks(self) -> bool:
        return True

    def leaf(self, s: Statement, node: Node) -> Leaf:
        days, gaps = usual_gap(s)
        age = f"100.0 * ({{today}} - f.last_day) * {gaps} / {days}"
        holds, _, _ = asked(s, self.type, node, age)
        reached = self._thresholds(s, node)
        turns = [f"CASE WHEN {{today}} < {day} THEN {day_start(day)} END" for day in reached]
        return Leaf(
            holds,
            f"round({age})",
            f"least({', '.join(turns)}, {NEVER})",
            _ever(node),
            buyers=node["is"] != "not_set",
        )

    def _thresholds(self, s: Statement, node: Node) -> list[str]:
        """The days on which the comparison may change: that of reaching a bound, and the one after."""
        value = node.get("value")
        bounds = [] if value is None else value if isinstance(value, list) else [value]
        gap, gaps = usual_gap(s)
        reach = [f"({s.put(Decimal(str(one)), 'numeric')} * {gap} / (100 * {gaps}))" for one in bounds]
        # A bound may be any number; a day that nobody lives to see is as good as a later one.
        near = [f"least(greatest({days}, -{FAR_DAYS}), {FAR_DAYS})" for days in reach]
        first = [f"(f.last_day + ceil({days})::int)" for days in near]
        return first + [f"(f.last_day + floor({days})::int + 1)" for days in near] or ["NULL::date"]


@dataclass(frozen=True)
class Recency(Condition):
    """1 to 5 by days since the last purchase; 5 is the most recent fifth of all buyers."""

    @property
    def benchmarks(self) -> bool:
        return True

    def leaf(self, s: Statement, node: Node) -> Leaf:
        cuts = [s.put(cut, "int") for cut in s.benchmarks.recency]
        score = "1 + " + " + ".join(f"({{today}} - f.last_day <= {cut})::int" for cut in cuts)
        holds, _, _ = asked(s, self.type, node, f"({score})")
        days = [f"f.last_day + {cut} + 1" for cut in cuts]
        turns = ", ".join(f"CASE WHEN {{today}} < {day} THEN {day_start(day)} END" for day in days)
        return Leaf(
            holds, f"({score})", f"least({turns}, {NEVER})", _ever(node), buyers=node["is"] != "not_set"
        )


@dataclass(frozen=True)
class Fifth(Condition):
    """1 to 5 by how many of the cuts between fifths of all buyers a number passes."""

    what: str = ""
    cuts: str = ""

    @property
    def benchmarks(self) -> bool:
        return True

    def leaf(self, s: Statement, node: Node) -> Leaf:
        cuts = [s.whole(cut) for cut in getattr(s.benchmarks, self.cuts)]
        score = "(1 + " + " + ".join(f"({self.what} > {cut})::int" for cut in cuts) + ")"
        holds, _, _ = asked(s, self.type, node, score)
        return Leaf(holds, score, buyers=node["is"] != "not_set")


@dataclass(frozen=True)
class Comeback(Condition):
    """How long the pause before the last purchase was, in percent of the gap that was usual before it."""

    @property
    def benchmarks(self) -> bool:
        return True

    def leaf(self, s: Statement, node: Node) -> Leaf:
        own = "r.nth >= 4 AND r.previous_day > r.first_day"
        days = f"CASE WHEN {own} THEN r.previous_day - r.first_day ELSE {s.put(s.benchmarks.gap, 'int')} END"
        pause = (
            f"(SELECT 100.0 * (r.day - r.previous_day) * CASE WHEN {own} THEN r.nth - 2 ELSE 1 END / ({days})"
            " FROM metrics_purchase r"
            " WHERE r.customer_id = c.id AND r.nth = f.purchases AND r.previous_day IS NOT NULL)"
        )
        holds, _, _ = asked(s, self.type, node, pause)
        return Leaf(holds, pause, buyers=node["is"] != "not_set")


def _first(name: str, label: str) -> Known:
    return Known(f"orders.first_{name}", label, types.text, HEARD, what=f"f.{name}", of_buyer=True)


def conditions() -> Iterable[Condition]:
    net, average = "sum(r.kept)", "sum(r.kept)::numeric / nullif(count(*), 0)"
    yield Summed(
        "orders.count",
        "Number of purchases",
        types.number,
        HEARD,
        NARROWED,
        rows=PURCHASES,
        total="f.purchases",
    )
    yield Summed(
        "orders.spend", "Net revenue", types.money, HEARD, NARROWED, rows=PURCHASES, sum=net, total="f.net"
    )
    yield Summed("orders.average", "Average order value", types.average, HEARD, NARROWED, rows=PURCHASES,
                 sum=average, total="(f.net::numeric / f.purchases)")  # fmt: skip
    yield Summed(
        "orders.largest",
        "Largest purchase",
        types.average,
        HEARD,
        NARROWED,
        rows=PURCHASES,
        sum="max(r.kept)",
    )
    only_where = {"where": where_schema(FIELDS)}
    yield Summed("orders.last", "Last purchase", types.day, HEARD, only_where, rows=PURCHASES,
                 sum="max(r.day)", total="f.last_day")  # fmt: skip
    yield Summed("orders.first", "First purchase", types.day, HEARD, only_where, rows=PURCHASES,
                 sum="min(r.day)", total="f.first_day")  # fmt: skip
    yield Known("orders.second", "Second purchase", types.day, HEARD, what="f.second_day", of_buyer=True)
    yield ShareOf(
        "orders.share", "Share of purchases", types.percent, HEARD,
        {**NARROWED, "where": {**NARROWED["where"], "minItems": 1}}, ("where",), rows=PURCHASES,
    )  # fmt: skip
    yield Known("orders.discount_share", "Discounts as a share of full price", types.percent, HEARD,
                what="(100.0 * f.discounts / nullif(f.sales + f.discounts, 0))", of_buyer=True)  # fmt: skip
    yield Rhythm(
        "orders.rhythm", "Time since the last purchase, in percent of the usual gap,", types.percent, HEARD
    )
    yield Comeback(
        "orders.comeback",
        "The pause before the last purchase, in percent of the usual gap,",
        types.percent,
        HEARD,
    )
    yield Known("orders.gap", "Usual days between purchases", types.quotient, HEARD, of_buyer=True,
                what="((f.last_day - f.first_day)::numeric / nullif(f.purchases - 1, 0))")  # fmt: skip
    yield Summed("orders.refunds", "Number of refunds", types.number, HEARD, {"during": DURING}, rows=REFUNDS)
    yield Known(
        "orders.refunded", "Money refunded", types.money, HEARD, what="(f.sales - f.net)", of_buyer=True
    )
    yield Known("orders.refund_share", "Refunds as a share of sales", types.percent, HEARD,
                what="(100.0 * (f.sales - f.net) / nullif(f.sales, 0))", of_buyer=True)  # fmt: skip
    first = {
        "channel": "channel",
        "campaign": "campaign",
        "country": "country of purchase",
        "category": "category",
    }
    for name, label in ((name, f"First {words}") for name, words in first.items()):
        yield _first(name, label)
    for name, label in (("channel", "Channels"), ("campaign", "Campaigns"), ("coupon", "Coupons")):
        yield Known(f"orders.{name}s", f"{label} used", types.texts, HEARD, what=_used(name))
    yield Recency("rfm.recency", "Recency score", types.quotient, HEARD)
    yield Fifth(
        "rfm.frequency", "Frequency score", types.quotient, HEARD, what="f.purchases", cuts="frequency"
    )
    yield Fifth("rfm.money", "Money score", types.quotient, HEARD, what="f.net", cuts="money")
