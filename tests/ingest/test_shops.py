"""Shopify's and WooCommerce's exports become the facts that they mean. The samples are made up."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, datetime

import pytest

from retention.catalog.models import Product, ProductRelation
from retention.customers.models import Customer
from retention.orders.models import Order, Refund, Shipment
from retention.timeline.models import Event
from tests.ingest.conftest import Import

SHOPIFY = {"Name": "#1001", "Created at": "2025-05-11 23:55:16 -0400", "Lineitem quantity": "1"}
WHOLE = {
    "Financial Status": "paid",
    "Currency": "USD",
    "Subtotal": "45.00",
    "Shipping": "5.00",
    "Taxes": "4.00",
    "Total": "54.00",
    "Id": "6634244374859",
}


def table(*rows: dict[str, str], **reading: str) -> str:
    header = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, header, **reading)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def shopify(*lines: tuple[str, str], **whole: str) -> str:
    """One order; `lines` are titles and prices, the whole's cells stand on the first row only."""
    whole = {name.replace("_", " "): value for name, value in whole.items()}
    rows = [
        {**SHOPIFY, "Lineitem name": title, "Lineitem price": price, "Lineitem requires shipping": "true"}
        for title, price in lines
    ]
    rows[0] |= {**WHOLE, **whole}
    return table(*rows)


def accounted(result: dict) -> bool:
    rows = result["rows"]
    return rows["read"] == rows["accepted"] + rows["same"] + rows["rejected"]


def test_an_order_of_two_rows_is_one_order_without_tax_and_shipping(import_text: Import):
    result = import_text(shopify(("Cap", "20.00"), ("Mug", "30.00"), Email="A@x.com"))
    order = Order.objects.get()
    assert (order.external_id, order.number) == ("6634244374859", "#1001")
    assert (order.items, order.discounts, order.tax, order.shipping) == (5000, 500, 400, 500)
    assert order.net == 4500
    assert order.placed_at == datetime(2025, 5, 12, 3, 55, 16, tzinfo=UTC)
    assert order.customer.email == "a@x.com"
    assert accounted(result)


def test_tax_within_the_prices_is_not_revenue(import_text: Import):
    import_text(shopify(("Cap", "120.00"), Subtotal="120.00", Shipping="0", Taxes="20.00", Total="120.00"))
    assert Order.objects.get().net == 10_000


def test_gift_cards_and_tips_are_not_revenue(import_text: Import):
    text = shopify(("Gift Card - $10", "10.00"), ("Cap", "35.00"), ("Tip", "5.00"), Subtotal="50.00")
    import_text(
        text.replace("Gift Card - $10,10.00,true", "Gift Card - $10,10.00,false").replace(
            "Tip,5.00,true", "Tip,5.00,false"
        )
    )
    assert (Order.objects.get().items, Order.objects.get().net) == (3500, 3500)


def test_a_full_refund_leaves_a_purchase_of_nothing_dated_by_the_last_date(import_text: Import):
    import_text(shopify(("Cap", "50.00"), Refunded_Amount="54.00", Paid_at="2025-05-13 10:00:00 -0400"))
    order = Order.objects.get()
    assert (order.net, order.void, order.cancelled_at) == (0, False, None)
    assert Refund.objects.get().refunded_at == datetime(2025, 5, 13, 14, tzinfo=UTC)


def test_a_partial_refund_takes_the_items_share(import_text: Import):
    import_text(shopify(("Cap", "50.00"), Refunded_Amount="27.00"))
    assert Refund.objects.get().amount == 2250


def test_cancelled_voided_and_test_orders_are_not_purchases(import_text: Import):
    import_text(shopify(("Cap", "50.00"), Email="a@x.com", Cancelled_at="2025-05-14 10:00:00 -0400"))
    assert not Order.objects.purchases().exists()
    import_text(shopify(("Cap", "50.00"), Email="a@x.com", Id="2", Financial_Status="voided"))
    import_text(shopify(("Cap", "50.00"), Email="a@x.com", Id="3", Payment_Method="bogus"))
    assert Order.objects.count() == 3
    assert not Order.objects.purchases().exists()


def test_a_guest_without_an_address_is_an_order_without_a_customer(import_text: Import):
    import_text(shopify(("Cap", "50.00"), Billing_Name="Ann Smith"))
    assert Order.objects.get().customer is None
    assert not Customer.objects.exists()


def test_an_order_in_another_currency_is_refused(import_text: Import):
    result = import_text(shopify(("Cap", "50.00"), Currency="EUR"))
    assert "EUR" in result["rejected_rows"][0]["reason"]
    assert accounted(result)


