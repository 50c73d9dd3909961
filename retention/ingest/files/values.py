"""Cells to values: text, money, quantities and moments. Pure, cached, because cells repeat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from retention.lib.formats import decimals

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
# Prices are read this much finer than the smallest unit: unit prices such as 0.001 exist.
FINER = 10_000
LARGEST = 10**15 * FINER
MOST_PIECES = 2_000_000_000
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+")
# A separator of thousands with one or two digits after it, up to the end: it separates decimals.
GROUPED = re.compile(r",\d{1,2}-?$")
NUMBER = re.compile(r"-?[0-9]*\.?[0-9]+|-?[0-9]+\.")


class Unusable(Exception):
    """The row cannot be used; the message is what the merchant reads."""


T = TypeVar("T")


class Memory(dict[str, T]):
    """What cells were read as. Bounded in entries, and in letters, because a cell may be a whole page."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self.read, self.letters = read, 0

    def __missing__(self, cell: str) -> T:
        found = self.read(cell)
        self.letters += len(cell)
        if len(self) >= 50_000 or self.letters > 4_000_000:
            self.clear()
            self.letters = len(cell)
        if len(cell) < 4_000:
            self[cell] = found
        return found


def remembered(read: Callable[[str], T]) -> Callable[[str], T]:
    return Memory(read).__getitem__


@remembered
def clean(cell: str) -> str:
    """Text on one line, without control characters."""
    return CONTROL.sub(" ", cell).strip()


@remembered
def identifier(cell: str) -> str:
    """An id as people mean it: `17850.0` (a spreadsheet's number) and `'17850` are 17850."""
    text = clean(cell).removeprefix("'").strip()
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


@remembered
def email_key(cell: str) -> str:
    """The key that an e-mail address is matched on; empty if the cell holds no address."""
    text = unicodedata.normalize("NFC", clean(cell).removeprefix("'").strip()).lower()
    name, at, host = text.rpartition("@")
    good = at and name and "." in host and not re.search(r"[\s,;<>]", text) and len(text) <= 320
    return text if good else ""


def cut(limit: int) -> Callable[[str], str]:
    """Text of at most `limit` characters: for titles and names, which are only read by people."""

    @remembered
    def read(cell: str) -> str:
        return clean(cell)[:limit]

    return read


@remembered
def country(cell: str) -> str:
    """A country as it is called; its code in capitals, so that `de` and `DE` are one."""
    text = clean(cell)[:80]
    return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else text


@remembered
def names(cell: str) -> tuple[str, str]:
    """First and last name of a full one; of a single word nobody knows which it is."""
    first, _, last = clean(cell).rpartition(" ")
    return (first.rstrip()[:200], last[:200]) if first else (last[:200], "")


def key(what: str, limit: int) -> Callable[[str], str]:
    """An id of at most `limit` characters; a longer one cannot be told apart when cut, so it is refused."""

    @remembered
    def read(cell: str) -> str:
        text = identifier(cell)
        if len(text) > limit:
            raise Unusable(f"The {what} is longer than {limit} characters.")
        return text

    return read


def money(currency: str, *, decimal_comma: bool = False) -> Callable[[str], int]:
    """A reader of amounts, in 1/10,000 of the smallest unit."""
    scale = Decimal(10) ** decimals(currency) * FINER

    @remembered
    def read(cell: str) -> int:
        value = number(cell, decimal_comma=decimal_comma) * scale
        if abs(value) > LARGEST:
            raise Unusable(f"The amount “{cell[:40]}” is too large.")
        return int(value.to_integral_value(rounding="ROUND_HALF_UP"))

    return read


