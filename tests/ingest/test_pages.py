"""From a dropped file to facts, in a browser without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from retention.ingest import actions, tasks
from retention.ingest.models import ImportRun, MappingPreset, State
from retention.orders.models import Order
from retention.stores.models import Store
from retention.timeline.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/fern-finch/import/"
ORDERS = "order,date,customer,amount\n1,2020-01-31,a,5.00\n2,2020-02-01,b,7.50\n3,soon,b,=1+1\n"


@pytest.fixture
def browser(as_user, olivia) -> Client:
    return as_user(olivia)


def drop(browser: Client, text: str | bytes = ORDERS, name: str = "orders.csv"):
    body = text if isinstance(text, bytes) else text.encode()
    return browser.post(f"{HOME}upload/", {"file": SimpleUploadedFile(name, body)})


def dropped(browser: Client, text: str | bytes = ORDERS, name: str = "orders.csv") -> ImportRun:
    answer = drop(browser, text, name)
    assert answer.status_code == 302, answer.content.decode()
    return ImportRun.objects.latest("pk")


def press(browser: Client, run: ImportRun, button: str, **fields: str):
    return browser.post(f"{HOME}{run.pk}/{button}/", fields)


def mapped(run: ImportRun, **changes: str) -> dict[str, str]:
    fields = {f"field_{name}": column for name, column in run.mapping.items()}
    return {**fields, "date_order": "month", "decimals": "point", "check": "1", **changes}


def test_a_file_goes_all_the_way(browser):
    run = dropped(browser)
    page = browser.get(f"{HOME}{run.pk}/").content.decode()
    assert "1 of the first 3 rows" in page
    press(browser, run, "mapping", **mapped(run))
    tasks.sweep()
    page = browser.get(f"{HOME}{run.pk}/").content.decode()
    assert "Import 2 rows" in page
    assert not Order.objects.exists()
    press(browser, run, "start")
    tasks.sweep()
    run.refresh_from_db()
    assert (run.state, run.facts_new, run.accepted, run.rejected) == (State.DONE, 2, 2, 1)
    assert Order.objects.count() == 2


def test_the_rejected_rows_come_as_a_file_that_no_spreadsheet_runs(browser):
    run = dropped(browser)
    press(browser, run, "start")
    tasks.sweep()
    answer = browser.get(f"{HOME}{run.pk}/rejected.csv")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[1].startswith("4,")
    assert "not a date" in lines[1]
    assert "'=1+1" in lines[1]


def test_two_clicks_start_once(browser):
    run = dropped(browser)
    press(browser, run, "start")
    press(browser, run, "start")
    tasks.sweep()
    press(browser, run, "start")
    assert Event.objects.filter(kind="import.started").count() == 1
    assert Order.objects.count() == 2


def test_an_upload_is_kept_where_no_address_leads_and_deleted_when_it_is_imported(browser):
    run = dropped(browser)
    path = Path(run.path)
    assert path.is_relative_to(Path(settings.MEDIA_ROOT) / "imports")
    assert path.stat().st_mode & 0o077 == 0
    assert browser.get(f"/uploads/imports/{run.store_id}/{path.name}").status_code == 404
    press(browser, run, "start")
    tasks.sweep()
    assert not path.exists()


def test_a_removed_file_is_gone(browser):
    run = dropped(browser)
    press(browser, run, "discard")
    assert not Path(run.path).exists()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("state", State.values)
def test_a_file_that_nobody_imported_is_forgotten_after_a_week(browser, state):
    run = dropped(browser)
    press(browser, run, "mapping", **mapped(run))
    tasks.sweep()
    old = timezone.now() - actions.KEPT - timedelta(hours=1)
    ImportRun.objects.update(
        created_at=old, state=state, **({"started_at": None} if state == "draft" else {})
    )
    actions.discard_old_drafts()
    kept = state in (State.CHECKING, State.RUNNING, State.DONE)
    assert Path(run.path).exists() == kept


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 report", "PDF"),
        (b"\x1f\x8b\x08\x00broken", "damaged"),
        (b"PK\x03\x04broken", "damaged"),
        (b'{"orders": []}', "JSON"),
        (b"\x00\x01\x02\x03" * 50, "not"),
        (b"title,body,rating,review_date\n", "reviews"),
        (b"one\n1\n", "not recognised"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason_and_not_kept(browser, body, reason):
    answer = drop(browser, body)
    assert answer.status_code == 422
    assert reason in answer.content.decode()
    kept = Path(settings.MEDIA_ROOT) / "imports"
    assert not [path for path in kept.rglob("*") if path.is_file()]
    assert not ImportRun.objects.exists()


def test_no_file_at_all_is_said_kindly(browser):
    answer = browser.post(f"{HOME}upload/")
    assert answer.status_code == 422
    assert "Choose a file" in answer.content.decode()


def test_a_file_that_is_too_large_is_refused(browser, settings):
    settings.IMPORT_LARGEST = 50
    answer = drop(browser)
    assert answer.status_code == 422
    assert "larger than" in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".csv", "🌿 orders <b>&amp;.csv", "../../etc/passwd", "=cmd.csv"]
)
def test_odd_names_do_no_harm(browser, name):
    run = dropped(browser, name=name)
    page = browser.get(f"{HOME}{run.pk}/")
    assert page.status_code == 200
    assert b"<b>" not in page.content
    assert browser.get(HOME).status_code == 200


def test_a_mapping_is_remembered_for_the_next_file_with_these_columns(browser):
    text = 'Nr,Tag,Wer,Betrag\n1,31.01.2020,a,"5,00"\n'
    run = dropped(browser, text.replace("Tag", "date").replace("Betrag", "amount"))
    fields = mapped(run, field_order="Nr", field_customer="Wer", decimals="comma", date_order="day")
    press(browser, run, "mapping", **fields, remember="on")
    assert MappingPreset.objects.count() == 1
    again = dropped(browser, text.replace("Tag", "date").replace("Betrag", "amount"), name="next.csv")
    assert again.mapping["customer"] == "Wer"
    assert again.options["decimal_comma"]


def test_any_table_reaches_the_mapping_and_goes_on_from_there(browser):
    run = dropped(browser, "Nr;wann;wer;was\n1;31.01.2020;a;5,50\n2;01.02.2020;b;7\n")
    page = browser.get(f"{HOME}{run.pk}/").content.decode()
    assert "Which column is what" in page
    assert "No column holds money" in page
    press(browser, run, "check")
    tasks.sweep()
    run.refresh_from_db()
    assert (run.state, run.error.partition(":")[0]) == (State.FAILED, "No column holds money")
    ImportRun.objects.update(state=State.DRAFT)
    assert run.options["decimal_comma"]
    assert run.options["day_first"]
    fields = mapped(run, field_amount="was", field_customer="wer", decimals="comma", date_order="day")
    press(browser, run, "mapping", **fields)
    tasks.sweep()
    press(browser, run, "start")
    tasks.sweep()
    assert sorted(Order.objects.values_list("items", flat=True)) == [550, 700]


def test_nothing_to_import_is_no_button(browser):
    run = dropped(browser, "order,date,customer,amount\n1,soon,a,5.00\n")
    press(browser, run, "mapping", **mapped(run))
    tasks.sweep()
    page = browser.get(f"{HOME}{run.pk}/").content.decode()
    assert "Import 0 rows" not in page
    assert "There is nothing to import" in page


def test_times_are_those_of_the_store(browser):
    Store.objects.update(time_zone="Pacific/Auckland")
    run = dropped(browser)
    press(browser, run, "start")
    tasks.sweep()
    ImportRun.objects.update(finished_at="2026-01-31T20:05:00Z", created_at="2026-01-31T20:04:00Z")
    page = browser.get(f"{HOME}{run.pk}/").content.decode()
    assert "Feb 1, 2026, 9:05" in page.replace("\u202f", " ")
    assert "UTC" not in page
    home = browser.get(HOME).content.decode()
    assert "Feb 1, 2026, 9:04" in home.replace("\u202f", " ")
    assert "UTC" not in home


def test_a_mapping_that_cannot_be_is_said_and_changes_nothing(browser):
    run = dropped(browser)
    answer = press(browser, run, "mapping", **mapped(run, field_date=""))
    assert answer.status_code == 422
    assert "No column is mapped to date" in answer.content.decode()
    run.refresh_from_db()
    assert run.mapping["date"] == "date"
    assert run.state == State.DRAFT


def test_progress_is_a_part_of_the_page_that_asks_again_until_it_is_over(browser):
    run = dropped(browser)
    press(browser, run, "check")
    asking = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "results"}
    part = browser.get(f"{HOME}{run.pk}/", **asking).content.decode()
    assert "<html" not in part
    assert 'role="progressbar"' in part
    assert "every 1s" in part
    tasks.sweep()
    assert "every 1s" not in browser.get(f"{HOME}{run.pk}/", **asking).content.decode()


@pytest.mark.parametrize("who", ["sam", "ana"])
def test_support_and_analysts_look_but_do_not_import(request, who, as_user, browser):
    run = dropped(browser)
    other = as_user(request.getfixturevalue(who))
    assert other.get(HOME).status_code == 200
    assert b'type="file"' not in other.get(HOME).content
    assert b"<button" not in other.get(f"{HOME}{run.pk}/").content.partition(b"<main")[2]
    assert drop(other).status_code == 403
    for button in ("mapping", "check", "start", "discard"):
        assert press(other, run, button).status_code == 403
    run.refresh_from_db()
    assert run.state == State.DRAFT


def test_the_runs_of_another_store_are_not_there(browser, as_user, stranger):
    run = dropped(browser)
    assert as_user(stranger).get(f"{HOME}{run.pk}/").status_code == 404
    assert as_user(stranger).get(f"/other-shop/import/{run.pk}/").status_code == 404
    assert as_user(stranger).get(f"/other-shop/import/{run.pk}/rejected.csv").status_code == 404
