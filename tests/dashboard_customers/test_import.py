"""A mailing list comes in, in a browser without JavaScript: what it is, what it would do, what it did."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.models import Customer, Proof
from retention.customers.privacy import erase_customer, find_person
from retention.ingest import tasks
from retention.ingest.lists import importing
from retention.ingest.lists.formats import FORMATS
from retention.ingest.models import ImportRun, State
from retention.ingest.running import advance
from retention.timeline.models import Event
from tests.customers.shop import at
from tests.world import a_customer

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/fern-finch/customers/import/"
LISTS = Path(__file__).parents[1] / "data" / "lists"
PLAIN = "Email,First Name,Tags\nann@example.com,Ann,vip\nbob@example.com,Bob,\nnobody,X,\n"


@pytest.fixture(autouse=True)
def _a_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hints are taken at once; to find none costs seconds each time. The sweep does the work all the same."""
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    current_app._after_fork()  # no connection from before
    yield
    current_app._after_fork()


@pytest.fixture
def browser(as_user, marco) -> Client:
    return as_user(marco)


def drop(browser: Client, body: bytes, name: str = "people.csv", **fields: str):
    return browser.post(f"{HOME}file/", {"file": SimpleUploadedFile(name, body), **fields})


def dropped(browser: Client, body: bytes, **fields: str) -> ImportRun:
    """Handed in and checked."""
    answer = drop(browser, body, **fields)
    assert answer.status_code == 302, answer.content.decode()
    tasks.sweep()
    return ImportRun.objects.latest("pk")


def press(browser: Client, run: ImportRun, button: str, **fields: str):
    answer = browser.post(f"{HOME}{run.pk}/{button}/", fields)
    tasks.sweep()
    run.refresh_from_db()
    return answer


def shown(browser: Client, run: ImportRun) -> str:
    return " ".join(html.unescape(browser.get(f"{HOME}{run.pk}/").content.decode()).split())


def number(page: str, label: str) -> str:
    return page.partition(f'<div class="label">{label}</div><div class="value">')[2].partition("<")[0]


def refuse(customer: Customer) -> None:
    one = Evidence(channel="email", status="unsubscribed", source="shop", method="unsubscribe_link", at=at(1))
    record_consent(customer, one)


def lines_of(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(text.splitlines()))


@pytest.mark.parametrize("name", [path.stem for path in sorted(LISTS.glob("*.csv"))])
def test_a_list_of_every_tool_is_recognized_and_does_what_was_foretold(browser, store, name):
    a_customer(store, "kim@example.com")
    run = dropped(browser, (LISTS / f"{name}.csv").read_bytes())
    tool = next(form for form in FORMATS.values() if name.startswith(form.name))
    page = shown(browser, run)
    assert f"List of people from {tool.title}" in page
    assert Customer.objects.count() == 1
    assert not Proof.objects.exists()
    labels = ("New people", "Known people", "Stay unsubscribed", "Rejected rows")
    foretold = [number(page, label) for label in labels]
    assert foretold[0] != "0"
    press(browser, run, "start")
    page = shown(browser, run)
    assert [number(page, label) for label in labels] == foretold
    assert Customer.objects.count() == 1 + int(foretold[0])


def test_who_unsubscribed_stays_so_and_is_counted(browser, store):
    ann = a_customer(store, "ann@example.com")
    a_customer(store, "bob@example.com")
    refuse(ann)
    run = dropped(browser, PLAIN.encode())
    assert number(shown(browser, run), "Stay unsubscribed") == "0"
    assert "2 without a word about it" in shown(browser, run)
    press(browser, run, "check", status="subscribed")
    page = shown(browser, run)
    assert number(page, "Stay unsubscribed") == "1"
    assert "2 subscribed" in page
    press(browser, run, "start", status="subscribed")
    assert number(shown(browser, run), "Stay unsubscribed") == "1"
    assert status_of(ann, "email") == "unsubscribed"
    assert status_of(find_person(store, ("email", "bob@example.com")), "email") == "subscribed"


def test_another_choice_than_the_one_that_was_checked_is_checked_first(browser, store):
    run = dropped(browser, PLAIN.encode())
    press(browser, run, "start", status="unsubscribed")
    assert run.state == State.CHECKED
    assert "2 unsubscribed" in shown(browser, run)
    assert not Customer.objects.exists()
    press(browser, run, "start", status="unsubscribed")
    assert run.state == State.DONE
    assert set(Customer.objects.values_list("consents__status", flat=True)) == {"unsubscribed"}


def test_two_clicks_import_once(browser, store):
    run = dropped(browser, PLAIN.encode())
    for _ in range(2):
        browser.post(f"{HOME}{run.pk}/start/", {"status": ""})
    tasks.sweep()
    press(browser, run, "start")
    assert Event.objects.filter(kind="import.started").count() == 1
    assert Customer.objects.count() == 2
    assert (run.facts_new, run.facts_same, run.accepted) == (2, 0, 2)


def test_the_rejected_rows_come_as_a_file_with_line_and_reason(browser, store):
    erase_customer(a_customer(store, "bob@example.com"), by="x")
    run = dropped(browser, (PLAIN + "=1+1,Eve,\n").encode())
    for state in ("checked", "done"):
        rows = lines_of(browser.get(f"{HOME}{run.pk}/rejected.csv"))
        assert (run.state, rows[0]) == (state, ["line", "reason"])
        assert {row[0] for row in rows[1:]} == {"3", "4", "5"}
        assert "erased" in next(row[1] for row in rows if row[0] == "3")
        assert "not an e-mail address" in next(row[1] for row in rows if row[0] == "4")
        press(browser, run, "start")
    assert not Customer.objects.filter(email="bob@example.com").exists()


