"""Figures as people read them: money, shares, days and dates in a store's locale.

A thin space would break in narrow columns, so units follow a no-break space: "31.4 %", "54 days".
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

NBSP = "\u00a0"
NOTHING = "—"


@lru_cache(maxsize=64)
def locale_of(name: str) -> Locale:
    """The named locale; US English for a name that nobody knows."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_US")


def major(minor: float, currency: str) -> float:
    """Minor units as the amount on a price tag: 14260 cents are 142.60, 500 yen are 500."""
    return float(minor) / float(10 ** decimals(currency))


# ISO 4217; 2 where not named. Not Babel's: that says how many are usually shown, and for RSD or IRR that is
# none, while amounts are kept in hundredths.
DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def decimals(currency: str) -> int:
    """How many decimals an amount of this currency's smallest unit has."""
    return DECIMALS.get(currency, 2)


def money(minor: float | None, currency: str, locale: str = "en_US", *, whole: bool = False) -> str:
    """An amount of minor units. `whole` drops the cents of amounts that have no use for them."""
    if minor is None:
        return NOTHING
    amount = major(minor, currency)
    return _money(round(amount, 0 if whole else decimals(currency)), currency, locale, whole)


@lru_cache(maxsize=4096)
def _money(amount: float, currency: str, locale: str, whole: bool) -> str:
    # Cached, as are numbers: a page of cohorts writes a thousand of them, and Babel takes its time.
    if not whole:
        return str(format_currency(amount, currency, locale=locale_of(locale)))
    short = locale_of(locale).currency_formats["standard"].pattern.replace(".00", "")
    return str(format_currency(amount, currency, short, locale=locale_of(locale), currency_digits=False))


def signed_money(minor: float, currency: str, locale: str = "en_US", *, whole: bool = False) -> str:
    """A change: the sign always shows."""
    return _sign(minor) + money(abs(minor), currency, locale, whole=whole)


def number(value: float | None, locale: str = "en_US", *, digits: int = 0) -> str:
    """A count, or a plain figure with so many decimals."""
    return NOTHING if value is None else _number(round(value, digits), locale, digits)


@lru_cache(maxsize=16384)
def _number(value: float, locale: str, digits: int) -> str:
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return str(format_decimal(value, pattern, locale=locale_of(locale)))


def percent(share: float | None, locale: str = "en_US", *, digits: int = 1) -> str:
    """A share of 1 as percent."""
    return NOTHING if share is None else f"{number(share * 100, locale, digits=digits)}{NBSP}%"


def points(change: float, locale: str = "en_US", *, digits: int = 1) -> str:
    """The change of a share, in percentage points."""
    value = round(change * 100, digits)
    return (
        f"{_sign(value)}{number(abs(value), locale, digits=digits)}{NBSP}{'pt' if abs(value) == 1 else 'pts'}"
    )


def days(value: float | None, locale: str = "en_US", *, digits: int = 0) -> str:
    """A length of time in days."""
    if value is None:
        return NOTHING
    rounded = round(value, digits)
    return f"{number(rounded, locale, digits=digits)}{NBSP}{'day' if rounded == 1 else 'days'}"


def counted(count: int, noun: str, plural: str | None = None, locale: str = "en_US") -> str:
    """ "1 order", "1,234 orders"."""
    return f"{number(count, locale)} {noun if count == 1 else plural or noun + 's'}"


@lru_cache(maxsize=4096)
def day(value: date | datetime | None, locale: str = "en_US") -> str:
    """A date: Nov 22, 2026."""
    return NOTHING if value is None else str(format_date(value, "medium", locale=locale_of(locale)))


@lru_cache(maxsize=4096)
def month(value: date | None, locale: str = "en_US") -> str:
    """A month and its year: Nov 2026."""
    return NOTHING if value is None else str(format_date(value, "MMM y", locale=locale_of(locale)))


def moment(value: datetime | None, locale: str = "en_US", time_zone: str = "UTC") -> str:
    """A date with its time, on the clock of the store."""
    if value is None:
        return NOTHING
    return str(format_datetime(value, "medium", tzinfo=ZoneInfo(time_zone), locale=locale_of(locale)))


def ago(length: timedelta) -> str:
    """How long since something happened, roughly."""
    seconds = max(0, int(length.total_seconds()))
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(seconds // size, noun)} ago"
    return "just now"


def _sign(value: float) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""