def test_two_orders_that_claim_one_id_stay_two(import_text: Import):
    one, two = shopify(("Cap", "50.00")), shopify(("Cap", "50.00")).splitlines()[1].replace("#1001", "#1002")
    import_text(one + two + "\n")
    assert Order.objects.count() == 2


CUSTOMERS = """\ufeffCustomer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Phone,Tags
'123,Anna,Jansen,Anna@Example.com,yes,Utrecht,'+31612345678,"vip, horeca"
'124,Bo,"Two
lines",bo@example.com,no,,,
,Geen,Email,,no,,,
"""


def test_customers_keep_ids_addresses_and_tags(import_text: Import):
    result = import_text(CUSTOMERS)
    anna = Customer.objects.get(first_name="Anna")
    assert (anna.email, anna.phone, anna.city, anna.tags) == (
        "anna@example.com",
        "+31612345678",
        "Utrecht",
        ["vip", "horeca"],
    )
    assert anna.accepts_email is True
    assert anna.identities.filter(source="shopify", external_id="123").exists()
    assert Customer.objects.get(first_name="Bo").last_name == "Two lines"
    assert result["rejected_rows"][0]["line"] == 5
    assert accounted(result)


def test_the_same_customers_again_change_nothing(import_text: Import):
    import_text(CUSTOMERS)
    again = import_text(CUSTOMERS)
    assert again["customers"] == {"new": 0, "changed": 0, "same": 2}
    assert Event.objects.filter(kind="customer.added").count() == 2


def test_a_dry_run_of_customers_writes_nothing(import_text: Import):
    assert import_text(CUSTOMERS, "--dry-run")["customers"]["new"] == 2
    assert not Customer.objects.exists()
    assert not Event.objects.exists()


OLD_PRODUCTS = """Handle,Title,Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Cost per item
shirt,Shirt,Acme,Tops,"a, b",TRUE,Size,Small,s-1,5,19.99,https://x/1.png,7.50
shirt,,,,,,,Large,,,24.99,,
shirt,,,,,,,,,,,https://x/2.png,
"""
NEW_PRODUCTS = """Title,URL handle,Vendor,Product category,Status,SKU,Option1 name,Option1 value,Price,Cost per item,Inventory quantity
Shirt,shirt,Acme,Apparel > Tops,Active,s-1,Size,Small,19.99,7.50,5
,,,,,,,Large,24.99,,
"""


@pytest.mark.parametrize("text", [OLD_PRODUCTS, NEW_PRODUCTS])
def test_products_are_their_variants(import_text: Import, text):
    result = import_text(text)
    small = Product.objects.get(sku="s-1")
    assert (small.title, small.category, small.price, small.cost, small.stock) == (
        "Shirt - Small",
        "Tops",
        1999,
        750,
        5,
    )
    assert Product.objects.get(sku="").title == "Shirt - Large"
    assert accounted(result)


def test_products_after_orders_or_before_give_the_same_category(import_text: Import):
    order = shopify(("Shirt - Small", "19.99"), Email="a@x.com")
    import_text(order, store="one")
    import_text(OLD_PRODUCTS.replace("s-1", ""), store="one")
    import_text(OLD_PRODUCTS.replace("s-1", ""), store="two")
    import_text(order, store="two")
    assert list(Order.objects.values_list("first_category", flat=True)) == ["Tops", "Tops"]


WOO = {
    "order_id": "77",
    "order_number": "S-77",
    "order_date": "2025-03-01 10:00:00",
    "status": "completed",
    "order_total": "38.00",
    "shipping_total": "5.00",
    "tax_total": "3.00",
    "order_currency": "USD",
    "customer_id": "9",
    "billing_email": "w@x.com",
    "billing_country": "DE",
    "refund_items": "",
}
COLUMNS = {
    "Product Item 1 Name": "Cap",
    "Product Item 1 SKU": "woo-cap",
    "Product Item 1 Quantity": "2",
    "Product Item 1 Total": "30.00",
    "Product Item 1 Subtotal": "36.00",
}
PACKED = {"line_item_1": "name:Cap|product_id:4|sku:woo-cap|quantity:2|total:30.00|sub_total:36.00"}


@pytest.mark.parametrize("items", [COLUMNS, PACKED])
def test_a_flat_woocommerce_order_has_its_items(import_text: Import, items):
    result = import_text(table({**WOO, **items}))
    order = Order.objects.get()
    assert (order.external_id, order.number, order.net, order.country) == ("77", "S-77", 3000, "DE")
    assert order.lines.get().sku == "woo-cap"
    assert order.customer.identities.count() == 2
    assert accounted(result)


