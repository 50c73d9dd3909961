"""Which column of a table is probably which field, told by its header. The words are plain data: English
first, then German, French, Spanish, Italian, Dutch and Portuguese; of a field's words the first counts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from retention.ingest.files.values import SIGNS, read_date

# What a whole order came to: of a file with a row per line it would be counted once per line.
OF_ORDERS = (
    "order total, total amount, order amount, order value, grand total, amount paid",
    "gesamtbetrag, gesamtsumme, bestellwert, endbetrag, rechnungsbetrag",
    "montant total, importe total, importo totale, totale ordine, totaalbedrag, valor total",
)

# Of these the first that a file has is taken, so net comes before gross: revenue is without tax.
# Case, accents, blanks and signs do not matter: "E-Mail", "Bestell-Nr." and "Q.tà" are found as well.
# A bare "Name" is none of these, because it may be a product's as well as a person's; see `guess`.
WORDS: dict[str, tuple[str, ...]] = {
    "order": (
        "order, order id, order number, order no, order nr, order ref, order reference, invoice, invoice no",
        "invoice number, invoice id, transaction id, receipt number",
        "bestellnummer, bestellnr, bestell id, bestellung, auftragsnummer, auftragsnr, auftrags id, auftrag",
        "rechnungsnummer, rechnungsnr, rechnung, belegnummer, belegnr, vorgangsnummer",
        "numero de commande, numero commande, n de commande, no de commande, n commande, no commande",
        "num commande, id commande, reference commande, reference de commande, ref commande, commande",
        "numero de facture, n facture, facture",
        "numero de pedido, no de pedido, n de pedido, no pedido, n pedido, num pedido, id pedido",
        "id de pedido, id del pedido, pedido, numero de orden, orden, numero de factura, factura",
        "numero ordine, numero d ordine, n ordine, nr ordine, id ordine, ordine, numero fattura, fattura",
        "bestelnummer, bestelnr, bestelling, bestel id, ordernummer, ordernr, factuurnummer, factuur",
        "numero do pedido, no do pedido, n do pedido, id do pedido, codigo do pedido, numero da encomenda",
        "numero de encomenda, no da encomenda, n da encomenda, encomenda, fatura",
    ),
    "date": (
        "date, order date, invoice date, purchase date, transaction date, date of order, ordered at",
        "placed at, order time, created at, date created, timestamp",
        "bestelldatum, auftragsdatum, kaufdatum, rechnungsdatum, belegdatum, datum, bestellzeit, bestellt am",
        "zeitpunkt, erstellt am",
        "date de commande, date commande, date de la commande, date d achat, date de facture, cree le",
        "fecha de pedido, fecha del pedido, fecha pedido, fecha de compra, fecha de la orden",
        "fecha de factura, fecha",
        "data ordine, data dell ordine, data d ordine, data acquisto, data di acquisto, data fattura",
        "besteldatum, orderdatum, aankoopdatum, factuurdatum, besteld op",
        "data do pedido, data da encomenda, data da compra, data pedido, data de compra",
        "data da fatura, data",
    ),
    "customer": (
        "customer id, customer no, customer number, client id, user id, custid, buyer id",
        "kundennummer, kundennr, kunden id, kdnr, kd nummer",
        "numero client, numero de client, n client, no client, id client, code client, identifiant client",
        "id cliente, id de cliente, numero de cliente, no cliente, codigo de cliente, codigo cliente",
        "codice cliente, cod cliente, numero cliente",
        "klantnummer, klantnr, klant id, klantcode, debiteurnummer",
        "id do cliente, codigo do cliente, numero do cliente",
    ),
    "email": (
        "email, email address, customer email, billing email, contact email, buyer email",
        "e mail adresse, mailadresse, kunden email, email kunde, mail",
        "adresse email, adresse mail, courriel, adresse courriel, email client, email du client",
        "correo electronico, correo, email cliente, email del cliente, direccion de correo",
        "indirizzo email, posta elettronica",
        "emailadres, mailadres, email klant",
        "endereco de email, correio eletronico, email do cliente",
    ),
    "sku": (
        "sku, stock code, product id, item id, item code, item number, product code, product sku",
        "variant sku, article number, article no, article id, asin, ean, gtin",
        "artikelnummer, artikelnr, art nr, artnr, artikel id, artikelcode, produktnummer, produkt id",
        "reference produit, reference article, ref produit, code produit, code article, id produit",
        "codigo de producto, codigo producto, codigo de articulo, referencia de producto, id producto",
        "codice prodotto, codice articolo, cod articolo, id prodotto",
        "productnummer, productcode",
        "codigo do produto, cod produto, id do produto, referencia do produto",
        "reference, ref, referencia, riferimento, codice, codigo",
    ),
    "title": (
        "title, product name, product title, product, item name, item title, item, article name, article",
        "item description, product description, description",
        "artikelbezeichnung, artikelname, produktname, produktbezeichnung, bezeichnung, artikel, produkt",
        "artikelbeschreibung, beschreibung",
        "nom du produit, nom produit, nom de l article, produit, designation, libelle, intitule",
        "nombre del producto, nombre producto, producto, articulo, descripcion, concepto",
        "nome prodotto, nome del prodotto, prodotto, articolo, descrizione",
        "productnaam, artikelnaam, omschrijving",
        "nome do produto, produto, artigo, descricao",
    ),
    "quantity": (
        "quantity, qty, units, pieces, units sold, quantity ordered, item quantity",
        "menge, anzahl, stuckzahl, stueckzahl, stuck, stueck, bestellmenge",
        "quantite, qte, quantite commandee",
        "cantidad, cant, unidades, uds",
        "quantita, qta, pezzi",
        "aantal, hoeveelheid, stuks",
        "quantidade, qtd, qtde",
    ),
    "unit_price": (
        "unit price, price, item price, price per unit, price each, product price",
        "einzelpreis netto, einzelpreis, einzelpreis brutto, stuckpreis, stueckpreis, preis pro stuck",
        "verkaufspreis, preis",
        "prix unitaire ht, pu ht, prix unitaire, prix unitaire ttc, pu, pu ttc, prix de vente, prix",
        "precio unitario, precio por unidad, precio de venta, precio",
        "prezzo unitario, prezzo di vendita, prezzo",
        "stukprijs, eenheidsprijs, prijs per stuk, verkoopprijs, prijs",
        "preco unitario, valor unitario, preco de venda, preco",
    ),
    "amount": (
        "line total, row total, item total, zeilensumme, positionssumme, totale riga, regeltotaal",
        "net sales, total ht, montant ht",
        "amount, total, revenue, sales, dollar value, value, price paid, total price, subtotal",
        "gesamtpreis, betrag, summe, gesamt, umsatz, warenwert",
        "montant, montant ttc, total ttc, prix total, sous total, chiffre d affaires",
        "importe, precio total, monto, ventas",
        "importo, prezzo totale, totale, fatturato",
        "bedrag, totaalprijs, totaal, omzet, subtotaal",
        "valor, preco total, montante, receita",
        *OF_ORDERS,
    ),
    "discount": (
        "discount, discount amount",
        "rabatt, rabattbetrag, nachlass",
        "remise, montant remise, reduction, rabais",
        "descuento, importe descuento",
        "sconto, importo sconto",
        "korting, kortingsbedrag",
        "desconto, valor do desconto",
    ),
    "currency": (
        "currency, currency code, order currency",
        "wahrung, waehrung, wahrungscode",
        "devise, monnaie",
        "moneda, divisa",
        "valuta, munteenheid",
        "moeda",
    ),
    "country": (
        "country, country code, billing country, shipping country, customer country",
        "land, landercode, laendercode, rechnungsland, lieferland",
        "pays, code pays, pays de facturation, pays de livraison",
        "pais, codigo de pais, codigo pais, pais de facturacion, pais de envio",
        "paese, nazione, codice paese, paese di fatturazione, paese di spedizione",
        "landcode, factuurland, leverland",
        "codigo do pais, pais de entrega",
    ),
    "channel": (
        "channel, source, utm source, sales channel",
        "vertriebskanal, verkaufskanal, kanal, quelle",
        "canal de vente, canal",
        "canal de venta, origen",
        "canale di vendita, canale, fonte",
        "verkoopkanaal, kanaal, bron",
        "canal de venda, origem",
    ),
    "campaign": ("campaign, utm campaign, kampagne, campagne, campana, campagna, campanha",),
    "coupon": (
        "coupon, coupon code, discount code, promo code",
        "gutscheincode, gutschein, rabattcode, aktionscode",
        "code promo, code de reduction, code de promotion",
        "cupon, codigo de cupon, codigo de descuento, codigo promocional",
        "codice sconto, codice promozionale, buono sconto",
        "kortingscode, actiecode",
        "cupom, cupao, codigo de desconto",
    ),
    "category": (
        "category, product category, department",
        "kategorie, produktkategorie, warengruppe, produktgruppe, artikelgruppe",
        "categorie, categorie de produit, categorie produit, rayon",
        "categoria, categoria de producto, departamento",
        "categoria prodotto, reparto",
        "productcategorie, productgroep",
        "categoria do produto",
    ),
    "name": (
        "customer name, full name, client name, buyer name, billing name, shipping name",
        "kundenname, name des kunden, vollstandiger name",
        "nom du client, nom client, nom complet",
        "nombre del cliente, nombre de cliente, nombre cliente, nombre completo, nombre y apellidos",
        "nome cliente, nome del cliente, nome completo, nome e cognome, nominativo",
        "klantnaam, naam klant, volledige naam",
        "nome do cliente",
    ),
    "first_name": (
        "first name, given name, customer first name, billing first name",
        "vorname, prenom, nombre de pila, voornaam, primeiro nome",
    ),
    "last_name": (
        "last name, surname, family name, customer last name, billing last name",
        "nachname, familienname, nom de famille, apellidos, apellido, cognome, achternaam, sobrenome",
        "apelido",
    ),
    "phone": (
        "phone, phone number, telephone, mobile, mobile phone, tel, customer phone, billing phone",
        "telefon, telefonnummer, mobilnummer, mobil, handy, handynummer, rufnummer",
        "numero de telephone, portable",
        "telefono, numero de telefono, movil, celular",
        "numero di telefono, cellulare",
        "telefoon, telefoonnummer, mobiel",
        "telefone, telemovel, numero de telefone",
    ),
    "updated": (
        "updated at, last changed, last modified, date modified, modified at",
        "geandert am, zuletzt geandert, letzte anderung, aktualisiert am",
        "modifie le, date de modification, mis a jour le",
        "ultima modificacion, fecha de modificacion, actualizado",
        "ultima modifica, data di modifica, aggiornato il",
        "gewijzigd op, laatst gewijzigd",
        "ultima modificacao, data de modificacao, atualizado em",
    ),
}
# Said of a whole person: their id, their name or their address, as the cells tell.
PERSON = "customer, client, kunde, kaufer, cliente, acheteur, klant, comprador, buyer"
# The name of a person or of a product, as the other columns tell.
NAME = "name, nom, nombre, nome, naam"

CURRENCY = re.compile(
    r"(?:\s+in)?\s*[\s_(\[](?:eur|usd|gbp|chf|cad|aud|sek|nok|dkk|pln|czk|brl|mxn|jpy|[€$£])[)\]]?$", re.I
)
NOT_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def bare(name: str) -> str:
    """A header without case, accents, blanks, signs, and the currency that may stand behind it."""
    text = unicodedata.normalize("NFKD", CURRENCY.sub("", name.strip()).casefold())
    return NOT_WORD.sub("", text)


def _bares(words: str) -> list[str]:
    return [bare(word) for word in words.split(",")]


WHOLE = frozenset(_bares(", ".join(OF_ORDERS)))
GUESSES = {field: _bares(", ".join(words)) for field, words in WORDS.items()}
PERSONS, NAMES = _bares(PERSON), _bares(NAME)
# Days on which nothing was bought.
OTHER_DAYS = _bares(
    "birth, born, due, ship, deliver, valid, expir, geburt, liefer, versand, fallig, naissance, livraison,"
    " echeance, nacimiento, entrega, envio, nascita, consegna, spedizione, nascimento, geboorte, lever"
)


def _is_foreign(name: str, currency: str) -> bool:
    """Is it of a currency that is not the store's?"""
    found = CURRENCY.search(name.strip())
    if not found or not currency:
        return False
    sign = found[0].strip(" _()[]").upper().removeprefix("IN ").strip()
    return sign != currency and currency not in SIGNS.get(sign, ())


