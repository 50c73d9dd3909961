"""A mailing list in a real browser: dropped, looked at, imported, its rejected rows taken home."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from retention.customers.consent import status_of
from retention.customers.models import Customer
from retention.customers.privacy import find_person
from retention.ingest import tasks
from retention.segments.actions import create_list
from tests.conftest import keep_picture
from tests.dashboard_customers.test_import import refuse
from tests.journeys.test_import import work
from tests.world import a_customer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LISTS = Path(__file__).parents[1] / "data" / "lists"


def test_from_a_dropped_list_to_the_customers(enter, store, marco, assert_usable):
    kim = a_customer(store, "kim@example.com")
    refuse(kim)
    page = enter(marco, "/fern-finch/customers/")
    keep_picture(page, "list-import-button")
    page.get_by_role("link", name="Import a list").click()
    assert_usable(page, "list-import-home-empty")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("input[type=file]").set_input_files(LISTS / "klaviyo.csv")  # sent at once, as a drop is
    page.get_by_role("heading", name="List of people from Klaviyo").wait_for()
    assert_usable(page, "list-import-checking")
    work(page)
    page.get_by_text("7 rows read = 5 usable + 2 rejected").wait_for()
    page.set_viewport_size({"width": 1280, "height": 900})
    assert_usable(page, "list-import-checked")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_text("Look at the file").click()
    keep_picture(page, "list-import-file")

    # A choice is checked at once.
    page.get_by_label("Marketing e-mails").select_option(label="Subscribed, where the file does not say")
    work(page)
    assert page.get_by_label("Marketing e-mails").input_value() == "subscribed"
    page.get_by_role("button", name="Import 5 rows").dblclick()
    work(page)
    page.get_by_text("Imported by Marco").wait_for()
    assert_usable(page, "list-import-done")
    with page.expect_download() as download:
        page.get_by_role("link", name="All 2 as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row[0] for row in rows] == ["line", "6", "7"]
    assert status_of(kim, "email") == "unsubscribed"
    assert status_of(find_person(store, ("email", "gone@example.com")), "email") == "unsubscribed"

    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="All lists").click()
    page.get_by_role("link", name="klaviyo.csv").wait_for()
    assert_usable(page, "list-import-home")
    assert Customer.objects.count() == 4


def test_a_file_that_is_no_list(enter, store, olivia, assert_usable, tmp_path):
    path = tmp_path / "umsatz.csv"
    path.write_text("Mail,Vorname\nx@example.com,X\n")
    page = enter(olivia, "/fern-finch/customers/import/")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("alert").get_by_text("Mail, Vorname").wait_for()
    assert_usable(page, "list-import-refused")
    tasks.sweep()


def test_a_segment_goes_out_to_a_mailing_tool(enter, store, marco, assert_usable):
    people = [a_customer(store, f"friend{n}@example.com") for n in range(3)]
    friends = create_list(store, name="Friends", people=[one.pk for one in people], by="test")
    page = enter(marco, f"/fern-finch/segments/{friends.pk}/")
    page.get_by_role("link", name="For a mailing tool").click()
    page.get_by_text("Nobody stands like this").wait_for()
    page.get_by_role("link", name="Never subscribed 3").click()
    assert_usable(page, "list-export")
    page.set_viewport_size({"width": 1280, "height": 900})
    with page.expect_download() as download:
        page.get_by_role("link", name="Download for Klaviyo").click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        assert {row["Email"] for row in csv.DictReader(file)} == {one.email for one in people}
    page.get_by_text("is saved: 3 rows").wait_for()
