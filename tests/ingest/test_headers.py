"""Columns are found by their headers, in seven languages."""

from __future__ import annotations

import pytest

from retention.ingest.files.headers import GUESSES, bare, guess

LANGUAGES = {
    "order,date,email,title,quantity,unit_price": [
        "Order #,Order date,Customer e-mail,Product name,Qty,Unit price (USD)",
        "Bestellnummer,Datum,E-Mail,Artikel,Menge,Einzelpreis",
        "Bestell-Nr.,Bestelldatum,E-Mail-Adresse,Artikelbezeichnung,Stückzahl,Stückpreis in €",
        "N° de commande,Date de commande,Adresse e-mail,Désignation,Qté,Prix unitaire TTC",
        "Nº de pedido,Fecha,Correo electrónico,Artículo,Cantidad,Precio unitario",
        "Numero ordine,Data ordine,Indirizzo email,Prodotto,Quantità,Prezzo unitario",
        "Bestelnummer,Besteldatum,E-mailadres,Omschrijving,Aantal,Stukprijs",
        "Nº do pedido,Data do pedido,E-mail do cliente,Produto,Quantidade,Preço unitário",
    ],
    "order,date,customer,amount,country,currency": [
        "order_id,created_at,customer_id,total,country_code,currency",
        "Rechnungsnummer,Rechnungsdatum,Kundennummer,Gesamtbetrag,Ländercode,Währung",
        "Numéro de commande,Date,N° client,Montant total,Pays,Devise",
        "Pedido,Fecha de pedido,ID cliente,Importe total,País,Moneda",
        "ID ordine,Data,Codice cliente,Totale,Paese,Valuta",
        "Ordernummer,Datum,Klantnummer,Totaalbedrag,Land,Valuta",
        "Encomenda,Data,Código do cliente,Valor total,País,Moeda",
    ],
    "first_name,last_name,phone,discount,category,sku": [
        "First name,Last name,Phone,Discount,Category,SKU",
        "Vorname,Nachname,Telefon,Rabatt,Kategorie,Artikel-Nr.",
        "Prénom,Nom,Téléphone,Remise,Catégorie,Référence",
        "Nombre,Apellidos,Teléfono,Descuento,Categoría,Referencia",
        "Nome,Cognome,Cellulare,Sconto,Categoria,Codice articolo",
        "Voornaam,Achternaam,Telefoon,Korting,Categorie,Artikelcode",
        "Nome,Sobrenome,Telemóvel,Desconto,Categoria,Código do produto",
    ],
}
CASES = [(header, fields) for fields, headers in LANGUAGES.items() for header in headers]


@pytest.mark.parametrize(("header", "fields"), CASES)
def test_every_column_of_an_ordinary_file_is_found(header, fields):
    names = header.split(",")
    assert guess(names) == dict(zip(fields.split(","), names, strict=True))


def test_no_word_stands_for_two_fields_unless_the_first_is_meant():
    words = [(word, field) for field, some in GUESSES.items() for word in some]
    assert all(word == bare(word) != "" for word, _ in words)
    twice = {word for word, _ in words if len({f for w, f in words if w == word}) > 1}
    assert twice == set()


@pytest.mark.parametrize("column", ["Name", "Customer name", "Kunde", "Nom", "Naam", "Nombre", "Nome"])
def test_a_persons_name_is_no_product(column):
    found = guess(["Order", "Date", "Email", column, "Price"])
    assert "title" not in found
    assert "sku" not in found


def test_a_name_is_a_persons_where_the_product_has_one():
    assert guess(["Date", "Name", "Artikel", "Preis"])["name"] == "Name"
    assert "name" not in guess(["Date", "Name", "SKU", "Preis"])
    assert guess(["Vorname", "Name"]) == {"first_name": "Vorname", "last_name": "Name"}


@pytest.mark.parametrize(
    ("cells", "field"),
    [(["17", "18"], "customer"), (["Ann Berg", "Bob"], "customer"), (["a@b.de", "c@d.de"], "email")],
)
def test_what_a_customer_is_is_told_by_the_cells(cells, field):
    assert guess(["Kunde"], [[cell] for cell in cells]) == {field: "Kunde"}


def test_names_are_no_ids_beside_an_address():
    rows = [["Ann Berg", "a@b.de"], ["Bob Lee", "b@b.de"]]
    assert guess(["Customer", "E-Mail"], rows) == {"email": "E-Mail", "name": "Customer"}
    assert guess(["Customer", "E-Mail"], [["7", "a@b.de"]])["customer"] == "Customer"
    assert guess(["Kunde", "Kundennummer"]) == {"customer": "Kundennummer", "name": "Kunde"}


def test_a_percentage_is_no_discount():
    assert "discount" not in guess(["Rabatt"], [["10 %"]])
    assert "discount" in guess(["Rabatt"], [["10"]])


def test_the_only_column_of_dates_is_the_date():
    rows = [["7", "31.12.2020", "20201231"], ["8", "", "20201231"]]
    assert guess(["x", "wann", "y"], rows) == {"date": "wann"}
    assert guess(["x", "wann", "y"], [["1.1.2020", "2.1.2020", "5"]]) == {}


@pytest.mark.parametrize(
    ("header", "field", "column"),
    [
        # A share is no amount.
        ("Order,Date,SKU,Qty,Unit Price,Discount %", "discount", None),
        ("Date,Product,Sales %,Sales", "amount", "Sales"),
        # Nor are dollars euros.
        ("Order,Date,Amount USD,Amount EUR", "amount", "Amount EUR"),
        ("Order,Date,Total (USD)", "amount", None),
        ("Order,Date,Total ($)", "amount", None),
        ("Order,Date,Total in €", "amount", "Total in €"),
        # Lines before whole orders, net before gross.
        ("Order,Order date,SKU,Line total,Order total", "amount", "Line total"),
        ("Bestelling,Datum,Regeltotaal,Totaalbedrag", "amount", "Regeltotaal"),
        ("Datum,Menge,Einzelpreis brutto,Einzelpreis netto", "unit_price", "Einzelpreis netto"),
        ("Date,Total TTC,Total HT", "amount", "Total HT"),
    ],
)
def test_a_column_is_not_taken_for_money_that_it_is_not(header, field, column):
    assert guess(header.split(","), currency="EUR").get(field) == column


def test_the_total_of_an_order_with_several_rows_is_not_that_of_a_line():
    header = ["Order", "Date", "SKU", "Order total"]
    rows = [["1", "2026-01-02", "a", "30"], ["1", "2026-01-02", "b", "30"]]
    assert "amount" not in guess(header, rows)
    assert guess(header, rows[:1])["amount"] == "Order total"


@pytest.mark.parametrize("name", ["Birthday", "Delivery date", "Liefertag", "Fälligkeit", "Date d’échéance"])
def test_another_day_is_not_the_day_of_the_order(name):
    assert "date" not in guess(["Order", name, "Total"], [["1", "03.02.2026", "5"]])
    assert guess(["Order", "When", "Total"], [["1", "03.02.2026", "5"]])["date"] == "When"
