"""How each kind of number on the page is written, in the store's locale and currency. Pure."""

from __future__ import annotations

from retention.dashboard.cards import Wording
from retention.lib import formats
from retention.stores.models import Store

# Below so many units of money, the cents of a range tell something.
CENTS_TELL = 10


def rate(store: Store) -> Wording:
    def value(share: float) -> str:
        return formats.percent(share, store.locale)

    def between(low: float, high: float) -> str:
        return f"likely {formats.number(low * 100, store.locale, digits=1)}–{value(high)}"

    def change(now: float, before: float) -> str:
        if value(now) == value(before):
            return ""
        return f"{'up' if now > before else 'down'} from {value(before)} a year ago"

    return Wording(
        value=value,
        between=between,
        change=change,
        counted=lambda n: formats.counted(n, "buyer", locale=store.locale),
        lacking="Nobody bought in these days",
    )


def lifetime_value(store: Store) -> Wording:
    return _money(
        store,
        ("customer of 12+ months", "customers of 12+ months"),
        "Comes when the first cohort is 12 full months old",
    )


def order_value(store: Store) -> Wording:
    return _money(store, ("order", "orders"), "No orders in these days")


def _money(store: Store, nouns: tuple[str, str], lacking: str) -> Wording:
    def value(minor: float, *, whole: bool = False) -> str:
        return formats.money(minor, store.currency, store.locale, whole=whole)

    def between(low: float, high: float) -> str:
        whole = formats.major(high - low, store.currency) >= CENTS_TELL
        return f"likely {value(low, whole=whole)}–{value(high, whole=whole)}"

    def change(now: float, before: float) -> str:
        # A change too small to show is none.
        moved = float(round(now - before))
        return f"{formats.signed_money(moved, store.currency, store.locale)} vs a year ago" if moved else ""

    return Wording(
        value=value,
        between=between,
        change=change,
        counted=lambda n: formats.counted(n, *nouns, locale=store.locale),
        lacking=lacking,
        whole=lambda minor: value(minor, whole=True),
    )


def gap(store: Store) -> Wording:
    def between(low: float, high: float) -> str:
        return f"half take {formats.number(round(low), store.locale)}–{formats.days(high, store.locale)}"

    def change(now: float, before: float) -> str:
        moved = round(now - before)
        if not moved:
            return ""
        return f"{'+' if moved > 0 else '−'}{formats.days(abs(moved), store.locale)} vs a year ago"

    return Wording(
        value=lambda days: formats.days(days, store.locale),
        between=between,
        change=change,
        counted=lambda n: formats.counted(n, "repeat order", locale=store.locale),
        lacking="Comes with the first second order",
        better=0,
    )
