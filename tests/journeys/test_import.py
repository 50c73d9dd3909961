"""A merchant's first file, in a real browser: dropped, looked at, checked, imported, read in the figures."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from retention.ingest import tasks
from retention.ingest.models import ImportRun, State
from retention.timeline.follow import FOLLOWERS, catch_up

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
SAMPLE = Path(__file__).parents[1] / "data" / "CDNOW_sample.txt"
HOME = "/fern-finch/import/"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """300 purchases of the CDNOW sample as a shop would export them, and two rows that make no sense."""
    path = tmp_path / "cdnow 🌿.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["customer", "date", "cds", "amount"])
        for line in SAMPLE.read_text().splitlines()[:300]:
            _, customer, day, cds, dollars = line.split()
            writer.writerow([customer, day, cds, dollars])
        writer.writerow(["7", "2051-01-01", "1", "9.99"])
        writer.writerow(["7", "19970301", "1", "=HYPERLINK()"])
    return path


def work(page) -> None:
    """What the worker does while the page asks how far it is."""
    page.get_by_role("progressbar").wait_for()
    tasks.sweep()
    page.get_by_role("progressbar").wait_for(state="detached")


def test_from_a_dropped_file_to_the_figures(enter, olivia, file, assert_usable, tmp_path):
    page = enter(olivia, HOME)
    assert_usable(page, "import-home-empty")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("input[type=file]").set_input_files(file)  # sent at once, as a drop is
    page.get_by_role("heading", name="Which column is what").wait_for()
    assert page.get_by_label("Amount of the row").input_value() == "amount"
    assert page.get_by_role("region", name="First rows of the file").locator("tbody tr").count() == 20
    assert_usable(page, "import-draft")

    # Typed, and the button clicked from within the field: that one click is enough.
    page.get_by_label("Credit notes start with").fill("C")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("progressbar").wait_for()
    assert_usable(page, "import-checking")
    work(page)
    page.get_by_text("302 rows read = 300 accepted + 0 already known + 2 rejected").wait_for()
    assert_usable(page, "import-checked")

    page.get_by_role("button", name="Import 300 rows").click()
    work(page)
    page.get_by_text("Imported by Olivia").wait_for()
    assert_usable(page, "import-done")
    with page.expect_download() as download:
        page.get_by_role("link", name="All 2 as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row[0] for row in rows] == ["line", "302", "303"]
    assert "future" in rows[1][1]
    assert rows[2][-1] == "'=HYPERLINK()"

    for name in FOLLOWERS:
        catch_up(name)
    page.get_by_role("link", name="See the figures").click()
    buyers = {line.split()[1] for line in SAMPLE.read_text().splitlines()[:300]}
    page.locator(f"main :text('{len(buyers)}'):visible").first.wait_for()

    page.goto(page.url.split("/fern-finch/")[0] + HOME)
    page.get_by_role("link", name=file.name).wait_for()
    assert_usable(page, "import-home")
    assert ImportRun.objects.get().state == State.DONE


def test_two_quick_clicks_import_once(enter, olivia, file):
    page = enter(olivia, HOME)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    work(page)
    page.get_by_role("button", name="Import 300 rows").dblclick()
    work(page)
    page.get_by_text("Imported by Olivia").wait_for()
    run = ImportRun.objects.get()
    assert (run.facts_new, run.facts_same) == (300, 0)
