"""A list is written in few statements, whatever its size, and goes on where it was stopped."""

from __future__ import annotations

import csv

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retention.customers.consent import status_of, unsubscribe
from retention.customers.merging import merge_customers
from retention.customers.models import Customer
from retention.customers.privacy import find_person
from retention.ingest.lists import importing
from retention.ingest.lists.importing import import_people
from retention.ingest.lists.results import ListResult
from retention.timeline.models import Event
from tests.ingest_lists.test_lists import picture
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db
HEADER = ["Email Address", "First Name", "OPTIN_TIME", "CONFIRM_TIME", "LAST_CHANGED", "EUID", "Shoe", "TAGS"]


def address(number):
    return f"p{number}@example.com"


def a_list(folder, rows):
    path = folder / f"{rows}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n in range(rows):
            told = f"2024-01-01 10:{n % 60:02}:00"
            writer.writerow([address(n), f"Name{n}", told, told, told, f"e{n}", "41", '"VIP","New"'])
    return path


def known_people(store, rows):
    """Of eight people six are known: two of them are one, two refused, one has tags, and one said nothing."""
    for start in range(0, rows, 8):
        people = [a_customer(store, address(n)) for n in range(start, start + 6)]
        merge_customers(people[0], people[1], by="x")
        for one in people[2:4]:
            unsubscribe(one, "email", source="form", method="form")
        Customer.objects.filter(pk=people[4].pk).update(tags=["wholesale"])


def statements(store, path):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        result = import_people(store, path)
    return len(asked), result


def test_a_chunk_of_many_rows_takes_no_more_statements_than_one_of_few(store, tmp_path):
    second = a_store()
    known_people(store, 16)
    known_people(second, 240)
    few, small = statements(store, a_list(tmp_path, 16))
    many, large = statements(second, a_list(tmp_path, 240))
    assert (small.people_kept_out, large.people_kept_out) == (4, 60)
    assert (small.people_new, large.people_new) == (4, 60)
    assert many == few < 30


def test_the_size_of_the_chunks_makes_no_difference_to_people(store, tmp_path, monkeypatch):
    second, path = a_store(), a_list(tmp_path, 48)
    known_people(store, 48)
    known_people(second, 48)
    import_people(store, path)
    monkeypatch.setattr(importing, "CHUNK", 7)
    import_people(second, path)
    strip = [
        {**one, "consent": [c[:4] for c in one["consent"]], "proofs": len(one["proofs"])}
        for one in picture(store)
    ]
    other = [
        {**one, "consent": [c[:4] for c in one["consent"]], "proofs": len(one["proofs"])}
        for one in picture(second)
    ]
    assert strip == other
    kinds = [
        Event.objects.filter(store=one).values_list("kind", flat=True).order_by("kind")
        for one in (store, second)
    ]
    assert list(kinds[0]) == list(kinds[1])


def test_an_import_that_was_stopped_goes_on_and_repeats_nothing(store, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", 10)
    path, heard = a_list(tmp_path, 35), []

    def stop(result):
        if result.line > 21:
            raise KeyboardInterrupt
        heard.append((result.line, result.read, result.accepted, result.people_new))

    with pytest.raises(KeyboardInterrupt):
        import_people(store, path, told=stop)
    assert Customer.objects.filter(store=store).count() == 20
    line, read, accepted, new = heard[-1]
    so_far = ListResult("mailchimp", read=read, accepted=accepted, people_new=new, line=line)
    result = import_people(store, path, result=so_far)
    assert (result.read, result.accepted, result.same, result.people_new) == (35, 35, 0, 35)
    assert Event.objects.filter(store=store, kind="customer.added").count() == 35
    assert Event.objects.filter(store=store, kind="consent.subscribed").count() == 35


def test_who_refused_stays_out_in_a_large_chunk_too(store, tmp_path):
    known_people(store, 80)
    import_people(store, a_list(tmp_path, 80))
    refused = [
        n for n in range(80) if status_of(find_person(store, ("email", address(n))), "email") != "subscribed"
    ]
    assert refused == [n for n in range(80) if n % 8 in (2, 3)]
