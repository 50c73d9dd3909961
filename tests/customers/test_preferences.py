"""The preference centre: a signed link, no login, no script, and GET changes nothing."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core import mail, signing
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from retention.customers import consent, preferences, public
from retention.customers.consent import status_of
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import ConsentSettings, Preference, Proof, Topic
from retention.customers.preferences import choices_of, token_of
from retention.customers.privacy import erase_customer
from retention.timeline.models import Event
from tests.test_access import everything
from tests.world import a_customer

pytestmark = pytest.mark.django_db
FORM = {"frequency": "all", "pause": "keep"}


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


@pytest.fixture
def mara(store):
    customer = a_customer(store, "mara@example.com", phone="+4520304050", birthday="1990-02-28")
    for channel in ("email", "sms"):
        consent.subscribe(customer, channel, source="form", method="form")
    return customer


@pytest.fixture
def visitor():
    return Client(enforce_csrf_checks=True, REMOTE_ADDR="203.0.113.5")


def link(customer, more=""):
    return f"/preferences/{token_of(customer)}/{more}"


def stands(customer):
    return {c: status_of(customer, c) for c in ("email", "sms", "onsite")}


def test_the_page_shows_what_holds_without_telling_the_address(visitor, mara):
    page = visitor.get(link(mara))
    assert page.status_code == 200
    text = page.content.decode()
    assert "m•••@example.com" in text
    assert "mara@example.com" not in text
    assert text.count("checked") == 4  # e-mail, SMS, everything, no break
    assert "<script" not in text
    assert page["Cache-Control"].startswith("max-age=0")


def test_opening_any_of_the_addresses_changes_nothing(visitor, mara):
    before = everything()
    for more in ("", "unsubscribe/", "?done=everything", "?everything=yes&frequency=monthly"):
        assert visitor.get(link(mara, more), follow=True).status_code == 200
        assert visitor.head(link(mara, more)).status_code in (200, 302)
    assert everything() == before


def test_saving_keeps_channels_topics_frequency_pause_and_birthday(visitor, mara, store):
    news, sales = (Topic.objects.create(store=store, name=name) for name in ("News", "Sales"))
    told = {
        "channels": ["email", "onsite"],
        "topics": [news.pk],
        "frequency": "weekly",
        "pause": "30",
        "month": "2",
        "day": "29",
    }
    assert visitor.post(link(mara), told).status_code == 302
    mara.refresh_from_db()
    assert stands(mara) == {"email": "subscribed", "sms": "unsubscribed", "onsite": "subscribed"}
    kept = Preference.objects.get()
    assert (kept.frequency, list(kept.muted.all())) == ("weekly", [sales])
    assert timedelta(days=29) < kept.paused_until - timezone.now() < timedelta(days=31)
    assert mara.birthday == "--02-29"
    assert not consent.may_write(mara, "email")
    proof = Proof.objects.get(channel="sms", status="unsubscribed")
    assert (proof.source, proof.method, proof.ip) == ("preferences", "preference_centre", "203.0.113.5")
    assert Event.objects.get(kind="preferences.changed").data == {
        "frequency": "weekly",
        "muted": [sales.pk],
        "paused": True,
    }


def test_saving_what_holds_already_changes_nothing(visitor, mara):
    before = everything()
    visitor.post(link(mara), {**FORM, "channels": ["email", "sms"], "month": "2", "day": "28"})
    assert everything() == before


def test_a_break_can_be_ended(visitor, mara):
    visitor.post(link(mara), {**FORM, "channels": ["email", "sms"], "pause": "90"})
    assert "End the break now" in visitor.get(link(mara)).content.decode()
    visitor.post(link(mara), {**FORM, "channels": ["email", "sms"], "pause": "0"})
    assert Preference.objects.get().paused_until is None
    assert consent.may_write(mara, "email")


def test_a_new_topic_reaches_who_did_not_refuse_it(visitor, mara, store):
    visitor.post(link(mara), {**FORM, "channels": ["email"], "frequency": "monthly"})
    topic = Topic.objects.create(store=store, name="Later")
    assert topic.pk in choices_of(mara).topics


@pytest.mark.parametrize(
    "wrong",
    [
        {"frequency": "hourly"},
        {"pause": "365"},
        {"channels": ["fax"]},
        {"month": "2", "day": "30"},
        {"month": "2"},
        {"topics": ["9999999"]},
    ],
)
def test_nonsense_is_refused_and_nothing_kept(visitor, mara, store, wrong):
    Topic.objects.create(store=store, name="News")
    before = everything()
    assert visitor.post(link(mara), {**FORM, "channels": ["email"], **wrong}).status_code == 422
    assert everything() == before


def test_unsubscribing_from_everything(visitor, mara):
    answer = visitor.post(link(mara), {"everything": "yes"}, follow=True)
    assert "unsubscribed from everything" in answer.content.decode()
    assert set(stands(mara).values()) == {"unsubscribed"}
    assert consent.may_write(mara, "email", "transactional")


def test_one_click_of_a_mail_program_unsubscribes_once_and_for_all(visitor, mara):
    for _ in range(2):
        answer = visitor.post(link(mara, "unsubscribe/"), {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert set(stands(mara).values()) == {"unsubscribed"}
    assert Proof.objects.filter(method="one_click").count() == 3


def test_one_click_needs_its_body(visitor, mara):
    before = everything()
    assert visitor.post(link(mara, "unsubscribe/"), {}).status_code == 400
    assert everything() == before


def test_one_click_is_not_held_back_by_the_providers_shared_address(visitor, mara, store):
    with patch.object(public, "MOST_PER_MINUTE", 3):
        for _ in range(6):
            visitor.get(link(mara))
        assert visitor.get(link(mara)).status_code == 429
        answer = visitor.post(link(mara, "unsubscribe/"), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


def test_too_many_tries_change_nothing(visitor, mara):
    with patch.object(public, "MOST_PER_MINUTE", 2):
        for _ in range(3):
            visitor.get("/preferences/guess/")
        before = everything()
        assert visitor.post(link(mara), {"everything": "yes"}).status_code == 429
    assert everything() == before


def bad_tokens(mara):
    good = token_of(mara)
    with patch("django.core.signing.time.time", return_value=timezone.now().timestamp() - 401 * 86_400):
        expired = token_of(mara)
    return {
        "garbled": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "expired": expired,
        "for another purpose": signing.dumps([mara.store_id, mara.pk], salt="retention.stores.invitation"),
        "of another store": signing.dumps([mara.store_id + 1, mara.pk], salt=preferences.SALT),
        "of nobody": signing.dumps([mara.store_id, 0], salt=preferences.SALT),
        "of another shape": signing.dumps("x", salt=preferences.SALT),
        "no token": "hello",
    }


@pytest.mark.parametrize(
    "kind",
    [
        "garbled",
        "expired",
        "for another purpose",
        "of another store",
        "of nobody",
        "of another shape",
        "no token",
    ],
)
def test_a_link_that_does_not_hold_gets_a_friendly_way_out(visitor, mara, kind):
    token = bad_tokens(mara)[kind]
    before = everything()
    for more in ("", "unsubscribe/", "confirm/"):
        for answer in (
            visitor.get(f"/preferences/{token}/{more}"),
            visitor.post(
                f"/preferences/{token}/{more}", {"everything": "yes", "List-Unsubscribe": "One-Click"}
            ),
        ):
            assert answer.status_code == 404
            assert "This link no longer works" in answer.content.decode()
    assert everything() == before


def test_an_old_link_is_good_for_a_year(mara):
    with patch("django.core.signing.time.time", return_value=timezone.now().timestamp() - 399 * 86_400):
        token = token_of(mara)
    assert preferences.opened_by(token) == mara


def test_the_link_of_an_erased_person_is_gone(visitor, mara):
    address = link(mara)
    erase_customer(mara, by="x")
    assert visitor.get(address).status_code == 404


def test_the_link_of_a_merged_record_speaks_for_the_person(visitor, mara, store):
    survivor = a_customer(store, "other@example.com")
    merge_customers(survivor, mara, by="x")
    visitor.post(link(mara), {"everything": "yes"})
    assert status_of(survivor, "email") == "unsubscribed"


@pytest.mark.parametrize("how", ["one click", "everything", "unticked"])
@pytest.mark.parametrize("before", ["nothing", "the other refused"])
def test_a_refusal_through_a_merged_records_link_outlives_the_undoing(visitor, mara, store, how, before):
    survivor = a_customer(store, "other@example.com")
    consent.subscribe(survivor, "email", source="form", method="form")
    merge = merge_customers(survivor, mara, by="x")
    if before == "the other refused" and how != "unticked":
        consent.unsubscribe(survivor, source="form", method="form")
    told = {
        "one click": ("unsubscribe/", {"List-Unsubscribe": "One-Click"}),
        "everything": ("", {"everything": "yes"}),
        "unticked": ("", FORM),
    }
    more, body = told[how]
    for _ in range(2):
        assert visitor.post(link(mara, more), body).status_code in (200, 302)
    assert status_of(survivor, "email") == "unsubscribed"
    proofs = Proof.objects.filter(customer=mara, channel="email", status="unsubscribed")
    assert proofs.count() == 1
    unmerge(merge, by="x")
    mara.refresh_from_db()
    expected = "unsubscribed" if before != "nothing" and how != "unticked" else "subscribed"
    assert (status_of(mara, "email"), status_of(survivor, "email")) == ("unsubscribed", expected)


def test_a_pause_comes_along_into_a_merge_and_goes_back_out_of_it(visitor, mara, store):
    sales = Topic.objects.create(store=store, name="Sales")
    survivor = a_customer(store, "other@example.com")
    consent.subscribe(survivor, "email", source="form", method="form")
    mine = {**FORM, "channels": ["email", "sms"]}
    visitor.post(link(survivor), {**mine, "frequency": "weekly", "topics": [sales.pk]})
    visitor.post(link(mara), {**mine, "frequency": "monthly", "pause": "90"})
    before = chosen()
    merge = merge_customers(survivor, mara, by="x")
    assert not consent.may_write(survivor, "email")
    kept = Preference.objects.get(customer=survivor)
    assert (kept.frequency, list(kept.muted.all())) == ("monthly", [sales])
    assert preferences.paused_until(survivor) == preferences.paused_until(mara) == kept.paused_until
    unmerge(merge, by="x")
    assert chosen() == before
    assert consent.may_write(survivor, "email")
    mara.refresh_from_db()
    assert not consent.may_write(mara, "email")


def test_what_is_chosen_while_merged_stays_with_the_record_whose_link_it_was(visitor, mara, store):
    survivor, third = a_customer(store, "other@example.com"), a_customer(store, "third@example.com")
    for one in (survivor, third):
        consent.subscribe(one, "email", source="form", method="form")
    first = merge_customers(mara, third, by="x")
    second = merge_customers(survivor, mara, by="x")
    visitor.post(link(third), {**FORM, "channels": ["email", "sms"], "pause": "30"})
    assert not consent.may_write(survivor, "email")
    unmerge(second, by="x")
    assert [one.pk for one in Preference.objects.exclude(paused_until=None).order_by("pk")] == [
        mara.pk,
        third.pk,
    ]
    assert consent.may_write(survivor, "email")
    visitor.post(link(mara), {**FORM, "channels": ["email", "sms"], "pause": "0"})
    assert preferences.paused_until(mara) is None
    unmerge(first, by="x")
    third.refresh_from_db()
    assert preferences.paused_until(mara) is None
    assert preferences.paused_until(third) is not None


def chosen():
    rows = Preference.objects.order_by("pk")
    return [(r.pk, r.frequency, r.paused_until, r.changed_at, r.own, set(r.muted.all())) for r in rows]


def test_a_birthday_told_through_a_merged_records_link_is_that_records(visitor, mara, store):
    survivor = a_customer(store, "other@example.com", birthday="1980-01-01")
    merge = merge_customers(survivor, mara, by="x")
    visitor.post(link(mara), {**FORM, "channels": ["email", "sms"], "month": "5", "day": "6"})
    survivor.refresh_from_db()
    assert survivor.birthday == "--05-06"
    unmerge(merge, by="x")
    for one, birthday in ((survivor, "1980-01-01"), (mara, "--05-06")):
        one.refresh_from_db()
        assert one.birthday == birthday


def test_double_opt_in_by_mail_and_button(visitor, store):
    ConsentSettings.objects.create(store=store, double_opt_in=True, wording_version="9")
    customer = a_customer(store, "new@example.com")
    assert consent.subscribe(customer, "email", source="form", method="form")
    preferences.ask_to_confirm(customer, base_url="http://testserver")
    letter = mail.outbox[0]
    assert letter.to == ["new@example.com"]
    address = next(line for line in letter.body.splitlines() if line.startswith("http"))
    before = everything()
    assert "Yes, please" in visitor.get(address).content.decode()
    assert everything() == before
    assert "Welcome" in visitor.post(address, follow=True).content.decode()
    assert status_of(customer, "email") == "subscribed"
    proof = Proof.objects.get(method="double_opt_in")
    assert (proof.wording, proof.ip) == ("9", "203.0.113.5")


def letter_to(customer):
    """Sign up, and the address in the letter."""
    consent.subscribe(customer, "email", source="form", method="form")
    preferences.ask_to_confirm(customer, base_url="http://testserver")
    return next(line for line in mail.outbox[-1].body.splitlines() if line.startswith("http"))


@pytest.fixture
def newcomer(store):
    ConsentSettings.objects.create(store=store, double_opt_in=True)
    return a_customer(store, "new@example.com")


def test_an_old_letter_undoes_no_later_refusal(visitor, newcomer):
    address = letter_to(newcomer)
    for _ in range(2):
        visitor.post(address)
        assert visitor.get(address).status_code == 200
    assert Proof.objects.filter(method="double_opt_in").count() == 1
    visitor.post(link(newcomer, "unsubscribe/"), {"List-Unsubscribe": "One-Click"})
    for answer in (visitor.get(address), visitor.post(address)):
        assert answer.status_code == 404
        assert "Sign up there once more" in answer.content.decode()
    assert status_of(newcomer, "email") == "unsubscribed"


def test_a_refusal_under_another_record_of_the_person_counts_too(visitor, newcomer, store):
    address = letter_to(newcomer)
    other = a_customer(store, "other@example.com")
    merge_customers(other, newcomer, by="x")
    consent.unsubscribe(other, source="form", method="form")
    assert visitor.post(address).status_code == 404
    assert status_of(other, "email") == "unsubscribed"


def test_who_signs_up_again_confirms_by_the_new_letter_only(visitor, newcomer):
    old = letter_to(newcomer)
    consent.unsubscribe(newcomer, source="form", method="form")
    new = letter_to(newcomer)
    assert visitor.post(old).status_code == 404
    assert status_of(newcomer, "email") == "unsubscribed"
    assert visitor.post(new).status_code == 302
    assert status_of(newcomer, "email") == "subscribed"


def test_a_letter_is_good_for_a_week(visitor, newcomer):
    for days, answer in ((8, 404), (6, 302)):
        with patch("django.core.signing.time.time", return_value=timezone.now().timestamp() - days * 86_400):
            address = letter_to(newcomer)
        assert visitor.post(address).status_code == answer


def test_what_is_confirmed_stays_with_the_record_that_asked(visitor, newcomer, store):
    address = letter_to(newcomer)
    other = a_customer(store, "other@example.com")
    merge = merge_customers(other, newcomer, by="x")
    visitor.post(address)
    assert status_of(other, "email") == "subscribed"
    unmerge(merge, by="x")
    newcomer.refresh_from_db()
    assert (status_of(newcomer, "email"), status_of(other, "email")) == ("subscribed", "never_subscribed")


@pytest.mark.parametrize(
    ("color", "ink"), [("#1c6b4f", "#ffffff"), ("#ffe600", "#000000"), ("#777777", "#000000")]
)
def test_the_text_on_the_shops_color_can_be_read(color, ink):
    assert public._ink(color) == ink
