"""WooCommerce's exports: orders (the common plugin's flat file, and the Analytics download), products."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from retention.ingest.files import values
from retention.ingest.files.shopify import PRODUCT, _money, _text, tags_of
from retention.ingest.files.staged import Format, Parse, Reading, flag, product_key
from retention.ingest.files.values import Unusable

NEVER_SOLD = {"failed", "trash", "checkout-draft", "auto-draft", "draft"}
ORDER = (
    *("key", "number", "customer", "email", "placed", "cancelled", "void", "status", "refunded_at"),
    *("order_discount", "shipping", "tax", "order_total", "refunded", "coupon", "country"),
    *("first_name", "last_name", "phone", "company", "city", "region"),
)
LINE = ("quantity", "price", "discount", "total", "sale", "product", "sku", "title")
# The Analytics download says little: it never overrides what a fuller export told, however old.
LESS = 50 * 365 * 86_400 * 1_000_000
Item = dict[str, str]


def orders(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """One row per order; its items stand in numbered columns beside it."""
    order_of, items_of = _order(header, reading), _items(header)
    money = values.money(reading.currency, decimal_comma=reading.decimal_comma)
    total_of = _money(header, reading)

    def line(item: Item) -> str:
        quantity = values.whole(item.get("quantity") or "1")
        net = values.minor(money(item["total"])) if item.get("total") else 0
        gross = values.minor(money(item["subtotal"])) if item.get("subtotal") else net
        title, sku = item.get("name", "")[:500], values.identifier(item.get("sku", ""))[:255]
        amounts = f"{quantity}\t{gross // quantity if quantity else gross}\t{max(gross - net, 0)}\t{gross}"
        return f"{amounts}\tt\t{product_key(sku, title)}\t{sku}\t{title}"

    def parse(row: list[str]) -> Iterator[str]:
        items = items_of(row)
        discount = str(total_of(row, "discount_total") or total_of(row, "cart_discount"))
        order = order_of(row, "" if items else discount)
        subtotal = total_of(row, "order_subtotal") or _goods_of_total(row, total_of)
        for item in items:
            yield f"{order}\t{line(item)}"
        if not items:
            yield f"{order}\t1\t{subtotal}\t0\t{subtotal}\tt\t\t\t"

    return (*ORDER, *LINE), parse


def _goods_of_total(row: list[str], money: Callable[[list[str], str], int]) -> int:
    beside = sum(money(row, name) for name in ("shipping_total", "tax_total", "fee_total"))
    return max(money(row, "order_total") - beside, 0) + money(row, "discount_total")


def _order(header: list[str], reading: Reading) -> Callable[[list[str], str], str]:
    text, money = _text(header), _money(header, reading)
    key_of, customer_of = values.key("order number", 120), values.key("customer id", 320)
    moment_of = values.moment(reading.zone, latest=reading.latest, day_before_month=reading.day_first)

    def read(row: list[str], discount: str) -> str:
        values.same_currency(text(row, "order_currency"), reading.currency)
        number = text(row, "order_number", "order_id")
        if not (key := key_of(text(row, "order_id", "order_number"))):
            raise Unusable("The order number is missing.")
        placed = moment_of(text(row, "order_date"))
        paid = moment_of(text(row, "paid_date")) if text(row, "paid_date") else placed
        status = text(row, "status").lower().removeprefix("wc-")
        customer = customer_of(text(row, "customer_id", "customer_user"))
        total = money(row, "order_total")
        refunded, at = _refunds(text(row, "refund_items"), reading)
        if status == "refunded" and not refunded:
            refunded = total
        return "\t".join(
            (
                *(key, number[:120], "" if customer == "0" else customer),
                values.email_key(text(row, "billing_email", "customer_email")),
                str(placed),
                str(paid) if status == "cancelled" else "",
                flag(status in NEVER_SOLD),
                status[:40],
                str(max(at, paid)) if refunded else "",
                *(discount, str(money(row, "shipping_total")), str(money(row, "tax_total"))),
                *(str(total), str(refunded)),
                _coupon(text(row, "coupon_items")),
                values.country(text(row, "billing_country", "shipping_country")),
                text(row, "billing_first_name", "shipping_first_name")[:200],
                text(row, "billing_last_name", "shipping_last_name")[:200],
                text(row, "billing_phone", "shipping_phone").lstrip("'")[:40],
                text(row, "billing_company", "shipping_company")[:200],
                text(row, "billing_city", "shipping_city")[:200],
                text(row, "billing_state", "shipping_state")[:200],
            )
        )

    return read


def _refunds(cell: str, reading: Reading) -> tuple[int, int]:
    """`amount:10.00|reason:…|date:2025-03-01 10:00:00;amount:…`: the sum, and the last date."""
    money = values.money(reading.currency, decimal_comma=reading.decimal_comma)
    moment_of = values.moment(reading.zone, latest=reading.latest)
    amounts = re.findall(r"amount:\s*(-?[\d.,]+)", cell)
    dates = re.findall(r"date:\s*(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?)", cell)
    total = sum(abs(values.minor(money(amount))) for amount in amounts)
    return total, max((moment_of(date) for date in dates), default=0)


def _coupon(cell: str) -> str:
    """`code:SUMMER|amount:5.00`, or the bare code."""
    found = re.search(r"code:\s*([^|;]+)", cell)
    return (found[1].strip() if found else cell.split("|")[0].split(";")[0])[:120]


def _items(header: list[str]) -> Callable[[list[str]], list[Item]]:
    """Items from `Product Item 1 Name` columns, else from `line_item_1` cells such as
    `name:Cap|sku:woo-cap|quantity:2|total:32.00|sub_total:36.00`."""
    columns: dict[int, dict[str, int]] = {}
    packed: list[int] = []
    for place, name in enumerate(header):
        if match := re.fullmatch(r"product item (\d+) (name|id|sku|quantity|total|subtotal)", name.lower()):
            columns.setdefault(int(match[1]), {})[match[2]] = place
        elif re.fullmatch(r"line_item_\d+", name.lower()):
            packed.append(place)
    numbered = [columns[number] for number in sorted(columns)]

    def read(row: list[str]) -> list[Item]:
        items = [{word: values.clean(row[place]) for word, place in item.items()} for item in numbered]
        items = [item for item in items if item.get("name") or item.get("sku")]
        return items or [_unpacked(row[place]) for place in packed if row[place].strip()]

    return read


def _unpacked(cell: str) -> Item:
    pairs = (piece.partition(":") for piece in values.clean(cell).split("|"))
    item = {word.strip().lower(): value.strip() for word, _, value in pairs}
    return {"subtotal": item.get("sub_total", ""), **item}


ANALYTICS = (
    *("key", "placed", "updated", "cancelled", "void", "status", "coupon", "channel"),
    *("quantity", "price", "discount", "total", "sale", "product", "sku", "title"),
)


def analytics(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """One row per order. It names its customer without an address, so orders come without a customer."""
    text, money = _text(header), values.money(reading.currency, decimal_comma=reading.decimal_comma)
    key_of = values.key("order number", 120)
    moment_of = values.moment(reading.zone, latest=reading.latest, day_before_month=reading.day_first)
    told_at = str(reading.as_of - LESS)

    def parse(row: list[str]) -> tuple[str]:
        if not (key := key_of(text(row, "Order #"))):
            raise Unusable("The order number is missing.")
        placed, status = moment_of(text(row, "Date")), text(row, "Status").lower().removeprefix("wc-")
        total = values.minor(money(text(row, "Net Sales", "N. Revenue (formatted)")))
        sold = text(row, "Items sold")
        quantity = values.whole(sold) if sold else 1
        titles = re.split(r",\s*(?=\d+×)", text(row, "Product(s)"))
        title = re.sub(r"^\d+×\s*", "", titles[0]) if len(titles) == 1 else ", ".join(titles)
        product = product_key("", title[:500]) if len(titles) == 1 else ""
        cancelled = str(placed) if status == "cancelled" else ""
        told = (key, str(placed), told_at, cancelled, flag(status in NEVER_SOLD), status[:40])
        beside = (text(row, "Coupon(s)").split(",")[0][:120], text(row, "Attribution")[:80])
        amounts = (str(quantity), str(total // quantity if quantity else total), "0", str(total), "t")
        return ("\t".join((*told, *beside, *amounts, product, "", title[:500])),)

    return ANALYTICS, parse


def products(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """One row per product or variation; a variation has the category of its parent, which stands above."""
    text, money = _text(header), values.money(reading.currency, decimal_comma=reading.decimal_comma)
    categories: dict[str, str] = {}

    def amount(cell: str) -> str:
        return str(values.minor(money(cell))) if cell else ""

    def parse(row: list[str]) -> tuple[str]:
        title, sku = text(row, "Name")[:500], values.identifier(text(row, "SKU"))[:255]
        if not title and not sku:
            raise Unusable("The product has neither a name nor a SKU.")
        own = text(row, "Categories").split(",")[0].strip()
        category = own or categories.get(text(row, "Parent"), "")
        if text(row, "Type").lower().startswith("variable") and len(categories) < 100_000:
            categories[sku] = categories[f"id:{text(row, 'ID')}"] = category
        stock = text(row, "Stock")
        told = (
            *(product_key(sku, title), sku, title, "", category[:255], text(row, "Brands")[:255]),
            *(tags_of(text(row, "Tags")), text(row, "Images").split(",")[0].strip()[:1000]),
            amount(text(row, "Sale price", "Regular price")),
            amount(text(row, "Cost of goods", "Meta: _wc_cog_cost")),
            str(values.whole(stock)) if stock else "",
            flag(text(row, "Published") in ("", "1")),
            *(text(row, "ID")[:40], text(row, "Upsells")[:4000], text(row, "Cross-sells")[:4000]),
        )
        return ("\t".join(told),)

    return (*PRODUCT, "external", "upsells", "cross_sells"), parse


# Shops write amounts as their settings say, so the files must be asked for their decimals.
ORDERS = Format("woo-orders", "WooCommerce orders", "orders", "woocommerce", orders, money=("order_total",))
ANALYTICS_ORDERS = Format(
    *("woo-analytics", "WooCommerce Analytics orders", "orders", "woocommerce", analytics),
    money=("net sales", "n. revenue (formatted)"),
)
PRODUCTS = Format(
    *("woo-products", "WooCommerce products", "products", "woocommerce", products),
    money=("regular price", "sale price"),
)
