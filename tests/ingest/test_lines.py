"""Files of order lines, read by a mapping of columns."""

from __future__ import annotations

import pytest
from django.core.management import CommandError
from django.db.models import Sum

from retention.catalog.models import Product
from retention.customers.models import Customer
from retention.orders.models import Line, Order, Refund
from retention.timeline.models import Event
from tests.ingest.conftest import Import

RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,A,Lantern,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
1,a,Small lantern,2,2010-12-01 08:26:00,0.001,17850.0,United Kingdom
2,A,Lantern,1,2010-12-02 08:26:00,2.50,,France
1,B,Heart,1,2010-12-01 08:27:00,1.00,17850.0,United Kingdom
C3,A,Lantern,-2,2010-12-05 10:00:00,2.55,17850.0,United Kingdom
4,B,damaged,-10,2010-12-06 10:00:00,0,,United Kingdom
5,B,Heart,3,2010-12-06 10:00:00,0,17850.0,United Kingdom
"""
PREFIX = ("--map", "cancel_prefix=C")
AMOUNTS = "customer,date,cds,amount\n1,19970101,1,11.77\n1,19970101,1,11.77\n2,19970112,5,0.00\n"


def accounted(result: dict) -> bool:  # type: ignore[type-arg]
    rows = result["rows"]
    return rows["read"] == rows["accepted"] + rows["same"] + rows["rejected"]


def test_lines_of_one_invoice_are_one_order_even_when_far_apart(import_text: Import) -> None:
    result = import_text(RETAIL, *PREFIX)
    order = Order.objects.get(external_id="1")
    assert (order.items, order.lines.count(), order.void) == (1630, 3, False)
    assert order.customer is not None
    assert order.customer.country == "United Kingdom"
    assert accounted(result)


def test_a_cancelling_invoice_is_a_credit_note(import_text: Import) -> None:
    import_text(RETAIL, *PREFIX)
    refund = Refund.objects.get()
    assert (refund.external_id, refund.amount, refund.order) == ("C3", 510, None)
    assert refund.customer == Customer.objects.get()


def test_orders_where_nothing_was_sold_are_void(import_text: Import) -> None:
    import_text(RETAIL, *PREFIX)
    assert set(Order.objects.filter(void=True).values_list("external_id", flat=True)) == {"4", "5"}
    assert Order.objects.purchases().count() == 1


def test_skus_that_differ_by_case_are_two_products(import_text: Import) -> None:
    import_text(RETAIL, *PREFIX)
    assert set(Product.objects.values_list("sku", "title")) == {
        ("A", "Lantern"),
        ("a", "Small lantern"),
        ("B", "Heart"),
    }


def test_the_same_file_again_changes_nothing(import_text: Import) -> None:
    import_text(RETAIL, *PREFIX)
    before = list(Event.objects.values_list("id", flat=True)), list(Line.objects.values_list("id", flat=True))
    again = import_text(RETAIL, *PREFIX)
    assert before == (
        list(Event.objects.values_list("id", flat=True)),
        list(Line.objects.values_list("id", flat=True)),
    )
    assert again["orders"] == {"new": 0, "changed": 0, "same": 5}
    assert accounted(again)


def test_equal_rows_without_an_order_number_are_purchases_of_their_own(import_text: Import) -> None:
    import_text(AMOUNTS)
    import_text(AMOUNTS)
    assert Order.objects.purchases().count() == 3
    assert Order.objects.aggregate(Sum("items"))["items__sum"] == 2354


def test_rows_of_a_customer_and_day_can_be_one_order(import_text: Import) -> None:
    import_text(AMOUNTS, "--one-order-per", "customer-day")
    assert sorted(Order.objects.values_list("items", flat=True)) == [0, 2354]


def test_rejected_rows_say_why(import_text: Import) -> None:
    result = import_text(
        "order,date,customer,amount\n1,2099-01-01,a,5\n2,yesterday,a,5\n3,2020-01-01,a,much\n4,2020-01-01,a,5\n"
    )
    assert [row["line"] for row in result["rejected_rows"]] == [2, 3, 4]
    assert "future" in result["rejected_rows"][0]["reason"]
    assert accounted(result)


def test_a_dry_run_counts_and_changes_nothing(import_text: Import) -> None:
    result = import_text(RETAIL, *PREFIX, "--dry-run")
    assert result["orders"]["new"] == 5
    assert not Order.objects.exists()
    assert not Customer.objects.exists()


def test_an_older_telling_does_not_overwrite_a_newer_one(import_text: Import) -> None:
    head = "order,date,customer,amount\n"
    import_text(head + "1,2020-01-01,a,5\n", "--as-of", "2021-01-02")
    import_text(head + "1,2020-01-01,a,9\n", "--as-of", "2021-01-01")
    assert Order.objects.get().items == 500
    import_text(head + "1,2020-01-01,a,7\n", "--as-of", "2021-01-03")
    assert Order.objects.get().items == 700
    assert Event.objects.filter(kind="order.changed").count() == 1


def test_an_id_and_an_address_in_one_row_join_two_people(import_text: Import) -> None:
    head = "order,date,customer,email,amount\n"
    import_text(head + "1,2020-01-01,7,,5\n2,2020-01-02,,Ann@Example.com,5\n")
    assert Order.objects.values("customer").distinct().count() == 2
    import_text(head + "3,2020-01-03,7.0,ann@example.COM,5\n", name="more.csv")
    assert Order.objects.values("customer").distinct().count() == 1
    assert Event.objects.filter(kind="customer.merged").count() == 1


def test_a_missing_store_is_one_clear_line(import_text: Import) -> None:
    with pytest.raises(CommandError, match="create-store"):
        import_text("date,amount\n2020-01-01,1\n", "--create-store", "")


def test_reviews_are_refused_with_a_reason(import_text: Import) -> None:
    with pytest.raises(CommandError, match="reviews"):
        import_text("title,body,rating,review_date\n")


def test_another_mapping_of_the_same_rows_makes_no_other_orders(import_text: Import) -> None:
    text = "customer,date,amount,where\n1,2020-01-01,5,DE\n1,2020-01-01,5,DE\n"
    import_text(text)
    again = import_text(text, "--map", "country=where")
    assert again["orders"] == {"new": 0, "changed": 2, "same": 0}
    assert set(Order.objects.values_list("country", flat=True)) == {"DE"}


def test_the_prefix_of_credit_notes_is_that_of_the_invoice_not_of_the_customer(import_text: Import) -> None:
    text = "order,customer,date,amount\n1,C7,2020-01-01,50\nC2,C7,2020-01-01,20\n"
    import_text(text, *PREFIX, "--one-order-per", "customer-day")
    order = Order.objects.get()
    assert (order.items, order.refunded, order.void) == (5000, 2000, False)


def test_a_row_that_is_told_again_with_its_category_gives_it_to_the_product(import_text: Import) -> None:
    for store, files in (("one", ("", "Hats")), ("two", ("Hats", ""))):
        for category in files:
            text = f"order,date,amount,title,category\n1,2020-01-01,5,Cap,{category}\n"
            import_text(text, store=store)
    assert list(Product.objects.values_list("category", flat=True)) == ["Hats", "Hats"]


def test_a_decimal_comma_needs_no_option(import_text: Import) -> None:
    import_text("order;date;customer;amount\n1;2020-01-31;a;1.029,50\n2;2020-01-31;a;7,50\n")
    assert sorted(Order.objects.values_list("items", flat=True)) == [750, 102950]


GERMAN = """Bestellnummer;Datum;E-Mail;Name;Telefon;Artikel;Menge;Einzelpreis;Währung;Land
B1;31.01.2020;ann@example.com;Ann von Berg;'+49 170 123;Lampe;2;12,50;EUR;de
B2;01.02.2020;bob@example.com;Bob;;Lampe;1;12,50;USD;DE
B3;01.02.2020;bob@example.com;Bob;;Lampe;1;12,50;;DE
B4;01.02.2020;bob@example.com;Bob;;Lampe;1;1.012,50;€;DE
"""


def test_a_german_file_comes_in_as_it_is(import_text: Import) -> None:
    result = import_text(GERMAN, "--create-store", "EUR")
    assert sorted(Order.objects.values_list("external_id", "items")) == [
        ("B1", 2500),
        ("B3", 1250),
        ("B4", 101250),
    ]
    assert result["rejected_rows"] == [
        {"line": 3, "reason": "The order is in USD, but the store counts in EUR."}
    ]
    ann = Customer.objects.get(email="ann@example.com")
    assert (ann.first_name, ann.last_name, ann.phone, ann.country) == ("Ann von", "Berg", "+49 170 123", "DE")
    assert set(Order.objects.values_list("country", flat=True)) == {"DE"}
    assert Product.objects.get().title == "Lampe"


def test_another_currency_within_an_order_is_another_row(import_text: Import) -> None:
    text = (
        "order,date,customer,amount,cur\n1,2020-01-01,a,5,USD\n1,2020-01-01,a,5,EUR\n1,2020-01-01,a,5,usd\n"
    )
    result = import_text(text, "--map", "currency=cur")
    assert Order.objects.get().items == 1000
    assert [row["line"] for row in result["rejected_rows"]] == [3]


def test_a_table_that_nobody_knows_comes_in_by_its_mapping(import_text: Import) -> None:
    text = "eins,zwei,drei\n2020-01-31,x,5\n"
    with pytest.raises(CommandError, match="columns: eins, zwei, drei"):
        import_text(text)
    import_text(
        text, "--map", "date=eins", "--map", "amount=drei", "--map", "name=zwei", "--map", "customer=zwei"
    )
    assert Order.objects.get().items == 500
    assert Customer.objects.get().name == "x"


def test_halves_of_a_name_that_are_mapped_replace_a_guessed_whole(import_text: Import) -> None:
    text = "date,amount,email,Customer name,v,n\n2020-01-31,5,ann@example.com,A B,Ann,Berg\n"
    import_text(text, "--map", "first_name=v", "--map", "last_name=n")
    assert Customer.objects.get().name == "Ann Berg"
    with pytest.raises(CommandError, match="either the full name"):
        import_text(text, "--map", "name=v", "--map", "last_name=n")


def test_a_price_that_is_mapped_replaces_a_guessed_amount(import_text: Import) -> None:
    text = "Order,Date,Qty,Net price,Total\n1,2026-01-02,2,5.00,11.90\n"
    import_text(text, "--map", "unit_price=Net price")
    assert Order.objects.get().items == 1000


def test_days_are_read_as_the_mapped_column_writes_them(import_text: Import) -> None:
    text = "Order,Date,Bestellt,Total\n1,2026-01-02,03.02.2024,5.00\n2,2026-01-02,25.02.2024,5.00\n"
    import_text(text, "--map", "date=Bestellt")
    days = Order.objects.order_by("number").values_list("placed_at__month", "placed_at__day")
    assert list(days) == [(2, 3), (2, 25)]


def test_an_address_of_a_computer_does_not_turn_the_days_around(import_text: Import) -> None:
    text = "Order,When,IP,Total\n1,02/03/2024,10.0.0.1,5.00\n2,02/04/2024,30.0.0.1,5.00\n"
    import_text(text, "--map", "date=When")
    assert set(Order.objects.values_list("placed_at__month", flat=True)) == {2}
