"""Which goods somebody bought. Without a time frame from one row per person and product, else from lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from retention.segments import types
from retention.segments.conditions import DURING, Condition, Known, Leaf, Node, Rows, Summed
from retention.segments.families.existence import Exists
from retention.segments.families.orders import replace_as_summed
from retention.segments.statement import Statement

HEARD = ("order.",)
BOUGHT = Rows("segments_bought b", "b.customer_id", "b.last_day", where="b.store_id = {store}")
LINES = Rows(
    "metrics_purchase r JOIN orders_line b ON b.order_id = r.order_id"
    " JOIN catalog_product p ON p.id = b.product_id",
    "r.customer_id",
    "r.day",
    where="r.store_id = {store} AND b.quantity > 0 AND NOT b.gift_card",
)
IDS = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 2**62},
    "minItems": 1,
    "maxItems": 1000,
}
KINDS = ("category", "vendor", "sku", "tag")
OF = {
    "type": "object",
    "description": "Which goods: one of products, categories, vendors, SKUs or tags; any of those named",
    "properties": {"product": IDS, **dict.fromkeys(KINDS, types.TEXTS)},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


def goods(s: Statement, of: Node | None, *, ever: bool) -> list[str]:
    """Conditions on `b`: it is of these goods."""
    if not of:
        return []
    kind, values = next(iter(of.items()))
    if kind == "product":
        return [f"b.product_id = ANY({s.put(values, 'bigint[]')})"]
    if kind in ("category", "vendor"):
        return [f"{'b' if ever else 'p'}.{kind} = ANY({s.texts(values)})"]
    wanted = f"p.sku = ANY({s.texts(values)})" if kind == "sku" else f"p.tags ?| {s.texts(values)}"
    return [f"b.product_id IN (SELECT p.id FROM catalog_product p WHERE p.store_id = {{store}} AND {wanted})"]


@dataclass(frozen=True)
class OfGoods(Summed):
    """A number or a date over what was bought; `sum` over persons' products, `of_lines` over lines."""

    of_lines: str = ""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        ever = not node.get("during")
        rows = BOUGHT if ever else LINES
        rows = replace(rows, where=" AND ".join([rows.where, *goods(s, node.get("of"), ever=ever)]))
        return Summed.leaf(replace_as_summed(self, rows, self.sum if ever else self.of_lines), s, node)

    def sentence(self, node: Node, value: str) -> str:
        return super().sentence(node, value) + _of_words(node)


@dataclass(frozen=True)
class Bought(Exists):
    def rows_of(self, node: Node) -> Rows:
        return LINES if node.get("during") else BOUGHT

    def narrowing(self, s: Statement, node: Node) -> list[str]:
        return goods(s, node.get("of"), ever=not node.get("during"))

    def sentence(self, node: Node, value: str) -> str:
        verb = "Some purchase" if node["is"] == "yes" else "No purchase"
        frame = (
            super().sentence(node, value).partition("holds" if node["is"] == "yes" else "does not hold")[2]
        )
        return f"{verb}{_of_words(node)}{frame} exists"


@dataclass(frozen=True)
class ShareOfGoods(Condition):
    """Which share of a person's spend on goods went to these."""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        of = " AND ".join(goods(s, node["of"], ever=True))
        share = f"100.0 * sum(b.spend) FILTER (WHERE {of}) / nullif(sum(b.spend), 0)"
        whole = replace_as_summed(
            Summed(self.name, self.label, self.type, self.heard),
            BOUGHT,
            f"coalesce({share}, CASE WHEN sum(b.spend) <> 0 THEN 0 END)",
        )
        return Summed.leaf(whole, s, node)

    def sentence(self, node: Node, value: str) -> str:
        return super().sentence(node, value) + _of_words(node)


FAVORITE = (
    "SELECT b.category, sum(b.spend) AS spend, sum(sum(b.spend)) OVER () AS whole FROM segments_bought b"
    ' WHERE b.customer_id = c.id GROUP BY b.category ORDER BY 2 DESC, b.category COLLATE "C" LIMIT 1'
)


def _of_words(node: Node) -> str:
    of = node.get("of")
    if not of:
        return ""
    kind, values = next(iter(of.items()))
    return f" of {kind} {' or '.join(map(str, values))}"


def conditions() -> Iterable[Condition]:
    both = {"of": OF, "during": DURING}
    yield Bought("products.bought", "Bought", types.sure, HEARD, both, rows=LINES)
    yield OfGoods("products.quantity", "Pieces bought", types.number, HEARD, both,
                  sum="sum(b.quantity)", of_lines="sum(b.quantity)", rows=LINES)  # fmt: skip
    yield OfGoods("products.spend", "Spend on goods", types.money, HEARD, both,
                  sum="sum(b.spend)", of_lines="sum(b.total - b.discount)", rows=LINES)  # fmt: skip
    yield OfGoods(
        "products.last_bought",
        "Last bought",
        types.day,
        HEARD,
        {"of": OF},
        sum="max(b.last_day)",
        rows=BOUGHT,
    )
    yield OfGoods(
        "products.first_bought",
        "First bought",
        types.day,
        HEARD,
        {"of": OF},
        sum="min(b.first_day)",
        rows=BOUGHT,
    )
    yield ShareOfGoods("products.share", "Share of spend on goods", types.percent, HEARD, {"of": OF}, ("of",))
    yield Known(
        "products.favorite",
        "Favorite category",
        types.text,
        HEARD,
        what=f"(SELECT s.category FROM ({FAVORITE}) s)",
    )
    yield Known("products.favorite_share", "Share of spend in the favorite category", types.percent, HEARD,
                what=f"(SELECT 100.0 * s.spend / nullif(s.whole, 0) FROM ({FAVORITE}) s)")  # fmt: skip
    yield Known("products.price_position", "Price level of what they buy", types.percent, HEARD,
                what="(SELECT sum(h.position * b.quantity) / sum(b.quantity) FROM segments_bought b"
                " JOIN segments_shelf h ON h.product_id = b.product_id AND h.position IS NOT NULL"
                " WHERE b.customer_id = c.id)")  # fmt: skip
