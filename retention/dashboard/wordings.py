"""How each kind of number on the page is written, in the store's locale and currency. Pure."""

from __future__ import annotations

from retention.dashboard.cards import Wording
from retention.lib import formats
from retention.stores.models import Store


def rate(store: Store) -> Wording:
    return Wording(
        value=lambda share: formats.percent(share, store.locale),
        width=lambda share: formats.number(share * 100, store.locale, digits=1),
        change=lambda share: formats.points(share, store.locale),
        counted=lambda n: formats.counted(n, "buyer", locale=store.locale),
        lacking="Nobody bought in these days",
    )


def lifetime_value(store: Store) -> Wording:
    return _money(store, "customer", "Comes when the first cohort is 12 full months old")


def order_value(store: Store) -> Wording:
    return _money(store, "order", "No orders in these days")


def _money(store: Store, noun: str, lacking: str) -> Wording:
    digits = formats.decimals(store.currency)
    return Wording(
        value=lambda minor: formats.money(minor, store.currency, store.locale),
        width=lambda minor: formats.number(formats.major(minor, store.currency), store.locale, digits=digits),
        change=lambda minor: formats.signed_money(_rounded(minor), store.currency, store.locale),
        counted=lambda n: formats.counted(n, noun, locale=store.locale),
        lacking=lacking,
        whole=lambda minor: formats.money(minor, store.currency, store.locale, whole=True),
    )


def _rounded(minor: float) -> float:
    """So that a change too small to show has no sign."""
    return float(round(minor))


def gap(store: Store) -> Wording:
    def between(low: float, high: float) -> str:
        ends = (formats.number(round(end), store.locale) for end in (low, high))
        return f"half {'–'.join(ends)}"

    def change(days: float) -> str:
        rounded = round(days)
        sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
        return sign + formats.days(abs(rounded), store.locale)

    return Wording(
        value=lambda days: formats.days(days, store.locale),
        width=lambda days: formats.number(days, store.locale),
        change=change,
        counted=lambda n: formats.counted(n, "gap", locale=store.locale),
        between=between,
        lacking="Comes with the first second order",
        better=0,
    )
