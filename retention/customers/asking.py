"""What people of the store do about a person's consent: record what was said, and send the person the link
to their own page. Never in the person's place where the store asks its subscribers to confirm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from retention.customers import consent
from retention.customers.consent import ASKED
from retention.customers.merging import records_of
from retention.customers.models import Channel, Customer, Proof, Purpose, Status
from retention.customers.preferences import BY_MAIL, TO_CONFIRM, ask_to_confirm, still_asked, token_of
from retention.customers.vocabulary import PreferencesLinkSent
from retention.timeline.actions import record
from retention.timeline.models import Event

SOURCE, METHOD = "desk", "by_hand"
# So that nobody gets a heap of the same mail from an impatient hand.
ONE_PER = timedelta(hours=1)

LETTER = """You asked what {store} writes to you about. Here you choose yourself:
{link}

Whoever has the link can change your choices. If you did not ask for this, ignore this mail.
"""


class NotSent(Exception):
    """No mail went and nothing was recorded; the message is what the merchant reads."""


def preferences_path(customer: Customer) -> str:
    """The person's own page, opened by a signed address."""
    return f"/preferences/{token_of(customer)}/"


@transaction.atomic
def send_preferences_link(customer: Customer, *, base_url: str, by: str) -> None:
    """Mail the link to the person's own page: no advertising, so it needs no consent, only no refusal."""
    person = _person(customer)
    _must_be_writable(person)
    sent = Event.objects.filter(store=person.store, customer_id=person.pk, kind=PreferencesLinkSent.name)
    if sent.filter(occurred_at__gt=timezone.now() - ONE_PER).exists():
        raise NotSent("The link was sent less than an hour ago. Wait before you send it again.")
    subject = f"customer:{person.pk}"
    record(person.store, PreferencesLinkSent(), customer_id=person.pk, subject=subject, by=by)
    text = LETTER.format(store=person.store, link=base_url.rstrip("/") + preferences_path(person))
    # Last, so that a mail that cannot be handed over takes its event back.
    send_mail(f"Your preferences at {person.store}", text, None, [person.email])


@transaction.atomic
def record_by_hand(customer: Customer, channel: str, status: str, *, base_url: str, by: str) -> bool:
    """What the person told somebody of the store. Returns whether they first have to confirm by mail."""
    person = _person(customer)
    if consent.status_of(person, channel) == Status.SUPPRESSED:
        name = Channel(channel).label
        raise NotSent(f"{name} is suppressed: nothing is sent there, and only the customer can lift that.")
    if status != Status.SUBSCRIBED:
        consent.unsubscribe(person, channel, source=SOURCE, method=METHOD, by=by)
        return False
    if consent.settings_of(person.store).double_opt_in and consent.has_to_confirm(person, channel):
        _must_be_writable(person)
        if _asked(person, ONE_PER):
            raise NotSent("They were asked to confirm less than an hour ago. Wait before you ask again.")
    waits = consent.subscribe(person, channel, source=SOURCE, method=METHOD, by=by)
    if waits:
        ask_to_confirm(person, base_url=base_url)
    return waits


def waiting_since(customer: Customer) -> datetime | None:
    """When the person was last asked to confirm by mail, while the answer can still come."""
    if consent.status_of(customer, Channel.EMAIL) == Status.SUBSCRIBED:
        return None
    asked = _asked(customer, TO_CONFIRM)
    return asked.at if asked and still_asked(asked) else None


def _asked(customer: Customer, within: timedelta) -> Proof | None:
    """The last time that any record of the person was asked to confirm."""
    asked = Proof.objects.filter(customer__in=records_of(customer), status=ASKED, **BY_MAIL)
    return asked.filter(at__gt=timezone.now() - within).order_by("-at", "-pk").first()


def _person(customer: Customer) -> Customer:
    """The person as they are known now, locked."""
    people = Customer.objects.select_for_update(of=["self"]).select_related("store")
    return people.get(pk=customer.merged_into_id or customer.pk)


def _must_be_writable(person: Customer) -> None:
    if person.erased_at or not person.email:
        raise NotSent("No e-mail address is known of this person.")
    if not consent.may_write(person, Channel.EMAIL, Purpose.TRANSACTIONAL):
        raise NotSent("Mails to this address are stopped, so none was sent.")
