"""When a condition may change, as it is read."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from retention.segments.wording import Words
from tests.world import a_store


@pytest.mark.parametrize(("hour", "words"), [(0, "Dec 1, 2026"), (15, "Dec 1, 2026, 3:00:00\u202fPM")])
def test_a_day_begins_without_a_clock(db, hour, words):
    store = a_store(time_zone="Pacific/Auckland")
    at = datetime(2026, 12, 1, hour, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert Words(store).turn(at) == words
