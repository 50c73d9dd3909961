"""Long CSV files in a real browser: how far they are, canceled, saved, and a plain download without JavaScript."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from retention.customers.models import Customer
from retention.segments import actions
from retention.stores.models import Store
from tests.conftest import keep_picture
from tests.journeys.test_dashboard import until

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LIST = "/fern-finch/customers/"
MANY = 8_000


@pytest.fixture
def crowd(store: Store) -> Store:
    """Names with all that a CSV file can get wrong: commas, quotation marks, lines, formulas."""
    Customer.objects.bulk_create(
        Customer(
            store=store, email=f"p{number}@example.com", first_name='=1+1 "Ann",\nthe elder', last_name=str(number)
        )
        for number in range(MANY)
    )  # fmt: skip
    return store


def slow(page, bytes_a_second: int) -> None:
    """A thin line, or a free one again (-1)."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": bytes_a_second, "uploadThroughput": -1},
    )


def a_million(route) -> None:
    """The same file, announced as a longer one."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "x-rows": "1000000"})


def rows_in(path: Path | str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_export_says_how_far_it_is_and_is_canceled(enter, crowd, ana, assert_usable):
    page = enter(ana, LIST)
    page.locator("#count").get_by_text("8,000 customers").wait_for()
    slow(page, 40_000)
    downloads: list[object] = []
    page.on("download", lambda one: downloads.append(one))
    link = page.get_by_role("link", name="CSV")
    link.click()
    box = page.get_by_role("region", name="Export: Customers")
    until(page, "/^[1-9][\\d,]* of 8,000 rows/.test(document.querySelector('.export .told')?.textContent)")
    until(page, "document.querySelector('.export progress').value > 0")
    assert page.locator(".export progress").get_attribute("max") == str(MANY)
    assert link.get_attribute("aria-disabled") == "true"
    link.click(force=True)
    assert box.count() == 1
    assert_usable(page, "customers-export")
    page.set_viewport_size({"width": 1280, "height": 900})
    box.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Export canceled. No file was saved.").wait_for()
    assert box.count() == 0
    assert page.evaluate("document.activeElement.textContent.trim()") == "CSV"
    assert downloads == []


def test_an_export_is_saved_under_its_name_with_every_row(enter, crowd, marco):
    page = enter(marco, f"{LIST}?sort=name")
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    page.get_by_text("fern-finch-customers.csv is saved: 8,000 rows.").wait_for()
    assert got.value.suggested_filename == "fern-finch-customers.csv"
    rows = rows_in(got.value.path())
    assert len(rows) == MANY
    assert {row["name"].rpartition(" ")[0] for row in rows} == {'\'=1+1 "Ann",\nthe elder'}
    keep_picture(page, "customers-export-saved")


def test_a_very_long_file_goes_straight_to_the_disk(enter, crowd, olivia):
    """A folder of the browser's own stands for the person's choice of a place."""
    page = enter(olivia, LIST)
    page.evaluate(
        "() => { window.showSaveFilePicker = async ({ suggestedName }) =>"
        " (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true }); }"
    )

    page.route("**/customers.csv", a_million)
    page.get_by_role("link", name="CSV").click()
    page.get_by_text("fern-finch-customers.csv is saved: 8,000 rows.").wait_for()
    written = page.evaluate(
        "async () => { const folder = await navigator.storage.getDirectory();"
        " const file = await (await folder.getFileHandle('fern-finch-customers.csv')).getFile();"
        " return (await file.text()).length; }"
    )
    assert written > MANY * 40


def test_no_place_chosen_is_no_export(enter, crowd, olivia):
    page = enter(olivia, LIST)
    page.evaluate(
        "() => { window.showSaveFilePicker = async () => { throw new DOMException('closed', 'AbortError'); }; }"
    )

    page.route("**/customers.csv", a_million)
    page.get_by_role("link", name="CSV").click()
    page.get_by_text("Export canceled. No file was saved.").wait_for()


def test_a_line_that_breaks_leaves_no_file(enter, crowd, olivia):
    page = enter(olivia, LIST)
    page.route("**/customers.csv", lambda route: route.abort("connectionreset"))
    page.get_by_role("link", name="CSV").click()
    page.get_by_text("The export broke off, and no file was saved.").wait_for()


def test_somebody_signed_out_meanwhile_signs_in(enter, crowd, olivia):
    page = enter(olivia, LIST)
    page.context.clear_cookies()
    page.get_by_role("link", name="CSV").click()
    page.wait_for_url("**/accounts/login/?next=/fern-finch/customers/")


def test_the_people_of_a_segment_are_exported_alike(enter, crowd, marco):
    everybody = Customer.objects.filter(store=crowd).values_list("pk", flat=True)
    made = actions.create_list(crowd, name="Everybody", people=everybody, by="system")
    page = enter(marco, f"/fern-finch/segments/{made.pk}/")
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    page.get_by_text("is saved: 8,000 rows.").wait_for()
    assert got.value.suggested_filename == f"fern-finch-segment-{made.pk}.csv"
    assert len(rows_in(got.value.path())) == MANY


def test_without_javascript_it_is_a_plain_download(browser, enter, live_server, crowd, ana):
    signed_in = enter(ana, LIST).context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=signed_in).new_page()
    page.goto(f"{live_server.url}{LIST}")
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    assert got.value.suggested_filename == "fern-finch-customers.csv"
    assert len(rows_in(got.value.path())) == MANY
    page.context.close()
