"""What somebody asked of the list: the address says all of it, so that it can be shared and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from retention.customers.models import Channel, Status
from retention.lib import formats
from retention.stores.models import Store

SORTS = {"last": "Last purchase", "net": "Net to date", "name": "Customer", "added": "Added"}
LAST = {
    "in-30": "in the last 30 days",
    "in-90": "in the last 90 days",
    "in-365": "in the last year",
    "over-90": "more than 90 days ago",
    "over-180": "more than half a year ago",
    "over-365": "more than a year ago",
}
CONSENT = {
    f"{channel}-{status}": f"{Channel(channel).label}: {Status(status).label.lower()}"
    for channel in (Channel.EMAIL, Channel.SMS)
    for status in Status.values
}
MOST_TIMES = 1_000_000
MOST_MONEY = Decimal(10) ** 12


@dataclass(frozen=True)
class Wanted:
    """Texts as they were typed, cleaned; "" where nothing was asked."""

    q: str = ""
    purchases_from: str = ""
    purchases_to: str = ""
    spend_from: str = ""
    spend_to: str = ""
    last: str = ""
    country: str = ""
    tag: str = ""
    consent: str = ""
    segment: str = ""
    sort: str = "last"
    cols: tuple[str, ...] = ()

    @property
    def narrowed(self) -> bool:
        return self.filters() != {}

    def filters(self) -> dict[str, str]:
        """The filters in use, without search, order and columns."""
        names = (
            *("purchases_from", "purchases_to", "spend_from", "spend_to", "last", "country", "tag"),
            *("consent", "segment"),
        )
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def without(self, name: str) -> Wanted:
        return replace(self, **{name: ""})  # type: ignore[arg-type]

    def parameters(self) -> dict[str, str | list[str]]:
        told: dict[str, str | list[str]] = {"q": self.q} if self.q else {}
        told |= self.filters()
        if self.sort != "last":
            told["sort"] = self.sort
        if self.cols:
            told["cols"] = list(self.cols)
        return told

    def query(self) -> str:
        """The address's part after the question mark."""
        return urlencode(self.parameters(), doseq=True)


def parse(given: Mapping[str, str], cols: tuple[str, ...] = ()) -> Wanted:
    """What cannot be meant is passed over."""

    def text(name: str, most: int = 100) -> str:
        return given.get(name, "").replace("\x00", "").strip()[:most]

    def one_of(name: str, allowed: Mapping[str, str], otherwise: str = "") -> str:
        return text(name) if text(name) in allowed else otherwise

    return Wanted(
        q=text("q"),
        purchases_from=_times(text("purchases_from")),
        purchases_to=_times(text("purchases_to")),
        spend_from=_money(text("spend_from")),
        spend_to=_money(text("spend_to")),
        last=one_of("last", LAST),
        country=text("country"),
        tag=text("tag"),
        consent=one_of("consent", CONSENT),
        segment=_times(text("segment", 12)),
        sort=one_of("sort", SORTS, "last"),
        cols=cols,
    )


def _times(text: str) -> str:
    return str(int(text)) if text.isascii() and text.isdecimal() and int(text) < MOST_TIMES else ""


def _money(text: str) -> str:
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return ""
    return str(found) if found.is_finite() and abs(found) < MOST_MONEY else ""


def minor(amount: str, currency: str) -> int:
    """A typed amount in the smallest unit."""
    return int(Decimal(amount) * 10 ** formats.decimals(currency))


def words(wanted: Wanted, store: Store, segment: str = "") -> dict[str, str]:
    """Each filter in use as a chip says it."""
    told = {
        "purchases_from": f"{wanted.purchases_from}+ purchases",
        "purchases_to": f"up to {wanted.purchases_to} purchases",
        "last": f"bought {LAST.get(wanted.last, '')}",
        "country": f"country: {wanted.country}",
        "tag": f"tag: {wanted.tag}",
        "consent": CONSENT.get(wanted.consent, ""),
        "segment": f"segment: {segment or wanted.segment}",
    }
    for name, word in (("spend_from", "from"), ("spend_to", "up to")):
        if amount := getattr(wanted, name):
            shown = formats.money(minor(amount, store.currency), store.currency, store.locale)
            told[name] = f"net {word} {shown}"
    return {name: told[name] for name in wanted.filters()}