def test_woocommerce_guests_refunds_and_failures(import_text: Import):
    guest = {**WOO, **COLUMNS, "customer_id": "0", "billing_email": ""}
    back = {
        **WOO,
        **COLUMNS,
        "order_id": "78",
        "refund_items": "amount:38.00|reason:broken|date:2025-03-09 10:00:00",
    }
    failed = {**WOO, **COLUMNS, "order_id": "79", "status": "wc-failed"}
    cancelled = {**WOO, **COLUMNS, "order_id": "80", "status": "cancelled"}
    import_text(table(guest, back, failed, cancelled))
    assert Order.objects.get(external_id="77").customer is None
    assert Order.objects.get(external_id="78").net == 0
    assert Refund.objects.get().refunded_at == datetime(2025, 3, 9, 10, tzinfo=UTC)
    assert list(Order.objects.purchases().values_list("external_id", flat=True)) == ["78"]


def test_the_analytics_download_never_overrides_a_fuller_export(import_text: Import):
    download = 'Date,Order #,Status,Customer,Product(s),Items sold,Net Sales\n2025-03-01 10:00:00,77,completed,Ann,"2× Cap, 1× Mug",3,29\n'
    import_text(download)
    assert Order.objects.get().net == 2900
    import_text(table({**WOO, **COLUMNS}))
    import_text(download.replace(",29", ",28"))
    assert Order.objects.get().net == 3000


def test_woocommerce_variations_have_their_parents_category(import_text: Import):
    import_text(
        "ID,Type,SKU,Name,Published,Sale price,Regular price,Categories,Stock,Parent\n"
        '44,variable,neck,Neck,1,,,"Clothing > Tshirts, Sale",,\n'
        "45,variation,neck-red,Neck - Red,1,18,20,,4,neck\n"
    )
    red = Product.objects.get(sku="neck-red")
    assert (red.category, red.price, red.stock) == ("Clothing > Tshirts", 1800, 4)


def test_rows_of_an_order_whose_first_row_was_refused_are_refused_with_it(import_text: Import):
    lines = ("Cap", "50.00"), ("Mug", "20.00"), ("Hat", "10.00")
    other = shopify(("Bag", "50.00")).splitlines()[1].replace("#1001", "#1002")
    result = import_text(shopify(*lines, Currency="EUR", Id="") + other.replace(WHOLE["Id"], "") + "\n")
    assert list(Order.objects.values_list("external_id", flat=True)) == ["#1002"]
    assert result["rows"]["rejected"] == 3
    assert accounted(result)


def test_exports_put_one_after_the_other_tell_an_order_anew(import_text: Import):
    lines = ("Cap", "30.00"), ("Mug", "20.00")
    once = shopify(*lines, Refunded_Amount="", Email="a@x.com", Discount_Code="MAY")
    between = shopify(("Bag", "50.00"), Refunded_Amount="", Email="b@x.com", Discount_Code="", Id="7")
    between = between.replace("#1001", "#1002")
    later = shopify(lines[0], Refunded_Amount="54.00", Email="a@x.com", Discount_Code="")
    rows = [part.splitlines(keepends=True)[1:] for part in (once, between, later)]
    result = import_text("".join([once.splitlines(keepends=True)[0], *itertools.chain(*rows)]))
    again = Order.objects.get(number="#1001")
    assert [line.title for line in again.lines.all()] == ["Cap"]
    assert (again.items, again.refunded, again.coupon) == (3000, 3000, "")
    assert Order.objects.get(number="#1002").items == 5000
    assert (result["rows"]["read"], result["rows"]["accepted"]) == (4, 4)
    assert accounted(result)


def test_an_order_told_again_right_away_is_told_anew_too(import_text: Import):
    """As where one export ends and the next begins, or a file was sorted by order."""
    header, *rows = shopify(("Cap", "30.00"), ("Mug", "20.00")).splitlines(keepends=True)
    result = import_text("".join([header, *rows, header, *rows]))
    assert sorted(Order.objects.get().lines.values_list("title", flat=True)) == ["Cap", "Mug"]
    assert (result["rows"]["rejected"], result["rows"]["accepted"]) == (1, 4)
    assert import_text("".join([header, *rows]))["rows"]["accepted"] == 0


def test_a_sorted_export_with_the_orders_cells_on_every_row_keeps_all_lines(import_text: Import):
    def filled(number: str, *titles: str) -> list[dict[str, str]]:
        cells = {**SHOPIFY, **WHOLE, "Name": number, "Id": number, "Lineitem price": "22.50"}
        return [{**cells, "Lineitem name": title} for title in titles]

    one, two = filled("#1", "Cap", "Mug"), filled("#2", "Cap", "Mug")
    import_text(table(one[0], two[0], one[1], two[1], one[1]))
    for order in Order.objects.all():
        assert sorted(order.lines.values_list("title", flat=True)) == ["Cap", "Mug"], order


