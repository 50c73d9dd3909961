"""Every file that a merchant may try is recognised, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.files.recognise import recognise

EXPORTS = Path(settings.BASE_DIR).parent / "shared" / "data" / "csv_exports"
FILES = {
    "reviews_import_header__judgeme.csv": "reviews",
    "reviews_import_header__loox.csv": "reviews",
    "reviews_import_header__okendo.csv": "reviews",
    "reviews_import_header__opinew.csv": "reviews",
    "reviews_import_header__ryviu.csv": "reviews",
    "shopify_customers_export__bom_apostrophes.csv": "shopify-customers",
    "shopify_customers_export__fixture.csv": "shopify-customers",
    "shopify_orders_export__dev_store_multiline.csv": "shopify-orders",
    "shopify_product_template__official_2019.csv": "shopify-products",
    "shopify_products_export__dev_store_2026.csv": "shopify-products",
    "woocommerce_analytics_orders_export_header.csv": "woo-analytics",
    "woocommerce_sample_products.csv": "woo-products",
}
HEADERS = {
    "NAME,Email,CREATED AT,Lineitem quantity,Lineitem name,Lineitem price": "shopify-orders",
    "First Name,Last Name,Email,Accepts Marketing,Company,Total Spent": "shopify-customers",
    "Title,URL handle,Description,Vendor,SKU,Price,Status": "shopify-products",
    "order_id,order_number,order_date,status,order_total,billing_email": "woo-orders",
    "Date,Order #,N. Revenue (formatted),Status,Customer,Product(s),Net Sales": "woo-analytics",
    "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID": "lines",
    "email,points": "loyalty points",
    "Email Address,First Name,MEMBER_RATING": "mailing list",
    "product_handle,rating,author,title,body_text": "reviews",
    "Bestellnummer,Datum,E-Mail,Artikel,Menge,Einzelpreis": "lines",
    "a,b,c": "lines",
    "a": "not recognised",
    "a,": "not recognised",
}


def verdict(header: list[str]) -> str:
    try:
        return recognise(header).name
    except Unreadable as error:
        return str(error)


@pytest.mark.parametrize(("header", "what"), HEADERS.items())
def test_a_header_tells_what_the_file_is(header, what):
    assert what in verdict(header.split(","))


@pytest.mark.skipif(not EXPORTS.exists(), reason="the real exports are not on this machine")
def test_the_real_exports_are_all_in_the_table():
    assert sorted(path.name for path in EXPORTS.glob("*.csv")) == sorted(FILES)


@pytest.mark.skipif(not EXPORTS.exists(), reason="the real exports are not on this machine")
@pytest.mark.parametrize(("name", "what"), FILES.items())
def test_a_real_export_is_recognised_or_refused(name, what):
    with open_table(EXPORTS / name) as table:
        found = verdict(table.header)
    assert what in found
    assert found == what or "Nothing was imported" in found
