"""Addresses that were typed, cut or made up: a page opens all the same."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from retention.dashboard.customers import listing
from retention.dashboard.customers.wanted import parse
from retention.stores.models import OutboxMail
from tests.dashboard_customers.shop import open_shop

pytestmark = pytest.mark.django_db
LONG = "9" * 5_000


@pytest.mark.parametrize(
    "asked",
    [
        *("sort=name&after=0:%00:5", "sort=added&after=0:%D9%A3:5", "sort=added&after=0:5:%D9%A3"),
        *("sort=net&after=0:1_0:5", "sort=net&after=0:%2010:5", "sort=net&after=0:--5:5"),
        *(f"after={LONG}:2026-01-01:1", f"after=0:2026-01-01:{LONG}", f"sort=net&after=0:{LONG}:1"),
        *(
            "after=0:2026-W01-1:1",
            "after=0:20260101:1",
            "after=%C2%B2:2026-01-01:1",
            "after=%D9%A0:2026-01-01:1",
        ),
        *(
            "after=0:2026-02-30:1",
            "after=7:2026-01-01:1",
            "after=::",
            f"purchases_from={LONG}",
            f"segment={LONG}",
        ),
    ],
)
def test_a_made_up_place_in_the_list_is_its_beginning(as_user, store, olivia, asked):
    open_shop(store)
    client = as_user(olivia)
    sort = "&".join(part for part in asked.split("&") if part.startswith("sort="))
    page = client.get(f"/fern-finch/customers/?{asked}")
    assert page.status_code == 200
    assert [row.name for row in rows(store, sort, asked)] == [row.name for row in rows(store, sort)]


def rows(store, sort, asked=""):
    after = parse_qs(asked).get("after", [""])[0]
    whom = listing.crowd(store, parse({}))
    return listing.listed(whom, sort.removeprefix("sort=") or "last", after=after)[0]


@pytest.mark.parametrize("sort", sorted(listing.ORDERS))
def test_every_key_that_the_list_gives_leads_on(store, sort):
    open_shop(store)
    whom, key, seen = listing.crowd(store, parse({})), "", []
    while not seen or key:
        [row], key = listing.listed(whom, sort, after=key, size=1)
        seen.append(row.id)
    assert len(set(seen)) == len(seen) == 3


@pytest.mark.parametrize("before", ["9" * 5_000, "9" * 19, "%D9%A3", "%00", "-1", "x"])
@pytest.mark.parametrize("path", ["/fern-finch/activity/", "/fern-finch/import/", "/outbox/"])
def test_a_made_up_page_is_the_first(as_user, store, olivia, ada, path, before):
    OutboxMail.objects.create(to=ada.email, subject="Kept", text="x")
    page = as_user(ada if path == "/outbox/" else olivia).get(f"{path}?before={before}")
    assert page.status_code == 200
    assert path != "/outbox/" or b"Kept" in page.content
