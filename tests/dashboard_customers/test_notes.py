"""Notes: written by those who work with customers, changed by their authors alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from retention.customers.export import everything
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Note
from retention.customers.notes import add_note, delete_note
from retention.customers.privacy import erase_customer
from retention.timeline.models import Event
from tests.dashboard_customers.shop import open_shop

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def mara(store):
    return open_shop(store)["mara"]


def kinds(customer) -> list[str]:
    events = Event.objects.filter(customer_id=customer.pk, kind__startswith="note.").order_by("id")
    return [event.kind.removeprefix("note.") for event in events]


def test_a_note_is_written_changed_removed_and_brought_back(mara, sam, as_user):
    client = as_user(sam)
    answer = client.post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": "Prefers blue"}, headers=HX)
    assert "Prefers blue" in answer.content.decode()
    note = Note.objects.get()
    url = f"/fern-finch/customers/notes/{note.pk}/"
    assert "Prefers blue" in client.get(url).content.decode()
    client.post(url, {"text": "Prefers green"}, headers=HX)
    gone = client.post(f"{url}remove/", headers=HX)
    assert "Prefers green" not in gone.content.decode()
    back = client.post(json.loads(gone["HX-Trigger"])["toast"]["undo"], headers=HX)
    assert "Prefers green" in back.content.decode()
    assert kinds(mara) == ["added", "changed", "deleted", "restored"]
    assert all("blue" not in str(event.data) for event in Event.objects.all())


@pytest.mark.parametrize("text", ["", "   ", "x" * 4_001])
def test_a_note_without_words_or_with_too_many_is_refused(mara, sam, as_user, text):
    assert as_user(sam).post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": text}).status_code == 422
    assert not Note.objects.exists()


@pytest.mark.parametrize("verb", ["", "remove/", "restore/"])
def test_nobody_else_changes_it_not_even_the_owner(mara, sam, olivia, ada, as_user, verb):
    note = add_note(mara, "Prefers blue", by=sam)
    for other in (olivia, ada):
        assert (
            as_user(other).post(f"/fern-finch/customers/notes/{note.pk}/{verb}", {"text": "x"}).status_code
            == 403
        )
    note.refresh_from_db()
    assert (note.text, note.deleted_at) == ("Prefers blue", None)


def test_the_same_words_again_are_no_change(mara, sam, as_user):
    note = add_note(mara, "Prefers blue", by=sam)
    as_user(sam).post(f"/fern-finch/customers/notes/{note.pk}/", {"text": "Prefers blue"})
    assert kinds(mara) == ["added"]


def test_removed_words_are_gone_after_a_day(mara, sam):
    note = add_note(mara, "Old", by=sam)
    delete_note(note, by=sam)
    Note.objects.update(deleted_at=timezone.now() - timedelta(days=2))
    delete_note(add_note(mara, "New", by=sam), by=sam)
    assert [kept.text for kept in Note.objects.all()] == ["New"]


def test_notes_follow_a_merge_and_come_back(store, mara, sam):
    bo = mara.store.customers.get(first_name="Bo")
    note = add_note(bo, "Calls on Fridays", by=sam)
    merge = merge_customers(mara, bo, by="test")
    note.refresh_from_db()
    assert note.customer == mara
    unmerge(merge, by="test")
    note.refresh_from_db()
    assert note.customer == bo


def test_erasing_reaches_a_note_about_somebody_else(store, mara, sam):
    bo = store.customers.get(first_name="Bo")
    note = add_note(bo, "Husband of Mara LINDQVIST, mara@example.com", by=sam)
    erase_customer(mara, by="test")
    note.refresh_from_db()
    assert note.text == "Husband of (erased), (erased)"


def test_a_note_is_part_of_what_a_person_may_ask_for(mara, sam):
    add_note(mara, "Prefers blue", by=sam)
    assert [row["text"] for row in everything(mara)["notes"]] == ["Prefers blue"]
