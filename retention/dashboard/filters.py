"""What the merchant chose to look at. All of it lives in the URL, so a view can be sent to a colleague."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from urllib.parse import urlencode

from django.http import QueryDict

from retention.lib.addresses import id_of

RANGES = {"30": 30, "90": 90, "180": 180, "365": 365, "all": None}
RANGE_WORDS = {
    "30": "Last 30 days",
    "90": "Last 90 days",
    "180": "Last 180 days",
    "365": "Last 365 days",
    "all": "All time",
}
DIMENSIONS = {
    "channel": "Channel",
    "campaign": "Campaign",
    "country": "Country",
    "category": "First category",
}
TABS = {"activity": "Activity", "net": "Net revenue", "clv": "CLV to date"}
# Stands for orders that say nothing about a dimension: an empty parameter already means "any".
UNKNOWN = "(unknown)"
MOST_CURVES = 4


@dataclass(frozen=True)
class Filters:
    """A choice; every field has a default, so an empty query string is the ordinary front page."""

    range: str = "365"
    as_of: date | None = None
    channel: str = ""
    campaign: str = ""
    country: str = ""
    category: str = ""
    # The number of a segment or list; 0 for everybody.
    segment: int = 0
    tab: str = "activity"
    curves: tuple[date, ...] = ()

    @property
    def days(self) -> int | None:
        return RANGES[self.range]

    @property
    def where(self) -> dict[str, str]:
        """The dimensions that are narrowed: name to value, where unknown is the empty string."""
        chosen = {name: getattr(self, name) for name in DIMENSIONS}
        return {name: "" if value == UNKNOWN else value for name, value in chosen.items() if value}

    @property
    def narrowed(self) -> bool:
        """Are some customers left out?"""
        return bool(self.where or self.segment)

    @cached_property
    def query(self) -> str:
        """The query string of this choice, without what is default."""
        return urlencode(self.parameters(), doseq=True)

    def parameters(self) -> dict[str, list[str]]:
        pairs: dict[str, list[str]] = {}
        if self.range != "365":
            pairs["range"] = [self.range]
        if self.as_of:
            pairs["as_of"] = [self.as_of.isoformat()]
        pairs |= {name: [getattr(self, name)] for name in DIMENSIONS if getattr(self, name)}
        if self.segment:
            pairs["segment"] = [str(self.segment)]
        if self.tab != "activity":
            pairs["tab"] = [self.tab]
        if self.curves:
            pairs["curve"] = [f"{month:%Y-%m}" for month in self.curves]
        return pairs

    def link(self, **changes: object) -> str:
        """The query string with something changed, as a link."""
        return "?" + replace(self, **changes).query  # type: ignore[arg-type]


def parse(query: QueryDict) -> Filters:
    """Read the URL. What makes no sense is left out, because old links must not break."""
    months = [month for text in query.getlist("curve") if (month := month_in(text))]
    return Filters(
        range=_one_of(query.get("range", ""), RANGES, "365"),
        as_of=_date(query.get("as_of", "")),
        segment=id_of(query.get("segment", "")) or 0,
        tab=_one_of(query.get("tab", ""), TABS, "activity"),
        curves=tuple(sorted(set(months), reverse=True)[:MOST_CURVES]),
        **{name: query.get(name, "").replace("\x00", "")[:255] for name in DIMENSIONS},
    )


def month_in(text: str) -> date | None:
    """The first day of "2026-03"."""
    return _date(f"{text[:7]}-01")


def _one_of(value: str, allowed: object, default: str) -> str:
    return value if value in allowed else default  # type: ignore[operator]


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Far from both ends of the calendar, so that months before and after can be counted.
    return found if 1970 <= found.year < 3000 else None
