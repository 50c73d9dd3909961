"""The list: who is found, in which order, by which filter, page by page."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from retention.customers.merging import merge_customers
from retention.customers.models import Customer
from retention.customers.privacy import erase_customer
from retention.dashboard.customers import listing, search
from retention.dashboard.customers.wanted import parse
from retention.ingest.lists.cells import tag_list
from retention.segments.models import Membership, Segment
from retention.stores.models import Store
from tests.dashboard_customers.shop import count, known_as, open_shop, subscribe
from tests.world import NOON, a_customer, an_order

pytestmark = pytest.mark.django_db
LIST = "/fern-finch/customers/"


def found(store: Store, **given: str) -> list[str]:
    """First names of those whom the address asks for."""
    wanted = parse(given)
    rows = list(listing.every(listing.crowd(store, wanted, whole=True), wanted.sort))
    assert listing.count(listing.crowd(store, wanted, whole=True)) == len(rows)
    assert {row.id for row in rows} == set(listing.ids(listing.crowd(store, wanted, whole=True), 999))
    return [row.name.split(" ")[0] for row in rows]


@pytest.mark.parametrize(
    "typed",
    [
        *("mar", "MARA", "Mara Lind", "lindqvist", "lindqvist ma", "Lindqvist, Mara"),
        *("mara@ex", "Mara@Example.com", "table", "+46 70", "46701234567", "0701234567", "070 123 45 67"),
        *("#1010", "1010", "A-77"),
    ],
)
def test_somebody_is_found_by_the_beginning_of_what_is_known(store, typed):
    mara = open_shop(store)["mara"]
    known_as(mara, "A-77")
    assert "Mara" in found(store, q=typed)
    assert "Bo" not in found(store, q=typed)


@pytest.mark.parametrize("typed", ["indqvist", "%", "_ara", "\\", "mara%", "example.com", "9999", "'; drop"])
def test_nobody_is_found_by_anything_else(store, typed):
    open_shop(store)
    assert found(store, q=typed) == []


def test_letters_beyond_ascii_are_found_in_either_case(store):
    a_customer(store, first_name="Émile", last_name="Öst")
    for typed in ("émi", "Émi", "öst", "ÖST"):
        assert found(store, q=typed) == ["Émile"]


def test_another_store_has_its_own_people(store, other_store):
    open_shop(other_store)
    for typed in ("mara", "1010", "+4670", "mara@example.com"):
        assert found(store, q=typed) == []


def test_a_merged_record_is_found_by_its_old_address_as_the_person_it_is_now(store):
    people = open_shop(store)
    merge_customers(people["mara"], people["bo"], by="test")
    assert found(store, q="bo.berg@example.com") == ["Mara"]
    assert found(store, q="#2001") == ["Mara"]
    assert found(store) == ["Mara", "Cyd"]


def test_an_erased_person_stays_in_the_list_without_a_name(store, olivia, as_user):
    mara = open_shop(store)["mara"]
    erase_customer(mara, by="test")
    count(store)
    for typed in ("mara", "mara@example.com", "46701234567"):
        assert mara.pk not in search.find(store, typed).ids
    text = as_user(olivia).get(LIST).content.decode()
    assert f"Erased customer {mara.pk}" in text
    assert "Lindqvist" not in text


def test_latest_buyers_come_first_then_those_who_never_bought(store):
    open_shop(store)
    assert found(store) == ["Mara", "Bo", "Cyd"]
    assert found(store, sort="net") == ["Mara", "Bo", "Cyd"]
    assert found(store, sort="name") == ["Bo", "Cyd", "Mara"]
    assert found(store, sort="added") == ["Cyd", "Bo", "Mara"]


@pytest.mark.parametrize(
    ("given", "who"),
    [
        ({"purchases_from": "2"}, ["Mara"]),
        ({"purchases_from": "1", "purchases_to": "1"}, ["Bo"]),
        ({"purchases_to": "1"}, ["Bo", "Cyd"]),
        ({"purchases_to": "0"}, ["Cyd"]),
        ({"spend_from": "95"}, ["Mara"]),
        ({"spend_to": "95"}, ["Bo"]),
        ({"spend_from": "90", "spend_to": "90.00"}, ["Bo"]),
        ({"last": "in-30"}, ["Mara"]),
        ({"last": "over-365"}, ["Bo"]),
        ({"country": "SE"}, ["Mara", "Cyd"]),
        ({"tag": "wholesale"}, ["Mara"]),
        ({"tag": "whole"}, []),
        ({"consent": "email-subscribed"}, ["Mara"]),
        ({"consent": "email-never_subscribed"}, ["Bo", "Cyd"]),
        ({"consent": "sms-subscribed"}, []),
        ({"q": "mar", "country": "SE", "purchases_to": "0"}, ["Cyd"]),
        # What cannot be meant is passed over.
        ({"purchases_from": "many", "spend_from": "NaN", "last": "x", "consent": "y"}, ["Mara", "Bo", "Cyd"]),
    ],
)
def test_filters_and_all_of_them_together(store, given, who):
    open_shop(store)
    for sort in ("last", "net", "name", "added"):
        assert set(found(store, sort=sort, **given)) == set(who)
    assert found(store, **given) == who


def test_a_segment_is_a_filter_in_its_own_store_only(store, other_store):
    mara = open_shop(store)["mara"]
    for place in (store, other_store):
        segment = Segment.objects.create(store=place, name="VIP", kind="list")
        Membership.objects.create(segment=segment, customer_id=mara.pk, entered_at=NOON, cause="hand")
        assert found(store, segment=str(segment.pk)) == (["Mara"] if place == store else [])


@pytest.mark.parametrize("sort", ["last", "net", "name", "added"])
def test_pages_meet_without_gap_or_repetition(store, sort):
    for number in range(23):
        customer = a_customer(store, first_name="" if number % 5 == 0 else f"N{number % 3}")
        if number % 2:
            an_order(customer, items=1_000 * (number % 4))
    count(store)
    whom, seen, key = listing.crowd(store, parse({})), [], ""
    while True:
        rows, key = listing.listed(whom, sort, after=key, size=4)
        assert len(rows) <= 4
        seen += [row.id for row in rows]
        if not key:
            break
    assert len(seen) == len(set(seen)) == 23
    assert seen == [row.id for row in listing.every(whom, sort)]


@pytest.mark.parametrize(
    "after", ["", "x", "0:", "0:x:x", "9:1:1", "0:2026-01-01:²", "1:9999999999999999999999:1", "-1:1:1"]
)
def test_a_broken_place_to_go_on_from_is_the_beginning(store, olivia, as_user, after):
    open_shop(store)
    for sort in ("last", "net", "name", "added"):
        assert "Mara" in as_user(olivia).get(LIST, {"after": after, "sort": sort}).content.decode()


def test_a_search_while_typing_gets_the_list_alone_and_a_clean_address(store, olivia, as_user):
    open_shop(store)
    answer = as_user(olivia).get(
        LIST, {"q": "mara", "country": "", "last": ""},
        headers={"HX-Request": "true", "HX-Target": "results", "HX-Trigger": "find"},
    )  # fmt: skip
    text = answer.content.decode()
    assert text.lstrip().startswith('<div id="results"')
    assert answer["HX-Replace-Url"] == f"{LIST}?q=mara"
    assert "Mara Lindqvist" in text
    assert "Bo Berg" not in text


def test_many_hits_are_cut_and_the_page_says_so(store, olivia, as_user, monkeypatch):
    monkeypatch.setattr(search, "FEW", 3)
    monkeypatch.setattr(search.find, "__kwdefaults__", {"most": 3})
    for _ in range(5):
        a_customer(store, first_name="Kim")
    hits = search.find(store, "kim", most=3)
    assert hits.cut
    assert len(hits.ids) == 4
    assert not search.find(store, "kim", most=None).cut
    assert found(store, q="kim") == ["Kim"] * 5
    assert "Many people match" in as_user(olivia).get(LIST, {"q": "kim"}).content.decode()


def test_the_count_comes_afterwards(store, ana, as_user):
    open_shop(store)
    assert "3 customers" in as_user(ana).get(f"{LIST}count/").content.decode()
    assert "2 customers" in as_user(ana).get(f"{LIST}count/?country=SE").content.decode()


def test_columns_are_chosen_and_shown(store, olivia, as_user):
    open_shop(store)
    text = as_user(olivia).get(LIST, {"cols": ["phone", "average"]}).content.decode()
    assert "+46 70 123 45 67" in text
    assert "$33.33" in text
    assert "wholesale" not in text


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_file_has_everybody_of_the_list_and_the_chosen_columns(store, ana, as_user):
    open_shop(store)
    rows = rows_of(
        as_user(ana).get(f"{LIST}customers.csv", {"country": "SE", "cols": ["email", "net", "tags"]})
    )
    assert [row["name"] for row in rows] == ["Mara Lindqvist", "Cyd Maras"]
    assert list(rows[0]) == ["customer", "name", "email", "net_revenue", "tags"]
    assert (rows[0]["email"], rows[0]["net_revenue"], rows[0]["tags"]) == (
        "mara@example.com",
        "100.0",
        "wholesale",
    )


def test_the_file_says_how_many_rows_come_where_progress_is_shown(store, ana, as_user):
    open_shop(store)
    client = as_user(ana)
    for given, rows in (({"country": "SE"}, 2), ({"q": "mara"}, 2), ({"tag": "nobody"}, 0)):
        answer = client.get(f"{LIST}customers.csv", given, headers={"X-Progress": "1"})
        assert (answer["X-Rows"], len(rows_of(answer))) == (str(rows), rows)
    # A plain download does not wait for the count.
    assert "X-Rows" not in client.get(f"{LIST}customers.csv")


def test_no_cell_of_the_file_starts_a_formula(store, olivia, as_user):
    a_customer(
        store, "=cmd@example.com", first_name="=1+1", last_name="x", company="@SUM(A1)", phone="+46 70",
        city="-2", country="\tUS", tags=["=HYPERLINK(1)"],
    )  # fmt: skip
    cols = ["email", "phone", "company", "place", "tags"]
    row = rows_of(as_user(olivia).get(f"{LIST}customers.csv", {"cols": cols}))[0]
    assert row["phone"] == "+46 70"
    for name in ("name", "email", "company", "city", "country", "tags"):
        assert row[name].startswith("'"), name


def test_the_file_is_written_in_batches(store, olivia, as_user, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(listing, "BATCH", 2)
    for number in range(5):
        a_customer(store, first_name=f"P{number}")
    assert len(rows_of(as_user(olivia).get(f"{LIST}customers.csv"))) == 5


def test_the_page_takes_the_same_number_of_queries_for_few_and_many(store, olivia, as_user):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = as_user(olivia)
    open_shop(store)
    client.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(LIST)
    for number in range(30):
        subscribe(a_customer(store, first_name=f"P{number}", tags=["a", "b"]))
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) <= len(few)
    assert Customer.objects.filter(store=store).count() == 33


def test_a_country_code_in_small_letters_is_no_other_country(as_user, ana, store):
    a_customer(store, first_name="Ann", country="de")
    a_customer(store, first_name="Bob", country="DE")
    a_customer(store, first_name="Cyd", country="Germany")
    client = as_user(ana)
    for asked, people in (("DE", 2), ("de", 2), ("Germany", 1)):
        assert f"{people} customer" in client.get(f"{LIST}count/", {"country": asked}).content.decode()
    assert listing.countries(store) == ["DE", "Germany"]


def test_tags_in_a_file_are_told_apart_when_they_hold_commas(as_user, ana, store):
    a_customer(store, first_name="Ann", tags=["early, bird", "VIP"])
    answer = as_user(ana).get(f"{LIST}customers.csv", {"cols": ["tags"]})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert tag_list(next(csv.DictReader(StringIO(text)))["tags"]) == ["early, bird", "VIP"]
