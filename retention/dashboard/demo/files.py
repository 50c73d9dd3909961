"""The demo shop as the files that Shopify exports, so that it comes in by the same door as a real shop."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from retention.dashboard.demo.goods import GOODS, Good
from retention.dashboard.demo.shop import Sale, Shop

VENDOR = "Fern & Finch"
FIRST_ORDER_ID = 5_000_000_000
FIRST_CUSTOMER_ID = 7_000_000_000


def _columns(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


PRODUCT_COLUMNS = _columns(
    "Handle, Title, Body (HTML), Vendor, Product Category, Type, Tags, Published, Option1 Name,"
    "Option1 Value, Variant SKU, Variant Grams, Variant Inventory Tracker, Variant Inventory Qty,"
    "Variant Inventory Policy, Variant Fulfillment Service, Variant Price, Variant Compare At Price,"
    "Variant Requires Shipping, Variant Taxable, Variant Barcode, Image Src, Image Position,"
    "Image Alt Text, Gift Card, Cost per item, Status"
)
CUSTOMER_COLUMNS = _columns(
    "Customer ID, First Name, Last Name, Email, Accepts Email Marketing, Default Address Company,"
    "Default Address Address1, Default Address Address2, Default Address City,"
    "Default Address Province Code, Default Address Country Code, Default Address Zip,"
    "Default Address Phone, Phone, Accepts SMS Marketing, Total Spent, Total Orders, Note, Tax Exempt,"
    "Tags"
)
ORDER_COLUMNS = _columns(
    "Name, Email, Financial Status, Paid at, Fulfillment Status, Fulfilled at, Accepts Marketing,"
    "Currency, Subtotal, Shipping, Taxes, Total, Discount Code, Discount Amount, Shipping Method,"
    "Created at, Lineitem quantity, Lineitem name, Lineitem price, Lineitem compare at price,"
    "Lineitem sku, Lineitem requires shipping, Lineitem taxable, Lineitem fulfillment status,"
    "Billing Name, Billing Street, Billing Address1, Billing Address2, Billing Company, Billing City,"
    "Billing Zip, Billing Province, Billing Country, Billing Phone, Shipping Name, Shipping Street,"
    "Shipping Address1, Shipping Address2, Shipping Company, Shipping City, Shipping Zip,"
    "Shipping Province, Shipping Country, Shipping Phone, Notes, Note Attributes, Cancelled at,"
    "Payment Method, Payment Reference, Refunded Amount, Vendor, Id, Tags, Risk Level, Source,"
    "Lineitem discount, Phone, Receipt Number"
)


def write_all(shop: Shop, folder: Path) -> tuple[Path, Path, Path]:
    """Products, customers and orders, in the order in which to read them."""
    return (
        _write(folder / "products.csv", PRODUCT_COLUMNS, (_product(good) for good in GOODS)),
        _write(folder / "customers.csv", CUSTOMER_COLUMNS, _customers(shop)),
        _write(folder / "orders.csv", ORDER_COLUMNS, _orders(shop)),
    )


def write_cdnow(sample: Path, target: Path) -> Path:
    """The CDNOW sample as a plain CSV with one amount per row; a row is an order."""
    with gzip.open(sample, "rt", encoding="ascii") as lines:
        rows = []
        for number, line in enumerate(lines, start=1):
            _, customer, day, pieces, amount = line.split()
            date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
            rows.append(
                {"order": str(number), "customer": customer, "date": date, "cds": pieces, "amount": amount}
            )
    return _write(target, ["order", "customer", "date", "cds", "amount"], rows)


def _write(target: Path, columns: list[str], rows: Iterable[Mapping[str, str]]) -> Path:
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return target


def _product(good: Good) -> dict[str, str]:
    return {
        "Handle": good.handle,
        "Title": good.title,
        "Vendor": VENDOR,
        "Type": good.category,
        "Tags": "reorder" if good.reorder_days else "",
        "Published": "false" if good.retired else "true",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant SKU": good.sku,
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": str(good.stock),
        "Variant Inventory Policy": "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Price": money(good.price),
        "Variant Requires Shipping": "true",
        "Variant Taxable": "true",
        "Image Src": good.picture,
        "Image Position": "1",
        "Image Alt Text": good.title,
        "Gift Card": "false",
        "Cost per item": money(good.cost),
        "Status": "archived" if good.retired else "active",
    }


def _customers(shop: Shop) -> Iterator[dict[str, str]]:
    spent: dict[int, int] = {}
    orders: dict[int, int] = {}
    for sale in shop.sales:
        if sale.person and not sale.cancelled_at:
            number = sale.person.number
            spent[number] = spent.get(number, 0) + sale.total - sale.refunded
            orders[number] = orders.get(number, 0) + 1
    for person in shop.people:
        yield {
            "Customer ID": str(FIRST_CUSTOMER_ID + person.number),
            "First Name": person.first_name,
            "Last Name": person.last_name,
            "Email": person.email,
            "Accepts Email Marketing": "yes" if person.accepts_email else "no",
            "Default Address City": person.city,
            "Default Address Province Code": person.region,
            "Default Address Country Code": person.country,
            "Accepts SMS Marketing": "no",
            "Total Spent": money(spent.get(person.number, 0)),
            "Total Orders": str(orders.get(person.number, 0)),
            "Tax Exempt": "no",
        }


def _orders(shop: Shop) -> Iterator[dict[str, str]]:
    for sale in shop.sales:
        head = _order(sale)
        for item in sale.items:
            yield head | {
                "Name": sale.name,
                "Email": sale.person.email if sale.person else "",
                "Created at": moment(sale.placed_at),
                "Lineitem quantity": str(item.quantity),
                "Lineitem name": item.good.title,
                "Lineitem price": money(item.good.price),
                "Lineitem sku": item.good.sku,
                "Lineitem requires shipping": "true",
                "Lineitem taxable": "true",
                "Lineitem fulfillment status": "fulfilled" if sale.parcel else "pending",
                "Vendor": VENDOR,
                # The code's amount stands at the order, as Shopify writes it.
                "Lineitem discount": "0.00",
            }
            head = {}


def _order(sale: Sale) -> dict[str, str]:
    country, region, city = sale.place
    name = f"{sale.person.first_name} {sale.person.last_name}" if sale.person else ""
    shipped = sale.parcel is not None or sale.channel == "Shop counter"
    return {
        "Financial Status": _financial_status(sale),
        "Paid at": moment(sale.placed_at),
        "Fulfillment Status": "fulfilled" if shipped else "unfulfilled",
        "Fulfilled at": moment(sale.parcel.shipped_at) if sale.parcel else "",
        "Accepts Marketing": "yes" if sale.person and sale.person.accepts_email else "no",
        "Currency": "USD",
        "Subtotal": money(sale.subtotal),
        "Shipping": money(sale.shipping),
        "Taxes": money(sale.tax),
        "Total": money(sale.total),
        "Discount Code": sale.coupon,
        "Discount Amount": money(sale.discount),
        "Billing Name": name,
        "Billing City": city,
        "Billing Province": region,
        "Billing Country": country,
        "Shipping Name": name,
        "Shipping City": city,
        "Shipping Province": region,
        "Shipping Country": country,
        "Note Attributes": _attributes(sale),
        "Cancelled at": moment(sale.cancelled_at) if sale.cancelled_at else "",
        "Refunded Amount": money(_given_back(sale)),
        "Id": str(FIRST_ORDER_ID + sale.number),
        "Source": sale.channel,
    }


def _financial_status(sale: Sale) -> str:
    if sale.cancelled_at or sale.refunded >= sale.subtotal:
        return "refunded"
    return "partially_refunded" if sale.refunded else "paid"


def _given_back(sale: Sale) -> int:
    """What an export calls refunded: with tax, and with shipping when everything went back."""
    if sale.cancelled_at or sale.refunded >= sale.subtotal:
        return sale.total
    return sale.refunded + round(sale.refunded * sale.tax / sale.subtotal)


def _attributes(sale: Sale) -> str:
    lines = [f"utm_source: {sale.channel}"]
    if sale.campaign:
        lines.append(f"utm_campaign: {sale.campaign}")
    return "\n".join(lines)


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def moment(at: datetime) -> str:
    """A time as Shopify writes it: `2025-10-07 09:50:26 +0200`."""
    return at.strftime("%Y-%m-%d %H:%M:%S %z")
