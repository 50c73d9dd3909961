"""What a person chooses in the preference centre: channels, topics, how often, a pause, a birthday.

The link in a mail is the key: signed, for one person, for a bit more than a year, so that an old mail can
still be unsubscribed from. The link of a letter that asks to confirm is good for what was asked then: it
gives nothing back that was refused later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from retention.customers import consent
from retention.customers.choosing import keep_choice, show_choice
from retention.customers.consent import ASKED, Evidence
from retention.customers.merging import person_of, records_of, with_others
from retention.customers.models import (
    Channel,
    Customer,
    Frequency,
    Preference,
    Proof,
    Purpose,
    Status,
    Topic,
)
from retention.customers.registers import SAVED, show, tell
from retention.customers.standing import REFUSED
from retention.customers.vocabulary import PreferencesChanged
from retention.stores.models import Store
from retention.timeline.actions import record

SOURCE = "preferences"
SALT = "retention.customers.preferences"
CONFIRMING = "retention.customers.confirm"
LIFETIME = timedelta(days=400)
TO_CONFIRM = timedelta(days=7)
BY_MAIL: dict[str, str] = {"channel": Channel.EMAIL, "purpose": Purpose.MARKETING}
PAUSES = (30, 90)

LETTER = """Please confirm that you want to hear from {store}:
{link}

The link is good for {days} days. If you did not ask for this, ignore this mail; you will not get another.
"""


@dataclass(frozen=True)
class Choices:
    """`pause` is a number of days from now, 0 for none, None to leave a running pause as it is."""

    channels: frozenset[str]
    topics: frozenset[int]
    frequency: str = Frequency.ALL
    pause: int | None = None
    birthday: str = ""


def token_of(customer: Customer) -> str:
    """The key for the customer's own link."""
    return signing.dumps([customer.store_id, customer.pk], salt=SALT)


def opened_by(token: str) -> Customer | None:
    """The record whose link this is; None when it is forged, too old, or the person was erased.

    It may be merged into another by now. What comes through the link counts for the person, and stays with
    the record, so that it outlives the undoing of a merge.
    """
    try:
        store, pk = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return _record(store, pk)


def _record(store: int, pk: int) -> Customer | None:
    found = Customer.objects.select_related("store", "merged_into__store").filter(store=store, pk=pk).first()
    return found if found and not person_of(found).erased_at else None


def topics_of(store: Store) -> list[Topic]:
    return list(Topic.objects.filter(store=store, archived=False))


def preference_of(customer: Customer) -> Preference | None:
    """What the person chose last, under whichever of their merged records."""
    chosen = Preference.objects.filter(customer=person_of(customer))
    return chosen.prefetch_related("muted").first()


def choices_of(customer: Customer) -> Choices:
    """What holds now."""
    kept = preference_of(customer)
    muted = {topic.pk for topic in kept.muted.all()} if kept else set()
    return Choices(
        channels=frozenset(c for c in Channel.values if consent.status_of(customer, c) == Status.SUBSCRIBED),
        topics=frozenset(topic.pk for topic in topics_of(customer.store) if topic.pk not in muted),
        frequency=kept.frequency if kept else Frequency.ALL,
        birthday=person_of(customer).birthday,
    )


def paused_until(customer: Customer) -> datetime | None:
    kept = preference_of(customer)
    until = kept.paused_until if kept else None
    return until if until and until > timezone.now() else None


@transaction.atomic
def choose(
    customer: Customer,
    choices: Choices,
    *,
    offered: Iterable[str],
    ip: str | None = None,
    by: str = "customer",
) -> None:
    """Keep what the person chose; channels that the page did not offer stay as they are.

    `by`: who pressed the button, because people of the store can open the page as well."""
    record_, person = _locked(customer)
    before = choices_of(person)
    _choose_channels(record_, before, choices, offered, ip, by)
    _choose_birthday(record_, person, before, choices)
    if (choices.topics, choices.frequency) == (before.topics, before.frequency) and choices.pause is None:
        return
    muted = [topic.pk for topic in topics_of(person.store) if topic.pk not in choices.topics]
    until = paused_until(person)
    if choices.pause is not None:
        until = timezone.now() + timedelta(days=choices.pause) if choices.pause else None
    now = timezone.now()
    keep_choice(record_.pk, frequency=choices.frequency, paused_until=until, muted=muted, at=now)
    if person.own is not None:
        show_choice(person.pk, [one.pk for one in with_others(person)])
    told = PreferencesChanged(frequency=choices.frequency, muted=tuple(muted), paused=until is not None)
    record(person.store, told, customer_id=person.pk, subject=f"customer:{person.pk}", by=by)