def test_an_export_with_the_orders_cells_on_every_row_keeps_all_lines(import_text: Import):
    header, *rows = shopify(("Cap", "30.00"), ("Mug", "20.00")).splitlines()
    first, second = csv.DictReader([header, *rows])
    filled = table(first, {**first, "Lineitem name": second["Lineitem name"]})
    import_text(filled)
    assert sorted(Order.objects.get().lines.values_list("title", flat=True)) == ["Cap", "Mug"]


def test_a_number_that_no_order_can_have_rejects_its_row_not_the_file(import_text: Import):
    good, bad = shopify(("Cap", "5.00")), shopify(("Mug", "5.00")).replace("#1001", "#1002")
    bad = bad.replace(WHOLE["Id"], "").replace(",1,Mug", ",99999999999,Mug")
    result = import_text(good + bad.splitlines()[1] + "\n")
    assert (result["rows"]["accepted"], result["rows"]["rejected"]) == (1, 1)


def test_a_parcel_that_a_newer_export_takes_back_is_gone_in_any_order(import_text: Import):
    sent = shopify(("Cap", "50.00"), Fulfilled_at="2025-05-12 10:00:00 -0400")
    taken_back = shopify(("Cap", "50.00"), Fulfilled_at="")
    for store, files in (
        ("one", [(sent, "1"), (taken_back, "2")]),
        ("two", [(taken_back, "2"), (sent, "1")]),
    ):
        for text, day in files:
            import_text(text, "--as-of", f"2025-06-0{day}", store=store)
    assert not Shipment.objects.exists()


RELATED = """ID,Type,SKU,Name,Published,Regular price,Categories,Upsells,Cross-sells
1,simple,cap,Cap,1,9,Caps,"cap-warm, id:3",mug
2,simple,mug,Mug,1,9,Mugs,,"cap, nowhere, mug"
3,simple,,Cap of wool,1,9,Caps,,
4,simple,cap-warm,Warm cap,1,9,Caps,,
"""


def test_woocommerce_upsells_and_cross_sells_are_relations(import_text: Import):
    for _ in range(2):
        import_text(RELATED)
    found = ProductRelation.objects.values_list("product__title", "kind", "other__title")
    assert set(found) == {
        ("Cap", "upgrade", "Warm cap"),
        ("Cap", "upgrade", "Cap of wool"),
        ("Cap", "complement", "Mug"),
        ("Mug", "complement", "Cap"),
    }
    assert len(found) == 4


def test_a_woocommerce_row_is_used_whole_or_not_at_all(import_text: Import):
    second = {f"Product Item 2 {word}": value for word, value in (("Name", "Mug"), ("Quantity", "many"))}
    result = import_text(table({**WOO, **COLUMNS, **second}))
    assert not Order.objects.exists()
    assert result["rows"]["rejected"] == 1
    assert accounted(result)


def test_woocommerce_amounts_with_a_decimal_comma_are_not_a_hundred_times_as_much(import_text: Import):
    head = "Date,Order #,N. Revenue (formatted),Status,Customer,Product(s),Items sold\n"
    import_text(head + '2025-03-01 10:00:00,77,"1.029,50 €",completed,Ann,1× Cap,1\n')
    assert Order.objects.get().net == 102950


def test_an_export_without_ids_tells_of_the_same_orders(import_text: Import):
    told = {"Email": "a@x.com", "Refunded_Amount": "54.00"}
    old, new = shopify(("Cap", "50.00"), Id="", **told), shopify(("Cap", "50.00"), **told)
    for store, files in (("one", [(old, "1"), (new, "2")]), ("two", [(new, "2"), (old, "1")])):
        for text, day in files:
            import_text(text, "--as-of", f"2025-06-0{day}", store=store)
    assert list(Order.objects.values_list("external_id", flat=True)) == [WHOLE["Id"], WHOLE["Id"]]
    assert list(Refund.objects.values_list("external_id", "amount")) == [(f"{WHOLE['Id']}:refund", 4500)] * 2
    assert import_text(old, "--dry-run", store="two")["orders"]["new"] == 0


def test_a_country_code_is_in_capitals_however_the_file_writes_it(import_text: Import):
    import_text(shopify(("Cap", "20.00"), Email="a@x.com", Billing_Country="de"))
    people = {"First Name": "Bob", "Last Name": "B", "Email": "b@x.com", "Accepts Marketing": "no"}
    import_text(table({**people, "Default Address Country Code": "se"}), name="customers.csv")
    assert Order.objects.get().country == "DE"
    assert dict(Customer.objects.values_list("email", "country")) == {"a@x.com": "DE", "b@x.com": "SE"}
