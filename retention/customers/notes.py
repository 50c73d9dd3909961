"""Notes about people: written, changed and taken away by their authors, and told in the timeline."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from retention.customers.facts import names_people
from retention.customers.models import Customer, Note
from retention.customers.naming import naming, without
from retention.customers.vocabulary import NoteAdded, NoteChanged, NoteDeleted, NoteKind, NoteRestored
from retention.stores.models import User
from retention.timeline.actions import record

LONGEST = 4_000
# How long a deletion can be undone; afterwards the words are gone.
KEPT = timedelta(days=1)


@transaction.atomic
def add_note(customer: Customer, text: str, *, by: User) -> Note:
    note = Note.objects.create(store=customer.store, customer=customer, author=by, text=text)
    _told(note, NoteAdded(note=note.pk), by)
    return note


@transaction.atomic
def change_note(note: Note, text: str, *, by: User) -> None:
    """Nothing happens when the words stay as they are."""
    kept = Note.objects.select_for_update().get(pk=note.pk)
    if kept.text != text:
        kept.text, kept.edited_at = text, timezone.now()
        kept.save(update_fields=["text", "edited_at"])
        _told(kept, NoteChanged(note=kept.pk), by)


@transaction.atomic
def delete_note(note: Note, *, by: User) -> None:
    """Can be undone for a day; those deleted before are forgotten on the way."""
    now = timezone.now()
    Note.objects.filter(store=note.store, deleted_at__lt=now - KEPT).delete()
    if Note.objects.filter(pk=note.pk, deleted_at=None).update(deleted_at=now):
        _told(note, NoteDeleted(note=note.pk), by)


@transaction.atomic
def restore_note(note: Note, *, by: User) -> None:
    if Note.objects.filter(pk=note.pk, deleted_at__isnull=False).update(deleted_at=None):
        _told(note, NoteRestored(note=note.pk), by)


def _told(note: Note, what: NoteKind, by: User) -> None:
    record(
        note.store, what, customer_id=note.customer_id, subject=f"customer:{note.customer_id}",
        by=f"user:{by.pk}",
    )  # fmt: skip


def _erase(store_id: int, words: list[str]) -> None:
    """A note about somebody else may name an erased person."""
    for note in Note.objects.filter(naming("text", words), store=store_id):
        note.text = without(note.text, words)
        note.save(update_fields=["text"])


names_people("notes", _erase)
