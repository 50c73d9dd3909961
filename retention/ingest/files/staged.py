"""What a format hands on: cells of staged rows, in the words of the staging table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

# Columns of the staging table and their types. Moments are microseconds since 1970, money is minor units.
COLUMNS = {
    "key": "text",  # rows with the same key are one order
    "opens": "boolean",  # begins a telling of the order; false: repeats its cells; null: only a line
    "external": "text",
    "number": "text",
    "customer": "text",
    "email": "text",
    "placed": "bigint",
    "updated": "bigint",  # when the source last changed it; the version of this telling
    "cancelled": "bigint",
    "shipped": "bigint",
    "refunded_at": "bigint",
    "test": "boolean",
    "void": "boolean",
    "status": "text",
    "channel": "text",
    "campaign": "text",
    "coupon": "text",
    "country": "text",
    "product": "text",  # what the line's product is known by: see `product_key`
    "sku": "text",
    "title": "text",
    "category": "text",
    "quantity": "integer",
    "price": "bigint",
    "discount": "bigint",
    "total": "bigint",
    "gift": "boolean",
    "sale": "boolean",  # something was sold: without any such row the order is void
    "credit": "boolean",  # money given back
    "subtotal": "bigint",  # of the whole order, after discounts
    "order_discount": "bigint",
    "shipping": "bigint",
    "tax": "bigint",
    "included_tax": "bigint",  # tax within the items' prices
    "order_total": "bigint",
    "refunded": "bigint",
    "first_name": "text",
    "last_name": "text",
    "phone": "text",
    "company": "text",
    "city": "text",
    "region": "text",
    "accepts_email": "text",
    "tags": "text",
    "handle": "text",
    "vendor": "text",
    "image": "text",
    "cost": "bigint",
    "stock": "integer",
    "active": "boolean",
    "upsells": "text",  # products of the same source, by SKU or "id:7", with commas between
    "cross_sells": "text",
}

# One file row gives a few staged rows: cells joined by tabs; an empty cell stands for "not known".
Parse = Callable[[list[str]], Iterable[str]]


@dataclass(frozen=True)
class Reading:
    """How to read this store's file."""

    currency: str
    zone: ZoneInfo
    latest: datetime
    as_of: int = 0
    mapping: dict[str, str] = field(default_factory=dict)
    cancel_prefix: str = ""
    decimal_comma: bool = False
    day_first: bool = False
    one_order_per: str = ""


@dataclass(frozen=True)
class Format:
    """A kind of file. `parser` looks at the header once and returns the reader of one row."""

    name: str
    title: str
    facts: str  # orders, customers or products
    source: str
    parser: Callable[[list[str], Reading], tuple[tuple[str, ...], Parse]]
    numbered: bool = False  # an order's key is its number; older exports know no other id
    money: tuple[str, ...] = ()  # columns that show whether amounts are written 1.234,56


def column_finder(header: list[str]) -> Callable[..., int]:
    """Find a column by any of its names, whatever its case; -1 when the file has none of them."""
    places = {name.strip().lower(): place for place, name in reversed(list(enumerate(header)))}

    def find(*names: str) -> int:
        return next((places[n.lower()] for n in names if n.lower() in places), -1)

    return find


def product_key(sku: str, title: str) -> str:
    """What a product is known by in files: its SKU; without one, what it is called."""
    return sku or (f"name:{title}"[:255] if title else "")


def flag(value: bool) -> str:
    return "t" if value else "f"
