"""Shopify's exports: orders, customers and products, with the older and the newer columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from retention.ingest.files import values
from retention.ingest.files.staged import Format, Parse, Reading, column_finder, flag, product_key
from retention.ingest.files.values import Unusable

# Sold, but no revenue of goods: the money comes in when a card is redeemed; a tip is not the shop's.
NOT_GOODS = re.compile(r"gift ?card|^tip$", re.I)
UTM = re.compile(r"^\s*utm_(source|campaign)\s*:\s*(.+)$", re.M)
TESTING = {"bogus", "(for testing) bogus gateway"}
ORDER = ("key", "opens", "number", "placed", "email")
HEAD = (
    *("external", "status", "void", "test", "cancelled", "shipped", "refunded_at", "subtotal", "shipping"),
    *("tax", "included_tax", "order_total", "refunded", "channel", "campaign", "coupon", "country"),
    *("first_name", "last_name", "phone", "company", "city", "region"),
)
LINE = ("quantity", "price", "discount", "total", "gift", "sale", "product", "sku", "title")


def orders(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """One row per line item; what is true of the whole order stands on its first row only."""
    find = column_finder(header)
    name_of = values.key("order name", 120)
    moment_of = values.moment(reading.zone, latest=reading.latest)
    name_at, created_at, email_at = find("Name"), find("Created at"), find("Email")
    first_at = [find(name) for name in ("Financial Status", "Total", "Currency")]
    head_of, line_of = _head(header, reading), _line(header, reading)
    blank = "\t" * (len(HEAD) - 1)
    refused, before, filled = "", "", False

    def read(row: list[str], name: str, whole: bool) -> str:
        email = values.email_key(row[email_at]) if email_at >= 0 else ""
        # Rows that all have the order's cells are one telling while they stand together.
        opens = flag(name != before or not filled) if whole else ""
        order = f"{name}\t{opens}\t{name}\t{moment_of(row[created_at])}\t{email}"
        return f"{order}\t{head_of(row) if whole else blank}\t{line_of(row)}"

    def parse(row: list[str]) -> tuple[str]:
        nonlocal refused, before, filled
        if not (name := name_of(row[name_at])):
            raise Unusable("The order's name is missing.")
        whole = any(at >= 0 and row[at].strip() for at in first_at)
        if not whole and name == refused:
            # Alone they would be an order without its currency, discounts and state.
            raise Unusable("The first row of this order could not be used.")
        try:
            return (read(row, name, whole),)
        except Unusable:
            refused = name if whole else refused
            raise
        finally:
            before, filled = name, whole

    return (*ORDER, *HEAD, *LINE), parse


def _head(header: list[str], reading: Reading) -> Callable[[list[str]], str]:
    find = column_finder(header)
    text, money = _text(header), _money(header, reading)
    moment_of = values.moment(reading.zone, latest=reading.latest)
    notes_at = find("Note Attributes")
    dates = [find(name) for name in ("Created at", "Paid at", "Fulfilled at", "Cancelled at")]

    def moment(row: list[str], place: int) -> str:
        return str(moment_of(row[place])) if place >= 0 and row[place].strip() else ""

    def read(row: list[str]) -> str:
        values.same_currency(text(row, "Currency"), reading.currency)
        subtotal, shipping, tax = money(row, "Subtotal"), money(row, "Shipping"), money(row, "Taxes")
        total, refunded = money(row, "Total"), money(row, "Refunded Amount")
        times = [moment(row, place) for place in dates]
        first, last = values.names(text(row, "Billing Name", "Shipping Name"))
        status = text(row, "Financial Status").lower()
        utm = _utm(row[notes_at]) if notes_at >= 0 else {}
        return "\t".join(
            (
                text(row, "Id"),
                status[:40],
                flag(status == "voided"),
                flag(text(row, "Payment Method").lower() in TESTING),
                times[3],
                times[2],
                max(times, key=lambda time: int(time or 0)) if refunded else "",
                str(subtotal),
                str(shipping),
                str(tax),
                str(_included(subtotal, shipping, tax, total)),
                str(total),
                str(refunded),
                (utm.get("source") or text(row, "Source"))[:80],
                utm.get("campaign", "")[:120],
                text(row, "Discount Code")[:120],
                values.country(text(row, "Billing Country", "Shipping Country")),
                first,
                last,
                text(row, "Phone", "Billing Phone", "Shipping Phone").lstrip("'")[:40],
                text(row, "Billing Company", "Shipping Company")[:200],
                text(row, "Billing City", "Shipping City")[:200],
                text(row, "Billing Province", "Shipping Province")[:200],
            )
        )

    return read


def _utm(cell: str) -> dict[str, str]:
    """Where the buyer came from, as shops note it with the order: lines such as `utm_source: newsletter`."""
    if "utm_" not in cell:
        return {}
    return {name: values.clean(told) for name, told in UTM.findall(cell)}


def _included(subtotal: int, shipping: int, tax: int, total: int) -> int:
    """Tax that the items' prices include: then the total is subtotal and shipping, with no tax on top."""
    gross = subtotal + shipping
    if tax <= 2 or gross <= 0 or abs(gross - total) > 2:
        return 0
    return round(tax * subtotal / gross)


