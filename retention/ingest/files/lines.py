"""Any file with one row per order line, or one row per order, read by a mapping of columns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from hashlib import md5
from operator import itemgetter
from zoneinfo import ZoneInfo

from retention.ingest.files import values
from retention.ingest.files.staged import Format, Parse, Reading, product_key
from retention.ingest.files.values import Unusable

FIELDS = {
    "order": "Order or invoice number",
    "date": "Date",
    "customer": "Customer id",
    "email": "E-mail",
    "sku": "SKU",
    "title": "Product title",
    "quantity": "Quantity",
    "unit_price": "Unit price",
    "amount": "Amount of the row",
    "discount": "Discount of the row",
    "currency": "Currency",
    "country": "Country",
    "channel": "Channel",
    "campaign": "Campaign",
    "coupon": "Coupon",
    "category": "Product category",
    "name": "Full name",
    "first_name": "First name",
    "last_name": "Last name",
    "phone": "Phone",
    "updated": "Last changed",
}
GOODS = ("sku", "title", "category")
# Entries of each memory: enough for most shops, little enough for any file.
REMEMBERED = 50_000
SHORT = 400
LIMITS = {"country": 80, "channel": 80, "campaign": 120, "coupon": 120, "category": 255, "title": 500}
LIMITS |= {"first_name": 200, "last_name": 200}
# A cell read as a few staged columns of the order.
Told = tuple[tuple[str, ...], int, Callable[[str], str]]


def problem(mapping: dict[str, str], header: list[str]) -> str:
    """What is wrong with a mapping, in one line; empty when nothing is."""
    if unknown := sorted(set(mapping) - set(FIELDS)):
        return f"There is no field “{unknown[0]}”. Fields: {', '.join(FIELDS)}."
    columns = {name.lower() for name in header}
    for field, column in mapping.items():
        if column.lower() not in columns:
            return f"The file has no column “{column}” (for {field}). Its columns: {', '.join(header)[:500]}."
    if "date" not in mapping:
        return "No column is mapped to date."
    if "amount" not in mapping and "unit_price" not in mapping:
        return "No column holds money: map amount, or quantity and unit_price."
    if "name" in mapping and ("first_name" in mapping or "last_name" in mapping):
        return "Map either the full name, or the first and the last name."
    return ""


def parser(header: list[str], reading: Reading) -> tuple[tuple[str, ...], Parse]:
    """Returns the staged columns and the reader of one row. It runs once per line and cells repeat, so a
    row is read in three groups of cells, each remembered: order, amounts, product."""
    places = {name.lower(): place for place, name in reversed(list(enumerate(header)))}
    at = {field: places[column.lower()] for field, column in reading.mapping.items()}
    texts = _texts(at)
    columns: tuple[str, ...] = ("key", "placed", "customer", "email", "updated")
    columns += tuple(name for names, _, _ in texts for name in names)
    columns += ("quantity", "price", "discount", "total", "sale", "credit", "product", *GOODS)
    order_of, amounts_of, goods_of = _order(at, texts, reading), _amounts(at, reading), _goods(at)

    def parse(row: list[str]) -> tuple[str]:
        order, cancels = order_of(row)
        amounts, sale, credit = amounts_of(row)
        flags = "f\tt" if credit or cancels else "t\tf" if sale else "f\tf"
        return (f"{order}\t{amounts}\t{flags}\t{goods_of(row)}",)

    return columns, parse


def _cells(places: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    return itemgetter(*places) if places else lambda row: ()


def _texts(at: dict[str, int]) -> list[Told]:
    """What is told of an order beside its number, its time and whose it is."""
    plain = [field for field in LIMITS if field in at and field not in (*GOODS, "country")]
    texts: list[Told] = [((field,), at[field], values.cut(LIMITS[field])) for field in plain]
    special = (("country",), values.country), (("first_name", "last_name"), _whole_name), (("phone",), _phone)
    for names, read in special:
        field = "name" if len(names) > 1 else names[0]
        if field in at:
            texts.append((names, at[field], read))
    return texts


def _whole_name(cell: str) -> str:
    return "\t".join(values.names(cell))


def _phone(cell: str) -> str:
    return values.identifier(cell)[:40]


def _order(
    at: dict[str, int], texts: list[Told], reading: Reading
) -> Callable[[list[str]], tuple[str, bool]]:
    """A reader of (cells of the order, does it cancel another). Lines of one order follow each other
    mostly, so the last one is remembered."""
    asked = [at[f] for f in ("order", "date", "customer", "email", "updated", "currency") if f in at]
    asked += [place for _, place, _ in texts]
    cells_of = _cells(asked) if "order" in at else tuple
    customer_of = _optional(at.get("customer"), values.key("customer id", 320))
    email_of = _optional(at.get("email"), values.email_key)
    reads = [(place, read) for _, place, read in texts]
    currency_at = at.get("currency", -1)
    moment_of = values.moment(reading.zone, latest=reading.latest, day_before_month=reading.day_first)
    updated_of = _optional(at.get("updated"), lambda cell: str(moment_of(cell)) if cell.strip() else "")
    key_of, date_at = _order_key(at, reading), at["date"]
    order_at, prefix = at.get("order", -1), reading.cancel_prefix
    last: tuple[str, ...] = ("never",)
    found = ("", False)

    def read(row: list[str]) -> tuple[str, bool]:
        nonlocal last, found
        cells = cells_of(row)
        if cells == last:
            return found
        if currency_at >= 0:
            values.same_currency(values.clean(row[currency_at]), reading.currency)
        placed, customer, email = moment_of(row[date_at]), customer_of(row), email_of(row)
        order = key_of(row, customer or email, placed)
        beside = [text(row[place]) for place, text in reads]
        told = "\t".join([order, str(placed), customer, email, updated_of(row), *beside])
        cancels = prefix != "" and order_at >= 0 and values.identifier(row[order_at]).startswith(prefix)
        last, found = cells, (told, cancels)
        return found

    return read


def _goods(at: dict[str, int]) -> Callable[[list[str]], str]:
    cells_of = _cells([at[field] for field in GOODS if field in at])
    sku_of = _optional(at.get("sku"), values.key("SKU", 255))
    title_of = _optional(at.get("title"), values.cut(LIMITS["title"]))
    category_of = _optional(at.get("category"), values.cut(LIMITS["category"]))
    seen: dict[tuple[str, ...], str] = {}

    def read(row: list[str]) -> str:
        cells = cells_of(row)
        if cells not in seen:
            if len(seen) > REMEMBERED:
                seen.clear()
            sku, title = sku_of(row), title_of(row)
            told = "\t".join((product_key(sku, title), sku, title, category_of(row)))
            if sum(map(len, cells)) > SHORT:
                return told
            seen[cells] = told
        return seen[cells]

    return read


def _optional(place: int | None, read: Callable[[str], str]) -> Callable[[list[str]], str]:
    if place is None:
        return lambda row: ""
    return lambda row: read(row[place])


def _order_key(at: dict[str, int], reading: Reading) -> Callable[[list[str], str, int], str]:
    if reading.one_order_per == "customer-day":
        return _customer_day(reading.zone)
    if "order" not in at:
        return _content_key
    place, read = at["order"], values.key("order number", 120)

    def order(row: list[str], who: str, placed: int) -> str:
        if key := read(row[place]):
            return key
        raise Unusable("The order number is missing.")

    return order


def _customer_day(zone: ZoneInfo) -> Callable[[list[str], str, int], str]:
    days: dict[int, str] = {}

    def order(row: list[str], who: str, placed: int) -> str:
        if not who:
            raise Unusable("One order per customer and day needs a customer, and the row has none.")
        if placed not in days:
            if len(days) > REMEMBERED:
                days.clear()
            moment = values.instant(placed)
            days[placed] = moment.astimezone(zone).date().isoformat()
        if len(who) > 100:
            who = md5(who.encode(), usedforsecurity=False).hexdigest()
        return f"{who}:{days[placed]}"

    return order


def _content_key(row: list[str], who: str, placed: int) -> str:
    """Rows without an order number are told apart by content; staging numbers the exact duplicates. All
    of the content, mapped or not: with a better mapping, the same rows must not be other orders."""
    content = "\x1f".join([cell.strip() for cell in row])
    return md5(content.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _amounts(at: dict[str, int], reading: Reading) -> Callable[[list[str]], tuple[str, bool, bool]]:
    """A reader of (cells of quantity, unit price, discount and total; is it a sale; is it given back)."""
    cells_of = _cells([at[f] for f in ("quantity", "unit_price", "amount", "discount") if f in at])
    amounts_of = _by_amount(at, reading) if "amount" in at else _by_price(at, reading)
    discount_of = _discount(at.get("discount"), reading)
    seen: dict[tuple[str, ...], tuple[str, bool, bool]] = {}

    def read(row: list[str]) -> tuple[str, bool, bool]:
        cells = cells_of(row)
        if cells not in seen:
            if len(seen) > REMEMBERED:
                seen.clear()
            quantity, price, total, sale = amounts_of(row)
            told = f"{quantity}\t{price}\t{discount_of(row)}\t{total}"
            seen[cells] = told, sale, total < 0 or quantity < 0
        return seen[cells]

    return read


def _discount(place: int | None, reading: Reading) -> Callable[[list[str]], int]:
    money = values.money(reading.currency, decimal_comma=reading.decimal_comma)
    if place is None:
        return lambda row: 0
    return lambda row: abs(values.minor(money(row[place]))) if row[place].strip() else 0


def _by_amount(at: dict[str, int], reading: Reading) -> Callable[[list[str]], tuple[int, int, int, bool]]:
    money = values.money(reading.currency, decimal_comma=reading.decimal_comma)
    pieces, amount_at, quantity_at = _pieces(reading.decimal_comma), at["amount"], at.get("quantity")

    def read(row: list[str]) -> tuple[int, int, int, bool]:
        total = values.minor(money(row[amount_at]))
        counted = quantity_at is not None and row[quantity_at].strip() != ""
        count = pieces(row[quantity_at])[0] if counted and quantity_at is not None else 1
        return count, total // count if count else total, total, True

    return read


def _by_price(at: dict[str, int], reading: Reading) -> Callable[[list[str]], tuple[int, int, int, bool]]:
    money = values.money(reading.currency, decimal_comma=reading.decimal_comma)
    pieces, price_at, quantity_at = _pieces(reading.decimal_comma), at["unit_price"], at.get("quantity")

    def read(row: list[str]) -> tuple[int, int, int, bool]:
        count, exact = pieces(row[quantity_at]) if quantity_at is not None else (1, 1)
        price = money(row[price_at])
        return count, values.minor(price), values.minor(int(price * exact)), count > 0 and price > 0

    return read


def _pieces(decimal_comma: bool) -> Callable[[str], tuple[int, int | Decimal]]:
    """(pieces, exact quantity): 2.5 metres are one piece sold."""
    seen: dict[str, tuple[int, int | Decimal]] = {}

    def read(cell: str) -> tuple[int, int | Decimal]:
        if cell in seen:
            return seen[cell]
        exact = values.number(cell, decimal_comma=decimal_comma)
        if abs(exact) > values.MOST_PIECES:
            raise Unusable(f"The quantity “{cell[:40]}” is too large.")
        whole = exact == int(exact)
        found = (int(exact), int(exact)) if whole else (1 if exact > 0 else -1, exact)
        if len(seen) < REMEMBERED:
            seen[cell] = found
        return found

    return read


LINES = Format("lines", "Order lines, by your own mapping of columns", "orders", "file", parser)
