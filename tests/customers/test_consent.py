"""Where people stand: the newest evidence wins, whatever the order, and a file gives no consent back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import DatabaseError, transaction

from retention.customers import consent
from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.models import Consent, ConsentSettings, Preference, Proof
from retention.timeline.models import Event
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


def said(status, day, *, imported=False, channel="email", **more):
    return Evidence(
        channel=channel,
        status=status,
        source="mailchimp" if imported else "form",
        method="import" if imported else "form",
        at=START + timedelta(days=day),
        imported=imported,
        **more,
    )


def test_nobody_is_subscribed_before_they_say_so(store):
    assert status_of(a_customer(store), "email") == "never_subscribed"


def test_a_proof_keeps_who_when_where_and_which_wording(store):
    customer = a_customer(store)
    record_consent(customer, said("subscribed", 1, ip="203.0.113.7", wording="v3"), by="user:1")
    proof = Proof.objects.get()
    assert (proof.ip, proof.wording, proof.at, proof.source, proof.by) == (
        "203.0.113.7",
        "v3",
        START + timedelta(days=1),
        "form",
        "user:1",
    )


def test_channels_and_purposes_stand_by_themselves(store):
    customer = a_customer(store)
    record_consent(customer, said("subscribed", 1), said("unsubscribed", 2, purpose="transactional"))
    assert status_of(customer, "email") == "subscribed"
    assert status_of(customer, "email", "transactional") == "unsubscribed"
    assert status_of(customer, "sms") == "never_subscribed"


STORIES = {
    "newest wins": (
        [("subscribed", 1, False), ("unsubscribed", 2, False), ("subscribed", 3, False)],
        "subscribed",
    ),
    "at one moment the stricter": ([("subscribed", 1, False), ("unsubscribed", 1, False)], "unsubscribed"),
    "a file gives nothing back": ([("unsubscribed", 1, False), ("subscribed", 9, True)], "unsubscribed"),
    "nor against another file": ([("unsubscribed", 1, True), ("subscribed", 9, True)], "unsubscribed"),
    "a file takes away": ([("subscribed", 1, False), ("unsubscribed", 2, True)], "unsubscribed"),
    "an old refusal in a file": ([("subscribed", 5, False), ("unsubscribed", 2, True)], "subscribed"),
    "a file alone": ([("subscribed", 1, True), ("never_subscribed", 2, True)], "subscribed"),
    "an empty cell lifts no refusal": (
        [("unsubscribed", 1, False), ("never_subscribed", 2, True)],
        "unsubscribed",
    ),
    "nor a bounce, before a yes of old": (
        [("subscribed", 1, True), ("suppressed", 2, False), ("never_subscribed", 3, True)],
        "suppressed",
    ),
    "bounced": ([("subscribed", 1, True), ("suppressed", 2, True), ("subscribed", 3, True)], "suppressed"),
    "came back by themselves": (
        [("unsubscribed", 1, True), ("subscribed", 2, True), ("subscribed", 3, False)],
        "subscribed",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_any_order_of_arrival_gives_the_same_standing(store, name):
    story, expected = STORIES[name]
    ends = set()
    for order in permutations(story):
        customer = a_customer(store)
        for status, day, imported in order:
            record_consent(customer, said(status, day, imported=imported))
        row = Consent.objects.get(customer=customer)
        ends.add((row.status, row.since))
    assert [status for status, _ in ends] == [expected]


def test_the_same_evidence_twice_is_one_proof_and_one_event(store):
    customer = a_customer(store)
    assert record_consent(customer, said("subscribed", 1)) == 1
    assert record_consent(customer, said("subscribed", 1)) == 0
    assert Proof.objects.count() == Event.objects.filter(kind="consent.subscribed").count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"status": "subscribed"},
        {"at": START},
        {"ip": "198.51.100.1"},
        {"ip": None, "detail": {}, "status": "subscribed"},
        {"detail": {"a": 1}},
    ],
)
def test_the_database_refuses_to_change_a_proof(store, change):
    record_consent(
        a_customer(store), said("unsubscribed", 1, ip="203.0.113.7", detail={"reason": "too many"})
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Proof.objects.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Proof.objects.all()._raw_delete("default")
    assert Proof.objects.get().status == "unsubscribed"


def test_the_database_lets_only_the_personal_part_of_a_proof_be_blanked(store):
    record_consent(
        a_customer(store), said("unsubscribed", 1, ip="203.0.113.7", detail={"reason": "too many"})
    )
    Proof.objects.update(ip=None, detail={})
    assert Proof.objects.get().ip is None


def test_each_change_is_an_event_without_personal_data(store):
    customer = a_customer(store, "mara@example.com", first_name="Mara")
    record_consent(customer, said("subscribed", 1, ip="203.0.113.7"))
    consent.unsubscribe(customer, source="preferences", method="one_click", ip="203.0.113.7")
    consent.suppress(customer, "email", "bounced", source="provider", by="system")
    events = Event.objects.filter(kind__startswith="consent.").order_by("id")
    assert [e.kind for e in events if e.data["channel"] == "email"] == [
        "consent.subscribed",
        "consent.unsubscribed",
        "consent.suppressed",
        "consent.suppressed",
    ]
    told = " ".join(str(e.data) + e.subject for e in events)
    assert "mara" not in told.lower()
    assert "203.0.113.7" not in told
    assert events[0].occurred_at == START + timedelta(days=1)


def test_marketing_needs_a_yes_and_no_pause(store):
    customer = a_customer(store)
    assert not consent.may_write(customer, "email")
    record_consent(customer, said("subscribed", 1))
    assert consent.may_write(customer, "email")
    Preference.objects.create(customer=customer, paused_until=START + timedelta(days=30), changed_at=START)
    assert not consent.may_write(customer, "email", at=START + timedelta(days=29))
    assert consent.may_write(customer, "email", at=START + timedelta(days=31))


def test_a_receipt_needs_only_that_nobody_refused_it(store):
    customer = a_customer(store)
    consent.unsubscribe(customer, source="form", method="form")
    assert consent.may_write(customer, "email", "transactional")
    consent.suppress(customer, "email", "bounced", source="provider", by="system")
    assert not consent.may_write(customer, "email", "transactional")


def test_a_file_without_an_answer_opens_no_closed_channel(store):
    customer = a_customer(store)
    consent.suppress(customer, "sms", "somebody else's number", source="support", by="user:1")
    later = {"channel": "sms", "purpose": "transactional", "imported": True}
    record_consent(customer, said("never_subscribed", 400, **later))
    assert not consent.may_write(customer, "sms", "transactional")


def test_double_opt_in_waits_for_the_second_step(store):
    ConsentSettings.objects.create(store=store, double_opt_in=True, wording_version="7")
    customer = a_customer(store)
    assert consent.subscribe(customer, "email", source="form", method="form", ip="203.0.113.7")
    assert status_of(customer, "email") == "never_subscribed"
    assert Proof.objects.get().wording == "7"
    assert Event.objects.filter(kind="consent.asked", customer_id=customer.pk).count() == 1


def test_without_double_opt_in_signing_up_is_enough(store):
    customer = a_customer(store)
    assert not consent.subscribe(customer, "email", source="form", method="form")
    assert status_of(customer, "email") == "subscribed"


def test_evidence_about_another_stores_customer_is_not_taken(store):
    theirs = a_customer(a_store())
    with pytest.raises(KeyError):
        consent.record_consents(store, [(theirs.pk, said("subscribed", 1))])
    assert not Proof.objects.exists()
