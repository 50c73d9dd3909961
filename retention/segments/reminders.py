"""A mail to whoever looks after a segment when its review date has come: once per date, in the morning."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from smtplib import SMTPRecipientsRefused

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.urls import reverse

from retention.lib import formats
from retention.segments import queries
from retention.segments.builder import sentence_of
from retention.segments.figures import REVIEW_DAYS
from retention.segments.models import Segment, SegmentQuerySet

log = structlog.get_logger(__name__)
# Hours of the store. What became due while nothing ran still comes by day, never in the night.
MORNING, EVENING = 9, 18
# The first store to reach a day is this far ahead of UTC.
AHEAD = timedelta(hours=14)

LETTER = """“{name}” of {store} is due for a review: is it still the group of people that you mean?

{then}: {size_then}
{today}: {size_now}
{stayed}

{sentence}

Look at it, and press Reviewed if it is right. The next mail then comes in half a year.
{link}

You get this because you look after this segment.
"""


def remind(now: datetime) -> int:
    """Mail the owners of all segments that are due; returns how many mails went. A mail that cannot be sent
    is tried again at the next call."""
    found = _waiting((now + AHEAD).date()).select_related("store", "owner").order_by("pk")
    return sum(_remind(segment, now) for segment in found if _is_time(segment, now))


def _waiting(latest: date) -> SegmentQuerySet:
    """Those of owners who are members of the store, and who did not hear of this date yet."""
    due = Segment.objects.active().filter(review_on__lte=latest, owner__is_active=True)
    return due.filter(owner__memberships__store=F("store")).exclude(reminded_for=F("review_on"))


def _is_time(segment: Segment, now: datetime) -> bool:
    local = now.astimezone(segment.store.tz)
    return segment.review_on <= local.date() and MORNING <= local.hour < EVENING


def _remind(segment: Segment, now: datetime) -> bool:
    """Claimed before it is sent, so that of two workers only one writes, and no transaction is open while a
    mail server takes its time."""
    this, before = segment.review_on, segment.reminded_for
    mine = Segment.objects.filter(pk=segment.pk, review_on=this).exclude(reminded_for=this)
    if not mine.update(reminded_for=this):
        return False
    try:
        _mail(segment, now)
    except SMTPRecipientsRefused as error:  # it would be refused again
        log.warning("reminder refused", segment=segment.pk, error=str(error))
        return False
    except OSError as error:  # every other way in which a mail server can fail
        log.warning("reminder waits", segment=segment.pk, error=str(error))
        Segment.objects.filter(pk=segment.pk, reminded_for=this).update(reminded_for=before)
        return False
    return True


def _mail(segment: Segment, now: datetime) -> None:
    assert segment.owner
    # A line break in a subject would be refused.
    subject = " ".join(f"Please review “{segment.name}” ({segment.store})".split())
    send_mail(subject, letter(segment, now), None, [segment.owner.email])


def letter(segment: Segment, now: datetime) -> str:
    """What changed since half a year ago, or since the segment was made."""
    store = segment.store
    age = (now - segment.created_at).days
    found = queries.drift(segment, now, days=max(0, min(age, REVIEW_DAYS)))
    sizes = [formats.counted(n, "person", "people", store.locale) for n in (found.size_then, found.size_now)]
    stayed = formats.number(found.stayed, store.locale)
    path = reverse("segments:segment", args=[store.slug, segment.pk])
    return LETTER.format(
        name=segment.name,
        store=store,
        then=formats.day(found.then, store.locale),
        today=formats.day(now.astimezone(store.tz).date(), store.locale),
        size_then=sizes[0],
        size_now=sizes[1],
        stayed=f"In it both times: {stayed}.",
        sentence=sentence_of(store, segment.rule) if segment.rule else "People who were put on this list.",
        link=f"{settings.BASE_URL}{path}",
    )
