"""Any segment goes out in the words of any mailing tool, and comes in again as it was."""

from __future__ import annotations

import csv

import pytest

from retention.customers.consent import Evidence, record_consent
from retention.customers.models import Customer, Status
from retention.ingest.lists.formats import FORMATS, recognise
from retention.segments.actions import create_list
from tests.customers.shop import at
from tests.world import a_customer

pytestmark = pytest.mark.django_db
HOME = "/fern-finch/customers/lists/"


@pytest.fixture
def people(store) -> dict[str, Customer]:
    found = {name: a_customer(store, f"{name}@example.com", first_name=name) for name in ("ann", "bob", "cy")}
    for name, status in (("ann", Status.SUBSCRIBED), ("bob", Status.UNSUBSCRIBED)):
        told = Evidence(
            channel="email", purpose="marketing", status=status, source="shop", method="form", at=at(1)
        )
        record_consent(found[name], told, by="test")
    return found


@pytest.fixture
def friends(store, people):
    return create_list(store, name="Friends", people=[people["ann"].pk, people["bob"].pk], by="test")


def emails(response) -> set[str]:
    header, *rows = csv.reader(b"".join(response.streaming_content).decode().splitlines())
    place = next(i for i, label in enumerate(header) if label.lower() in ("email", "email address"))
    return {row[place] for row in rows}


@pytest.mark.parametrize("form", FORMATS)
def test_a_segment_goes_out_in_the_words_of_each_tool(as_user, marco, friends, form):
    answer = as_user(marco).get(f"{HOME}{form}.csv?segment={friends.pk}&status=everybody")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    header, *rows = csv.reader(lines, delimiter=FORMATS[form].delimiter)
    assert recognise(header).name == form
    assert len(rows) == 2
    name = f"fern-finch-segment-{friends.pk}-{form}-everybody.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", {"ann@example.com"}),
        ("?status=unsubscribed", {"bob@example.com"}),
        ("?status=suppressed", set()),
        ("?status=never_subscribed", {"cy@example.com"}),
        ("?status=everybody", {"ann@example.com", "bob@example.com", "cy@example.com"}),
    ],
)
def test_only_those_who_stand_so_are_in_the_file(as_user, marco, people, status, expected):
    assert emails(as_user(marco).get(f"{HOME}klaviyo.csv{status}")) == expected


def test_the_page_counts_whom_the_files_hold(as_user, marco, friends):
    browser = as_user(marco)
    page = browser.get(f"{HOME}?segment={friends.pk}").content.decode()
    assert 'Subscribed <span class="num">1</span>' in page
    assert 'Never subscribed <span class="num">0</span>' in page
    assert 'Everybody <span class="num">2</span>' in page
    for form in FORMATS:
        assert f"{HOME}{form}.csv?segment={friends.pk}&amp;status=subscribed" in page
    counted = browser.get(f"{HOME}drip.csv?segment={friends.pk}", headers={"X-Progress": "1"})
    assert counted["X-Rows"] == "1"


def test_where_nobody_stands_so_there_is_nothing_to_download(as_user, marco, friends):
    page = as_user(marco).get(f"{HOME}?segment={friends.pk}&status=suppressed").content.decode()
    assert "Nobody stands like this" in page
    assert ".csv" not in page


@pytest.mark.parametrize("query", ["segment=999999", "segment=x", "status=angry"])
def test_a_segment_or_standing_that_is_not_there_never_means_everybody(as_user, marco, people, query):
    for path in (HOME, f"{HOME}drip.csv"):
        assert as_user(marco).get(f"{path}?{query}").status_code == 404


def test_the_segment_of_another_store_is_out_of_reach(as_user, marco, other_store, people):
    theirs = create_list(other_store, name="Theirs", people=[a_customer(other_store).pk], by="test")
    assert as_user(marco).get(f"{HOME}drip.csv?segment={theirs.pk}").status_code == 404


def test_a_tool_that_we_do_not_know_is_404(as_user, marco, people):
    assert as_user(marco).get(f"{HOME}nobody.csv").status_code == 404