def _has_lines(columns: _Columns) -> bool:
    """Does an order have several rows?"""
    orders = columns.cells(columns.found["order"]) if "order" in columns.found else []
    return len(set(orders)) < len(orders)


def guess(header: list[str], rows: list[list[str]] | None = None, currency: str = "") -> dict[str, str]:
    """Which column is probably which field; the first rows tell what the header leaves open. Amounts whose
    header names another currency than the store's are left to the merchant."""
    columns = _Columns(header, rows or [], currency)
    found = columns.found
    for field, words in GUESSES.items():
        columns.take(field, words)
    _person(columns)
    _name(columns)
    _date(columns)
    if "amount" in found and "unit_price" in found and "quantity" in found:
        del found["amount"]
    if "amount" in found and bare(found["amount"]) in WHOLE and _has_lines(columns):
        del found["amount"]
    # 10 % is no amount.
    if "discount" in found and any("%" in cell for cell in columns.cells(found["discount"])):
        del found["discount"]
    return found


class _Columns:
    """The columns of a file, and which of them were found to be a field."""

    def __init__(self, header: list[str], rows: list[list[str]], currency: str) -> None:
        self.header, self.rows = header, rows
        # A share is no amount.
        named = [name for name in reversed(header) if "%" not in name and not _is_foreign(name, currency)]
        self.by_word = {bare(name): name for name in named if bare(name)}
        self.found: dict[str, str] = {}

    def free(self, words: list[str]) -> str:
        """The column that is called by the first of these words, if it is not a field already."""
        columns = (self.by_word[word] for word in words if word in self.by_word)
        return next((name for name in columns if name not in self.found.values()), "")

    def take(self, field: str, words: list[str]) -> None:
        if column := self.free(words):
            self.found[field] = column

    def cells(self, column: str) -> list[str]:
        place = self.header.index(column)
        return [cell for row in self.rows if len(row) > place and (cell := row[place].strip())]


