"""The first minute in a real browser: nobody has to reload."""

from __future__ import annotations

import pytest

from retention.ingest.models import ImportRun, State
from tests.dashboard.shop import open_shop

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_figures_appear_by_themselves(enter, store, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/?range=all")
    page.get_by_role("heading", name="First, bring your orders").wait_for()
    page.get_by_role("link", name="Import a file").focus()
    run = ImportRun.objects.create(
        store=store, path="x", name="orders.csv", state=State.RUNNING, as_of=0, rows_read=120, staged=True
    )
    page.get_by_role("heading", name="Your file is being imported").wait_for()
    assert_usable(page, "dashboard-importing")
    open_shop(store)
    ImportRun.objects.filter(pk=run.pk).update(state=State.DONE)
    page.locator("#card-repeat-rate").wait_for()
    page.locator("#chip-range", has_text="All time").wait_for()
    assert page.locator("#results").count() == 1
    page.locator("#chip-range").click()
    page.get_by_role("link", name="Last 90 days").click()
    page.wait_for_url("**range=90**")
    assert page.locator("#results").count() == 1
