"""Finding people while somebody types: by the beginning of a name, address, phone or order number.

Every way of finding is one index and stops after enough hits, so the cost does not depend on the shop's size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from django.db import connection

from retention.stores.models import Store

# As the indexes of customers 0007 and 0010 and orders 0004 have them.
NAME = "customers_plain(u.first_name || ' ' || u.last_name) COLLATE \"C\""
LAST_NAME = "customers_plain(u.last_name || ' ' || u.first_name) COLLATE \"C\""
EMAIL = 'lower(u.email) COLLATE "C"'
COMPANY = 'customers_plain(u.company) COLLATE "C"'
PHONE = "regexp_replace(u.phone, '\\D', '', 'g') COLLATE \"C\""
ORDER = "ltrim(lower(o.number), '#') COLLATE \"C\""

# Enough for a list; when filters take away most of them, more are looked at.
FEW, MANY = 200, 4_000
MARKS = re.compile("[\u0300-\u036f]")
DOUBLE = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
LETTERS = str.maketrans({**dict(zip("øØłŁđĐðÐħĦı", "oOlLdDdDhHi", strict=True)), **DOUBLE})
LIKE_PHONE = re.compile(r"[\d\s()+./-]+")


@dataclass(frozen=True)
class Hits:
    ids: list[int]
    # There may be more people than these.
    cut: bool


def find(store: Store, text: str, *, most: int | None = FEW) -> Hits:
    """The people whom this text may mean; `most` for each way of finding, None for all."""
    words = " ".join(text.replace(",", " ").split())[:100]
    if not words:
        return Hits([], False)
    given: dict[str, Any] = {"store": store.pk, "most": None if most is None else most + 1}
    ways = [*_by_beginning(words, given), *_by_phone(words, given), *_by_whole_name(words, given)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"({way})" for way in ways), given)
        rows = cursor.fetchall()
    ids = list(dict.fromkeys(row[0] for row in rows))
    counts = [sum(1 for row in rows if row[1] == number) for number in {row[1] for row in rows}]
    return Hits(ids, most is not None and any(count > most for count in counts))


def _by_beginning(words: str, given: dict[str, Any]) -> list[str]:
    ways: list[str] = []
    for column, filled, meant in (
        (NAME, "true", _plain(words)), (LAST_NAME, "u.last_name <> ''", _plain(words)),
        (EMAIL, "u.email <> ''", words), (COMPANY, "u.company <> ''", _plain(words)),
    ):  # fmt: skip
        for spelling in _spellings(meant):
            name = f"begins{len(ways)}"
            given[name] = _like(spelling)
            ways.append(_people(f"{column} LIKE %({name})s", column, filled, len(ways)))
    if " " not in words and any(sign.isdigit() for sign in words):
        given["number"] = _like(words.lstrip("#").lower())
        ways.append(
            f"SELECT o.customer_id, {len(ways)} FROM orders_order o WHERE o.store_id = %(store)s"
            f" AND o.number <> '' AND {ORDER} LIKE %(number)s AND o.customer_id IS NOT NULL"
            f" ORDER BY {ORDER} LIMIT %(most)s"
        )
    return ways


def _people(condition: str, order: str, filled: str, number: int) -> str:
    return (
        f"SELECT u.id, {number} FROM customers_customer u WHERE u.store_id = %(store)s"
        f" AND u.merged_into_id IS NULL AND {filled} AND {condition} ORDER BY {order} LIMIT %(most)s"
    )


def _by_phone(words: str, given: dict[str, Any]) -> list[str]:
    digits = re.sub(r"\D", "", words)
    if len(digits) < 3 or not LIKE_PHONE.fullmatch(words):
        return []
    ways = []
    # "070 123" is typed at home, "+46 70 123" is what the shop knows.
    for place, beginning in enumerate({digits, digits.lstrip("0")} - {""}):
        given[f"phone{place}"] = _like(beginning)
        ways.append(_people(f"{PHONE} LIKE %(phone{place})s", PHONE, "u.phone <> ''", 100 + place))
    if len(digits) >= 8:
        given["phone"] = digits
        ways.append(
            "SELECT u.id, 110 FROM customers_customer u WHERE u.store_id = %(store)s AND u.phone <> ''"
            " AND u.merged_into_id IS NULL AND u.erased_at IS NULL"
            " AND customers_phone_key(u.phone) = customers_phone_key(%(phone)s) LIMIT %(most)s"
        )
    return ways


def _by_whole_name(words: str, given: dict[str, Any]) -> list[str]:
    """A whole address that the person once had, or the whole id in the shop's system."""
    given["whole"] = [words, words.lower()]
    return [
        # The sources of a store, one index look-up each: there are a handful.
        "WITH RECURSIVE s AS (SELECT min(source) AS source FROM customers_identity WHERE store_id = %(store)s"
        " UNION ALL SELECT (SELECT min(i.source) FROM customers_identity i WHERE i.store_id = %(store)s"
        " AND i.source > s.source) FROM s WHERE s.source IS NOT NULL)"
        " SELECT i.customer_id, 120 FROM s JOIN customers_identity i ON i.store_id = %(store)s"
        " AND i.source = s.source AND i.external_id = ANY(%(whole)s)"
    ]


def _plain(words: str) -> str:
    """Without the marks on letters, as `customers_plain` of the database; small letters come later."""
    return MARKS.sub("", normalize("NFD", words)).translate(LETTERS)


def _spellings(words: str) -> list[str]:
    """Lower case as the database knows it: where it knows only ASCII, "é" and "É" stay two letters."""
    found = [words.lower(), words.title(), words.upper()]
    if words.isascii():
        return found[:1]
    return list(dict.fromkeys(_ascii_lower(one) for one in found))


def _ascii_lower(text: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text) + "%"