def _locked(customer: Customer) -> tuple[Customer, Customer]:
    """The record, and the person that it is."""
    ids = {customer.pk, customer.merged_into_id or customer.pk}
    rows = Customer.objects.filter(pk__in=ids).select_for_update(of=["self"]).select_related("store")
    found = {one.pk: one for one in rows.order_by("pk")}
    return found[customer.pk], found[customer.merged_into_id or customer.pk]


def _choose_channels(
    one: Customer, before: Choices, choices: Choices, offered: Iterable[str], ip: str | None, by: str
) -> None:
    wording = consent.settings_of(one.store).wording_version
    changed = [c for c in offered if (c in choices.channels) != (c in before.channels)]
    # Who opens the link in a mail has confirmed the address by that: no second step.
    told = [
        Evidence(
            channel=channel,
            status=Status.SUBSCRIBED if channel in choices.channels else Status.UNSUBSCRIBED,
            source=SOURCE,
            method="preference_centre",
            at=timezone.now(),
            wording=wording,
            ip=ip,
        )
        for channel in changed
    ]
    consent.record_consent(one, *told, by=by)


def _choose_birthday(one: Customer, person: Customer, before: Choices, choices: Choices) -> None:
    if choices.birthday == before.birthday:
        return
    now = int(timezone.now().timestamp() * 1_000_000)
    version = max(now, int(person.versions.get("birthday", 0)) + 1)
    tell(one, {"birthday": choices.birthday}, version)
    one.save(update_fields=SAVED)
    if person.own is not None:
        show(person, with_others(person))
        if person.birthday != choices.birthday:
            # Another record was chosen over this one; what the person says themself outranks that choice.
            tell(person, {"birthday": choices.birthday}, version)
            show(person, with_others(person))
        person.save(update_fields=SAVED)


def unsubscribe_everything(
    customer: Customer, *, method: str, ip: str | None = None, by: str = "customer"
) -> None:
    """No more marketing on any channel. Doing it again changes nothing."""
    # Also where another record of the person refused already: the two may come apart again.
    left = [c for c in Channel.values if not _unsubscribed(customer, c)]
    if left:
        consent.unsubscribe(customer, *left, source=SOURCE, method=method, ip=ip, by=by)


def _unsubscribed(customer: Customer, channel: str) -> bool:
    alone = consent.status_of_record(customer, channel)
    return alone == consent.status_of(customer, channel) == Status.UNSUBSCRIBED


def ask_to_confirm(customer: Customer, *, base_url: str) -> None:
    """The second step of a double opt-in, after `consent.subscribe`: a mail with a link."""
    proof = _asked(customer).order_by("-at", "-pk")[0]
    token = signing.dumps([customer.store_id, customer.pk, proof.pk], salt=CONFIRMING)
    link = f"{base_url.rstrip('/')}/preferences/{token}/confirm/"
    text = LETTER.format(store=customer.store, link=link, days=TO_CONFIRM.days)
    send_mail(f"Please confirm: news from {customer.store}", text, None, [customer.email])


def asked(token: str) -> Customer | None:
    """The record that was asked to confirm by this link; None also once the person refused since then."""
    try:
        store, pk, number = signing.loads(token, salt=CONFIRMING, max_age=TO_CONFIRM)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    found = _record(store, pk)
    proof = _asked(found).filter(pk=number).first() if found else None
    return found if found and proof and still_asked(proof) else None


def _asked(customer: Customer) -> QuerySet[Proof]:
    return Proof.objects.filter(customer=customer, status=ASKED, **BY_MAIL)


def still_asked(proof: Proof) -> bool:
    """Has the person not refused since they were asked to confirm?"""
    person = person_of(Customer.objects.select_related("merged_into").get(pk=proof.customer_id))
    refusals = Proof.objects.filter(customer__in=records_of(person), status__in=REFUSED, **BY_MAIL)
    return not refusals.filter(at__gte=proof.at).exists()


@transaction.atomic
def confirm(customer: Customer, *, ip: str | None = None, by: str = "customer") -> None:
    """The person pressed the button in the letter: what they asked for now holds."""
    _locked(customer)
    proof = _asked(customer).order_by("-at", "-pk").first()
    if consent.status_of(customer, Channel.EMAIL) == Status.SUBSCRIBED:
        return
    if proof is None or not still_asked(proof):
        return
    one = Evidence(
        channel=Channel.EMAIL, purpose=Purpose.MARKETING, status=Status.SUBSCRIBED, source=SOURCE,
        method="double_opt_in", at=timezone.now(), ip=ip, wording=proof.wording,
    )  # fmt: skip
    consent.record_consent(customer, one, by=by)