def number(cell: str, *, decimal_comma: bool = False) -> Decimal:
    text = clean(cell).replace("\u2212", "-").replace("\u00a0", "").replace("\u202f", "")
    negative = text.startswith("(") and text.endswith(")")
    text = re.sub(r"[^0-9.,\-]", "", text)
    if GROUPED.search(text.replace(".", ";").replace(",", ".").replace(";", ",") if decimal_comma else text):
        mark = "point" if decimal_comma else "comma"
        raise Unusable(f"“{cell[:40]}” has a decimal {mark}, unlike the other amounts of the file.")
    if text.endswith((".-", ",-")):
        text = text[:-2]  # 12,- is how a price of 12 without cents is written
    text = text.replace(".", "").replace(",", ".") if decimal_comma else text.replace(",", "")
    if text.endswith("-"):
        text = "-" + text[:-1]
    if not NUMBER.fullmatch(text):
        raise Unusable(f"“{cell[:40]}” is not a number." if cell.strip() else "An amount is missing.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Unusable(f"“{cell[:40]}” is not a number.") from None
    return -abs(value) if negative else value


DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP")
SIGNS = {"€": ("EUR",), "EURO": ("EUR",), "£": ("GBP",), "US$": ("USD",), "$": DOLLARS}
SIGNS |= {"¥": ("JPY", "CNY"), "KR": ("SEK", "NOK", "DKK"), "R$": ("BRL",), "ZŁ": ("PLN",)}


def same_currency(told: str, currency: str) -> None:
    """Amounts of another currency would be added up wrongly, so their rows are refused."""
    name = told.upper()
    if name and name != currency and currency not in SIGNS.get(name, ()):
        raise Unusable(f"The order is in {told[:10]}, but the store counts in {currency}.")


def whole(cell: str) -> int:
    """A number of pieces."""
    count = int(number(cell))
    if abs(count) > MOST_PIECES:
        raise Unusable(f"The quantity “{cell[:40]}” is too large.")
    return count


def minor(fine: int) -> int:
    """Fine units to the smallest unit of the currency, halves away from zero."""
    if abs(fine) > LARGEST:
        raise Unusable("The amount is too large.")
    half = FINER // 2
    return (fine + half) // FINER if fine >= 0 else -((half - fine) // FINER)


ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
WITH_OFFSET = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)", re.I
)
PARTS = re.compile(
    r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})"
    r"(?:,?[ T]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp])?\.?[Mm]?\.?)?"
)


def day_first(samples: list[str]) -> bool | None:
    """Whether dates are written day before month; None when the samples do not tell."""
    for cell in samples:
        match = PARTS.match(clean(cell))
        if not match or len(match[1]) == 4:
            continue
        # Nobody writes the month first before a point.
        if "." in match[0][: len(match[1]) + 1]:
            return True
        if int(match[1]) > 12:
            return True
        if int(match[2]) > 12:
            return False
    return None


def moment(zone: ZoneInfo, *, latest: datetime, day_before_month: bool = False) -> Callable[[str], int]:
    """A reader of moments, in microseconds since 1970. A naive time is in `zone`."""

    @remembered
    def read(cell: str) -> int:
        found = read_date(clean(cell), day_before_month=day_before_month)
        if found is None:
            raise Unusable(f"“{cell[:40]}” is not a date." if cell.strip() else "The date is missing.")
        try:
            at = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        except OverflowError:
            raise Unusable(f"The date {cell[:40]} cannot be right.") from None
        if at > latest:
            raise Unusable(f"The date {cell[:40]} is in the future.")
        if at < EARLIEST:
            raise Unusable(f"The date {cell[:40]} is before 1980.")
        return microseconds(at)

    return read


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def instant(count: int) -> datetime:
    """The moment that is so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=count)


def read_date(text: str, *, day_before_month: bool) -> datetime | None:
    try:
        if ISO.fullmatch(text):
            return datetime.fromisoformat(text)
        if match := WITH_OFFSET.fullmatch(text):
            offset = "+00:00" if match[2][0].isalpha() else match[2]
            return datetime.fromisoformat(match[1] + offset)
        if re.fullmatch(r"\d{8}", text):
            return datetime(int(text[:4]), int(text[4:6]), int(text[6:]))  # noqa: DTZ001  zone comes later
        return _from_parts(text, day_before_month)
    except ValueError:
        return None


def _from_parts(text: str, day_before_month: bool) -> datetime | None:
    match = PARTS.fullmatch(text)
    if not match:
        return None
    one, two, three = int(match[1]), int(match[2]), int(match[3])
    if len(match[1]) == 4:
        year, month, day = one, two, three
    else:
        year = three if len(match[3]) == 4 else 2000 + three
        day, month = (one, two) if day_before_month else (two, one)
    hour = int(match[4] or 0)
    if match[7]:
        hour = hour % 12 + (12 if match[7] in "Pp" else 0)
    return datetime(year, month, day, hour, int(match[5] or 0), int(match[6] or 0))  # noqa: DTZ001


def looks_decimal_comma(cells: list[str]) -> bool:
    """Whether amounts are written 1.234,56: a comma is followed by one or two last digits more often
    than a point is."""
    comma = sum(bool(re.search(r",\d{1,2}\D*$", cell)) for cell in cells)
    point = sum(bool(re.search(r"\.\d{1,2}\D*$", cell)) for cell in cells)
    return comma > point