def _line(header: list[str], reading: Reading) -> Callable[[list[str]], str]:
    text, money = _text(header), _money(header, reading)

    def read(row: list[str]) -> str:
        title, sku = text(row, "Lineitem name")[:500], values.identifier(text(row, "Lineitem sku"))[:255]
        if not title and not text(row, "Lineitem quantity"):
            return "\t" * (len(LINE) - 1)
        quantity = values.whole(text(row, "Lineitem quantity") or "1")
        price = money(row, "Lineitem price")
        total = values.minor(quantity * price * values.FINER)
        gift = bool(NOT_GOODS.search(title)) and text(row, "Lineitem requires shipping").lower() != "true"
        amounts = f"{quantity}\t{price}\t{money(row, 'Lineitem discount')}\t{total}"
        return f"{amounts}\t{flag(gift)}\tt\t{product_key(sku, title)}\t{sku}\t{title}"

    return read


def _text(header: list[str]) -> Callable[..., str]:
    """A reader of the first of these columns that says something."""
    find = column_finder(header)
    places: dict[tuple[str, ...], list[int]] = {}

    def read(row: list[str], *names: str) -> str:
        if names not in places:
            places[names] = [place for place in (find(name) for name in names) if place >= 0]
        return next((found for place in places[names] if (found := values.clean(row[place]))), "")

    return read


def _money(header: list[str], reading: Reading) -> Callable[[list[str], str], int]:
    text, money = _text(header), values.money(reading.currency, decimal_comma=reading.decimal_comma)

    def read(row: list[str], name: str) -> int:
        cell = text(row, name)
        return values.minor(money(cell)) if cell else 0

    return read


PERSON = (
    *("customer", "email", "first_name", "last_name", "phone", "company", "city", "region", "country"),
    *("accepts_email", "tags"),
)


def customers(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    text, key = _text(header), values.key("customer id", 320)

    def parse(row: list[str]) -> tuple[str]:
        customer, email = key(text(row, "Customer ID")), values.email_key(text(row, "Email"))
        if not customer and not email:
            raise Unusable("The row has neither a customer id nor an e-mail address.")
        accepts = text(row, "Accepts Email Marketing", "Accepts Marketing").lower()
        told = (
            text(row, "First Name")[:200],
            text(row, "Last Name")[:200],
            text(row, "Phone", "Default Address Phone").lstrip("'")[:40],
            text(row, "Default Address Company", "Company")[:200],
            text(row, "Default Address City", "City")[:200],
            text(row, "Default Address Province Code", "Province", "Province Code")[:200],
            values.country(text(row, "Default Address Country Code", "Country", "Country Code")),
            {"yes": "true", "no": "false"}.get(accepts, ""),
            tags_of(text(row, "Tags")),
        )
        return ("\t".join((customer, email, *told)),)

    return PERSON, parse


def tags_of(cell: str) -> str:
    return json.dumps([tag.strip() for tag in cell.split(",") if tag.strip()], ensure_ascii=False)


PRODUCT = (
    *("product", "sku", "title", "handle", "category", "vendor", "tags", "image", "price", "cost", "stock"),
    "active",
)
Words = tuple[str, str, str, str, str, str]


def products(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """One row per variant; title, type and vendor stand on a product's first row, and some rows hold only
    one more picture."""
    text, money = _text(header), values.money(reading.currency, decimal_comma=reading.decimal_comma)
    handle, words = "", ("", "", "", "[]", "", "t")

    def amount(cell: str) -> str:
        return str(values.minor(money(cell))) if cell else ""

    def parse(row: list[str]) -> tuple[str]:
        nonlocal handle, words
        told = text(row, "Handle", "URL handle")
        if text(row, "Title"):
            handle, words = told, _product_words(text, row)
        elif not told and not handle:
            raise Unusable("The product has neither a handle nor a title.")
        elif told and told != handle:
            raise Unusable("The product has no title.")
        title, category, vendor, tags, image, active = words
        options = [text(row, f"Option{n} Value") for n in (1, 2, 3)]
        sku = values.identifier(text(row, "Variant SKU", "SKU"))[:255]
        price = text(row, "Variant Price", "Price")
        if not sku and not price and not any(options):
            return ("\t" * (len(PRODUCT) - 1),)
        title = variant_title(title, options)
        stock = text(row, "Variant Inventory Qty", "Inventory quantity")
        return (
            "\t".join(
                (
                    product_key(sku, title),
                    *(sku, title, handle[:255], category, vendor, tags),
                    (text(row, "Variant Image", "Variant image URL") or image)[:1000],
                    *(amount(price), amount(text(row, "Cost per item"))),
                    str(values.whole(stock)) if stock else "",
                    active,
                )
            ),
        )

    return PRODUCT, parse


def _product_words(text: Callable[..., str], row: list[str]) -> Words:
    taxonomy = text(row, "Product Category").rpartition(">")[2].strip()
    published = text(row, "Published", "Published on online store").lower() != "false"
    return (
        text(row, "Title")[:500],
        (text(row, "Type") or taxonomy)[:255],
        text(row, "Vendor")[:255],
        tags_of(text(row, "Tags")),
        text(row, "Image Src", "Product image URL")[:1000],
        flag(published and text(row, "Status").lower() in ("", "active")),
    )


def variant_title(title: str, options: list[str]) -> str:
    """As order lines call it: "Shirt - Small / Blue"; "Default Title" is a product without options."""
    chosen = " / ".join(option for option in options if option and option != "Default Title")
    return (f"{title} - {chosen}" if chosen else title)[:500]


ORDERS = Format("shopify-orders", "Shopify orders", "orders", "shopify", orders, numbered=True)
CUSTOMERS = Format("shopify-customers", "Shopify customers", "customers", "shopify", customers)
PRODUCTS = Format("shopify-products", "Shopify products", "products", "shopify", products)
