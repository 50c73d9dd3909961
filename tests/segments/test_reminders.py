"""A mail to whoever looks after a segment, when its review date has come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from retention.segments import actions, ready, tasks
from retention.segments.models import Membership, Segment
from retention.segments.reminders import remind
from retention.stores.models import OutboxMail
from retention.stores.people import remove
from tests.world import a_customer

pytestmark = pytest.mark.django_db
DUE = date(2027, 3, 10)
TWICE = {"all": [{"if": "orders.count", "is": "at_least", "value": 2}]}


class Broken(EmailBackend):
    """A mail server that hangs up."""

    def send_messages(self, messages):
        raise SMTPServerDisconnected("Connection unexpectedly closed")


@pytest.fixture
def vips(store, marco) -> Segment:
    """Made 100 days before its review with one person of three."""
    people = [a_customer(store).pk for _ in range(3)]
    made = actions.create_list(store, name="VIPs", people=people, by="user:1", owner=marco)
    then = datetime(2026, 11, 30, 8, tzinfo=UTC)
    Segment.objects.filter(pk=made.pk).update(created_at=then, review_on=DUE)
    Membership.objects.filter(customer_id=people[0]).update(entered_at=then - timedelta(days=1))
    Membership.objects.exclude(customer_id=people[0]).update(entered_at=then + timedelta(days=50))
    made.refresh_from_db()
    return made


def at(hour: int, day: date = DUE) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_the_owner_hears_of_it_with_the_sizes_and_a_link(settings, store, vips):
    settings.BASE_URL = "https://perennial.example.com"
    assert remind(at(9)) == 1
    [letter] = mail.outbox
    assert letter.to == ["marco@example.com"]
    assert letter.subject == "Please review “VIPs” (Fern & Finch)"
    assert "Nov 30, 2026: 1 person\n" in letter.body
    assert "Mar 10, 2027: 3 people\n" in letter.body
    assert f"https://perennial.example.com/fern-finch/segments/{vips.pk}/\n" in letter.body


def test_once_for_each_date(vips):
    times = [at(hour) for hour in range(24)] + [at(9, DUE + timedelta(days=1))]
    assert [remind(time) for time in times].count(1) == 1
    actions.review_segment(vips, by="user:1", until=DUE + timedelta(days=30))
    assert remind(at(9, DUE + timedelta(days=29))) == 0
    assert remind(at(9, DUE + timedelta(days=30))) == 1
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    "zone", ["Pacific/Auckland", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]
)
def test_in_the_morning_of_the_store(store, vips, zone):
    store.time_zone = zone
    store.save()
    time = at(0, DUE - timedelta(days=2))
    while not remind(time):
        time += timedelta(minutes=5)
        assert time < at(0, DUE + timedelta(days=2))
    local = time.astimezone(store.tz)
    assert (local.date(), local.hour, local.minute) == (DUE, 9, 0)


def test_what_was_missed_comes_by_day(vips):
    late = DUE + timedelta(days=4)
    assert [remind(at(hour, late)) for hour in (2, 8, 18, 23)] == [0, 0, 0, 0]
    assert remind(at(14, late)) == 1


def test_no_mail_to_those_who_left(vips, store, marco, olivia):
    remove(marco.memberships.get(store=store))
    assert remind(at(9)) == 0
    actions.describe_segment(vips, name="VIPs", description="", owner=olivia, by="user:1")
    assert remind(at(9)) == 1
    assert [letter.to for letter in mail.outbox] == [["olivia@example.com"]]


def test_no_mail_to_a_member_of_another_store_or_a_closed_account(vips, stranger, marco):
    Segment.objects.update(owner=stranger)
    assert remind(at(9)) == 0
    marco.is_active = False
    marco.save()
    Segment.objects.update(owner=marco)
    assert remind(at(9)) == 0
    Segment.objects.update(owner=None)
    assert remind(at(9)) == 0


def test_no_mail_about_what_is_archived(vips):
    actions.archive_segment(vips, by="user:1")
    assert remind(at(9)) == 0


def test_a_mail_server_that_is_down_costs_time_not_the_mail(settings, vips):
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    assert remind(at(9)) == 0
    settings.EMAIL_BACKEND = working
    assert remind(at(10)) == 1
    assert len(mail.outbox) == 1


def test_without_a_mail_server_it_lies_in_the_outbox(settings, vips):
    settings.EMAIL_BACKEND = "retention.stores.outbox.OutboxBackend"
    assert remind(at(9)) == 1
    assert OutboxMail.objects.get().subject == "Please review “VIPs” (Fern & Finch)"


def test_the_scheduler_asks(store, vips):
    from retention.celery import app

    assert "segments.remind" in {entry["task"] for entry in app.conf.beat_schedule.values()}
    noon = timezone.now().replace(hour=12, minute=0)
    # Whatever the hour of this test, it is noon in some zone.
    hours = (12 - timezone.now().hour) % 24
    store.time_zone = f"Etc/GMT{-hours:+d}" if hours <= 12 else f"Etc/GMT{24 - hours:+d}"
    store.save()
    Segment.objects.update(review_on=(noon - timedelta(days=2)).date())
    tasks.remind()
    tasks.remind()
    assert len(mail.outbox) == 1


def test_who_makes_a_segment_looks_after_it(store, marco):
    by = f"user:{marco.pk}"
    told = {"name": "From a file", "rule": TWICE}
    made = [
        actions.segment_from_json(store, told, by=by),
        ready.adopt(store, "champions", by=by),
    ]
    made.append(actions.snapshot_segment(made[0], name="Kept", by=by))
    made.append(actions.duplicate_segment(made[2], by="user:1"))
    assert [one.owner for one in made] == [marco] * 4
