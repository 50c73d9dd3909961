"""What the panel "May we write?" offers: the person's own page, its link by mail, and what they said."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from retention.customers import asking, consent
from retention.customers.consent import status_of
from retention.customers.models import ConsentSettings, Proof
from retention.customers.privacy import erase_customer
from retention.timeline.models import Event
from tests.dashboard_customers.shop import open_shop

pytestmark = pytest.mark.django_db
YES = {"channel": "email", "status": "subscribed"}
NO = {"channel": "email", "status": "unsubscribed"}


@pytest.fixture
def cyd(store):
    """Nobody ever asked her anything."""
    return open_shop(store, counted=False)["cyd"]


def url(customer, more=""):
    return f"/fern-finch/customers/{customer.pk}/{more}"


def own_page(text):
    return re.findall(r'href="(/preferences/[^"]+)" target="_blank" rel="noreferrer"', text)


def test_the_panel_opens_the_persons_own_page(cyd, sam, as_user):
    (link,) = own_page(as_user(sam).get(url(cyd)).content.decode())
    opened = Client().get(link)
    assert opened.status_code == 200
    assert "c•••@example.com" in opened.content.decode()


def test_who_may_not_change_consent_gets_no_key_to_it(cyd, ana, as_user):
    text = as_user(ana).get(url(cyd)).content.decode()
    assert "/preferences/" not in text
    assert "Record what they said" not in text


def test_an_erased_person_has_no_page_to_open_or_send(cyd, olivia, as_user):
    erase_customer(cyd, by="test")
    assert "/preferences/" not in as_user(olivia).get(url(cyd)).content.decode()
    for more, data in (("preferences/send/", {}), ("consent/", YES)):
        assert as_user(olivia).post(url(cyd, more), data).status_code == 403
    assert mail.outbox == []


def test_what_people_of_the_store_save_there_is_not_the_customers_word(cyd, sam, stranger, as_user):
    (link,) = own_page(as_user(sam).get(url(cyd)).content.decode())
    assert "signed in as Sam" in as_user(sam).get(link).content.decode()
    form = {"frequency": "weekly", "pause": "keep"}
    # Somebody of another store may well be a customer here.
    as_user(stranger).post(link, {**form, "frequency": "all", "channels": ["email", "onsite"]})
    assert Proof.objects.get(customer=cyd, channel="onsite").by == "customer"
    as_user(sam).post(link, {**form, "channels": ["onsite"]})
    assert Proof.objects.filter(customer=cyd, channel="email").latest("pk").by == f"user:{sam.pk}"
    assert Event.objects.get(kind="preferences.changed").by == f"user:{sam.pk}"


@pytest.mark.parametrize("suppressed", [False, True])
def test_people_of_the_store_say_no_yes_on_that_page(cyd, sam, as_user, suppressed):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=not suppressed)
    if suppressed:
        consent.suppress(cyd, "email", "bounced", source="mail", by="system")
    before = status_of(cyd, "email")
    (link,) = own_page(as_user(sam).get(url(cyd)).content.decode())
    answer = as_user(sam).post(link, {"frequency": "all", "pause": "keep", "channels": ["email"]})
    assert answer.status_code == 422
    assert "Only the customer says yes here" in answer.content.decode()
    assert status_of(cyd, "email") == before


def test_people_of_the_store_do_not_confirm_in_the_customers_place(cyd, sam, as_user):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    as_user(sam).post(url(cyd, "consent/"), YES)
    (link,) = re.findall(r"/preferences/\S+/confirm/", mail.outbox[0].body)
    assert as_user(sam).post(link).status_code == 403
    assert status_of(cyd, "email") == "never_subscribed"


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("said", ["subscribed", "unsubscribed"])
def test_what_is_suppressed_stays_so_whatever_is_recorded(cyd, sam, as_user, channel, said):
    consent.suppress(cyd, channel, "bounced", source="mail", by="system")
    proofs = Proof.objects.count()
    answer = as_user(sam).post(url(cyd, "consent/"), {"channel": channel, "status": said}, follow=True)
    assert "is suppressed: nothing is sent there" in answer.content.decode()
    assert status_of(cyd, channel) == "suppressed"
    assert Proof.objects.count() == proofs


def test_the_link_goes_by_mail_and_the_timeline_tells(cyd, sam, as_user, settings):
    settings.BASE_URL = "https://shop.example/"
    answer = as_user(sam).post(url(cyd, "preferences/send/"), follow=True)
    assert "on its way to cyd@example.com" in answer.content.decode()
    assert "Was sent the link to their preferences" in answer.content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["cyd@example.com"]
    (link,) = re.findall(r"https://shop\.example(/preferences/\S+/)\n", sent.body)
    assert Client().get(link).status_code == 200
    assert Event.objects.get(kind="preferences.link_sent").by == f"user:{sam.pk}"


def test_the_link_goes_once_an_hour(cyd, sam, as_user):
    for _ in range(2):
        answer = as_user(sam).post(url(cyd, "preferences/send/"), follow=True)
    assert "less than an hour ago" in answer.content.decode()
    assert len(mail.outbox) == 1
    late = timezone.now() + timedelta(minutes=61)
    with patch("django.utils.timezone.now", return_value=late):
        asking.send_preferences_link(cyd, base_url="https://shop.example", by="test")
    assert len(mail.outbox) == 2


def test_no_mail_goes_to_an_address_that_is_stopped(cyd, sam, as_user):
    consent.suppress(cyd, "email", "bounced", source="mail", by="system")
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    answer = as_user(sam).post(url(cyd, "preferences/send/"), follow=True)
    assert "are stopped" in answer.content.decode()
    as_user(sam).post(url(cyd, "consent/"), YES)
    assert mail.outbox == []
    assert not Event.objects.filter(kind__in=["preferences.link_sent", "consent.asked"]).exists()


def test_a_mail_that_cannot_be_handed_over_leaves_nothing_behind(cyd, sam, as_user, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    for more, data in (("preferences/send/", {}), ("consent/", YES)):
        answer = as_user(sam).post(url(cyd, more), data, follow=True)
        assert "could not be handed over" in answer.content.decode()
    assert not Proof.objects.filter(customer=cyd).exists()
    assert not Event.objects.filter(kind__in=["preferences.link_sent", "consent.asked"]).exists()


def test_a_yes_by_hand_holds_at_once_where_nobody_is_asked_to_confirm(cyd, marco, as_user):
    answer = as_user(marco).post(url(cyd, "consent/"), YES, follow=True)
    assert "Recorded: E-mail is subscribed." in answer.content.decode()
    proof = Proof.objects.get(customer=cyd)
    assert (proof.source, proof.method, proof.by) == ("desk", "by_hand", f"user:{marco.pk}")
    assert status_of(cyd, "email") == "subscribed"
    as_user(marco).post(url(cyd, "consent/"), NO)
    assert status_of(cyd, "email") == "unsubscribed"
    assert mail.outbox == []


def test_with_double_opt_in_a_yes_by_hand_waits_for_the_persons_own(cyd, sam, as_user):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    text = as_user(sam).post(url(cyd, "consent/"), YES, follow=True).content.decode()
    assert "asks cyd@example.com to confirm" in text
    assert "asked on" in text
    assert status_of(cyd, "email") == "never_subscribed"
    (link,) = re.findall(r"/preferences/\S+/confirm/", mail.outbox[0].body)
    Client().post(link)
    assert status_of(cyd, "email") == "subscribed"
    assert "asked on" not in as_user(sam).get(url(cyd)).content.decode()


def test_other_channels_have_no_mail_to_confirm_by(cyd, sam, as_user):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    as_user(sam).post(url(cyd, "consent/"), {**YES, "channel": "sms"})
    assert status_of(cyd, "sms") == "subscribed"
    assert mail.outbox == []


def test_nobody_is_asked_twice_in_an_hour(cyd, sam, as_user):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    as_user(sam).post(url(cyd, "consent/"), YES)
    answer = as_user(sam).post(url(cyd, "consent/"), YES, follow=True)
    assert "less than an hour ago" in answer.content.decode()
    assert (len(mail.outbox), Proof.objects.filter(customer=cyd).count()) == (1, 1)
    # Nor by a no in between.
    as_user(sam).post(url(cyd, "consent/"), NO)
    as_user(sam).post(url(cyd, "consent/"), YES)
    assert len(mail.outbox) == 1


def test_a_refusal_ends_the_waiting(cyd, sam, as_user):
    ConsentSettings.objects.create(store=cyd.store, double_opt_in=True)
    as_user(sam).post(url(cyd, "consent/"), YES)
    as_user(sam).post(url(cyd, "consent/"), NO)
    assert asking.waiting_since(cyd) is None
    (link,) = re.findall(r"/preferences/\S+/confirm/", mail.outbox[0].body)
    assert Client().post(link).status_code == 404


@pytest.mark.parametrize(
    "data", [{}, {"channel": "fax", "status": "subscribed"}, {**YES, "status": "suppressed"}]
)
def test_anything_else_is_refused_in_words(cyd, sam, as_user, data):
    answer = as_user(sam).post(url(cyd, "consent/"), data, follow=True)
    assert "Choose a channel" in answer.content.decode()
    assert not Proof.objects.filter(customer=cyd).exists()
