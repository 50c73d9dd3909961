"""Places on lists that people took over by a merge, and give back when it is undone."""

from __future__ import annotations

from collections.abc import Collection

from django.db.backends.utils import CursorWrapper

from retention.customers.models import Customer
from retention.segments.models import Membership

MERGE = "merge"


def give_back(cursor: CursorWrapper, people: Collection[int]) -> None:
    """Places whose holder and whose record are two people by now. Cost: one read, of these people only."""
    cursor.execute(
        "SELECT m.id, r.person, h.person FROM (SELECT id, coalesce(merged_into_id, id) AS person"
        "  FROM customers_customer WHERE id = ANY(%(people)s) OR merged_into_id = ANY(%(people)s)) r"
        " JOIN segments_membership m ON m.customer_id = r.id AND m.taken_by IS NOT NULL"
        " JOIN (SELECT id, coalesce(merged_into_id, id) AS person FROM customers_customer) h"
        "  ON h.id = m.taken_by AND h.person <> r.person"
        # A record's own place before those that it holds for others.
        " ORDER BY m.customer_id <> r.person, m.entered_at DESC",
        {"people": sorted(people)},
    )
    for place, person, holder in cursor.fetchall():
        _give(Membership.objects.get(pk=place), person, holder)


def _give(place: Membership, person: int, holder: int) -> None:
    mine = place.customer_id == person
    there = Membership.objects.filter(segment=place.segment_id, left_at=None)
    held = there.filter(customer_id=holder).first()
    place.taken_by = None if mine else person
    # Who was taken off the list meanwhile stays off it.
    if held and not there.filter(customer_id=person).exists():
        if mine:
            place.left_at = None
        else:
            Membership.objects.create(
                segment_id=place.segment_id, customer_id=person, entered_at=place.entered_at, cause=MERGE
            )
    place.save(update_fields=["taken_by", "left_at"])
    if held and held.cause == MERGE and not _holds_others(held):
        held.delete()


def _holds_others(held: Membership) -> bool:
    """Whether a record that is still part of the person brought a place of its own along."""
    records = Customer.objects.filter(merged_into=held.customer_id).values("pk")
    brought = Membership.objects.filter(segment=held.segment_id, customer_id__in=records)
    return brought.filter(taken_by__isnull=False).exclude(cause=MERGE).exists()
