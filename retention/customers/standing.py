"""Where a person stands, from all that they said and did: a pure rule, the same for any order of arrival.

The newest evidence wins, by its own time; at the same moment the stricter one. A file that says
"subscribed" counts only where nobody ever said otherwise: it can take a consent away, never give one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from retention.customers.models import Status

STRICTNESS = {Status.NEVER: 0, Status.SUBSCRIBED: 1, Status.UNSUBSCRIBED: 2, Status.SUPPRESSED: 3}
REFUSED = (Status.UNSUBSCRIBED, Status.SUPPRESSED)


class Said(Protocol):
    """What the rule reads of a proof."""

    status: str
    reason: str
    at: datetime
    imported: bool


@dataclass(frozen=True)
class Standing:
    status: str
    reason: str
    since: datetime


def standing(said: Iterable[Said]) -> Standing | None:
    """None: nothing was ever said."""
    heard = [one for one in said if one.status in STRICTNESS]
    if any(one.status in REFUSED for one in heard):
        heard = [one for one in heard if not (one.imported and one.status == Status.SUBSCRIBED)]
    elif any(one.status == Status.SUBSCRIBED for one in heard):
        # "Never subscribed" is the absence of an answer: it takes nothing away.
        heard = [one for one in heard if one.status != Status.NEVER]
    if not heard:
        return None
    last = max(heard, key=lambda one: (one.at, STRICTNESS[Status(one.status)], one.reason))
    return Standing(last.status, last.reason, last.at)