def _person(columns: _Columns) -> None:
    """A column “Customer”: an id if there is no better one, unless its cells are names or addresses."""
    found, column = columns.found, columns.free(PERSONS)
    if not column:
        if "customer" not in found:
            columns.take("customer", ["id"])
        return
    cells = columns.cells(column)
    if "email" not in found and _mostly(["@" in cell for cell in cells]):
        found["email"] = column
    elif "customer" in found or "email" in found and _mostly([_is_name(cell) for cell in cells]):
        found.setdefault("name", column)
    else:
        found["customer"] = column


def _name(columns: _Columns) -> None:
    """A column “Name”: the other half of a name, or a person's where the product has a column of its own."""
    found = columns.found
    halves = [half for half in ("first_name", "last_name") if half in found]
    if column := columns.free(NAMES):
        if len(halves) == 1:
            found["last_name" if halves == ["first_name"] else "first_name"] = column
        elif not halves and "title" in found:
            found.setdefault("name", column)
    if halves:
        found.pop("name", None)


def _date(columns: _Columns) -> None:
    """The only column whose cells are dates is the date, unless it is called after another day."""
    if "date" in columns.found:
        return
    names = [name for name in columns.header if not any(word in bare(name) for word in OTHER_DAYS)]
    dates = [name for name in names if _mostly([is_date(cell) for cell in columns.cells(name)])]
    if len(dates) == 1 and dates[0] not in columns.found.values():
        columns.found["date"] = dates[0]


def _mostly(told: list[bool]) -> bool:
    return sum(told) > len(told) / 2


def _is_name(cell: str) -> bool:
    """Two words, as names are and ids are not."""
    return " " in cell and not any(letter.isdigit() for letter in cell)


def is_date(cell: str) -> bool:
    # Eight digits are an id as often as a day.
    return not cell.isdigit() and any(read_date(cell, day_before_month=day) for day in (True, False))
