"""Where a person stands, from all that they said and did: a pure rule, the same for any order of arrival.

The newest evidence wins, by its own time; at the same moment the stricter one. A file that says
"subscribed" counts only where nobody ever said otherwise: it can take a consent away, never give one back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from retention.customers.models import Status

STRICTNESS: dict[str, int] = {
    Status.NEVER: 0,
    Status.SUBSCRIBED: 1,
    Status.UNSUBSCRIBED: 2,
    Status.SUPPRESSED: 3,
}
REFUSED = (Status.UNSUBSCRIBED, Status.SUPPRESSED)


class Said(Protocol):
    """What the rule reads of a proof."""

    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def imported(self) -> bool: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Standing:
    status: str
    reason: str
    since: datetime


def standing(said: Iterable[Said]) -> Standing | None:
    """None: nothing was ever said."""
    # A refusal that the file's own history took back is kept as history only.
    heard = [
        one for one in said if one.status in STRICTNESS and not (one.imported and one.detail.get("overcome"))
    ]
    if any(one.status != Status.NEVER for one in heard):
        # "Never subscribed" is the absence of an answer: it takes nothing away, neither a yes nor a no.
        heard = [one for one in heard if one.status != Status.NEVER]
    if any(one.status in REFUSED for one in heard):
        heard = [one for one in heard if not (one.imported and one.status == Status.SUBSCRIBED)]
    if not heard:
        return None
    last = max(heard, key=lambda one: (one.at, STRICTNESS[one.status], one.reason)) if heard[1:] else heard[0]
    return Standing(last.status, last.reason, last.at)