def test_a_stopped_import_goes_on_and_counts_as_if_it_had_not_stopped(browser, store, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", 500)
    rows = "".join(f"p{n}@example.com,P,\n" if n % 7 else f"p{n},P,\n" for n in range(1_300))
    run = dropped(browser, ("Email,First Name,Tags\n" + rows).encode())
    foretold = (run.rows_read, run.accepted, run.rejected, run.facts_new)
    chunks = []

    def stop(now: ImportRun) -> None:
        chunks.append(now.chunk)
        if len(chunks) == 2:
            raise OperationalError("the database went away")

    browser.post(f"{HOME}{run.pk}/start/", {"status": ""})
    with pytest.raises(OperationalError):
        advance(run.pk, told=stop)
    run.refresh_from_db()
    assert (run.state, run.rows_read) == (State.RUNNING, 500)
    assert "Importing" in shown(browser, run)
    tasks.sweep()
    run.refresh_from_db()
    assert run.state == State.DONE
    assert (run.rows_read, run.accepted, run.rejected, run.facts_new) == foretold
    assert run.rows_read == 1_300 == run.accepted + run.same + run.rejected
    assert run.rejected_rows.count() == run.rejected
    assert Customer.objects.count() == run.facts_new


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "The file is empty"),
        (b"%PDF-1.7 report", "This is a PDF"),
        (b"PK\x03\x04broken", "damaged"),
        (b'{"people": []}', "not a table"),
        (b"one,two\n1,2\n", "not recognized by its columns (one, two)"),
        (b"First Name,Last Name,Email,Accepts Email Marketing,Phone\n", "file of Shopify customers"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_was_expected(browser, body, reason):
    answer = drop(browser, body)
    said = html.unescape(answer.content.decode()).partition('role="alert"')[2].partition("</p>")[0]
    assert answer.status_code == 422
    assert reason in said
    assert "expected was a list of people exported from Mailchimp, Constant Contact, Klaviyo" in said
    assert "Export the orders" not in said
    assert not ImportRun.objects.exists()
    kept = Path(settings.MEDIA_ROOT) / "imports"
    assert not [path for path in kept.rglob("*") if path.is_file()]


def test_no_file_at_all_is_said_kindly(browser):
    answer = browser.post(f"{HOME}file/")
    assert answer.status_code == 422
    assert "Choose a file" in answer.content.decode()


def test_the_tool_can_be_named_where_the_columns_do_not_tell(browser, store):
    body = b"email,Shoe size\nann@example.com,41\n"
    assert drop(browser, body).status_code == 422
    run = dropped(browser, body, tool="getresponse")
    assert "List of people from GetResponse" in shown(browser, run)
    assert drop(browser, b"one,two\n1,2\n", tool="drip").status_code == 422


def test_a_file_is_forgotten_when_it_is_removed_or_imported(browser):
    one, two = (dropped(browser, PLAIN.encode()) for _ in range(2))
    assert Path(one.path).stat().st_mode & 0o077 == 0
    browser.post(f"{HOME}{one.pk}/discard/")
    press(browser, two, "start")
    assert not Path(one.path).exists()
    assert not Path(two.path).exists()
    assert list(ImportRun.objects.all()) == [two]


def test_lists_and_files_of_orders_have_pages_of_their_own(browser):
    run = dropped(browser, PLAIN.encode())
    assert "people.csv" in browser.get(HOME).content.decode()
    assert "people.csv" not in browser.get("/fern-finch/import/").content.decode()
    assert browser.get(f"/fern-finch/import/{run.pk}/").status_code == 404
    orders = ImportRun.objects.create(
        store=run.store, path="/nowhere", name="o.csv", format="shopify-orders", as_of=0
    )
    assert browser.get(f"{HOME}{orders.pk}/").status_code == 404


@pytest.mark.parametrize(("who", "may"), [("olivia", True), ("marco", True), ("sam", False), ("ana", False)])
def test_the_button_is_there_for_those_who_may(request, as_user, store, who, may):
    page = as_user(request.getfixturevalue(who)).get("/fern-finch/customers/").content.decode()
    assert ("Import a list" in page) == may


def test_rows_are_not_called_people(browser):
    rows = "MC1@example.com,M,\nmc1@example.com,M,\nann@example.com,Ann,\n"
    run = dropped(browser, ("Email,First Name,Tags\n" + rows).encode(), status="subscribed")
    page = shown(browser, run)
    assert "3 rows read = 3 usable + 0 rejected. They tell of 2 people." in page
    assert "Rows about marketing e-mails: 3 " in page
    assert "Import 3 rows" in page
    assert number(page, "New people") == "2"


def test_a_list_without_a_usable_row_cannot_be_imported(browser):
    run = dropped(browser, b"Email,First Name,Tags\nnobody,Ann,\n")
    page = shown(browser, run)
    assert "There is nothing to import" in page
    assert 'id="import-now"' not in page


def test_a_text_that_was_cut_is_told_and_the_time_is_the_stores(browser, store):
    type(store).objects.update(time_zone="Pacific/Auckland")
    run = dropped(browser, f"Email,First Name,Tags\nann@example.com,{'Ann' * 80},\n".encode())
    assert "In 1 row a text was too long" in shown(browser, run)
    press(browser, run, "start")
    assert "In 1 row a text was too long" in shown(browser, run)
    ImportRun.objects.update(finished_at="2026-01-31T20:05:00Z")
    page = shown(browser, run)
    assert "Feb 1, 2026, 9:05" in page
    assert "UTC" not in page
