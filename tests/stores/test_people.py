from __future__ import annotations

import re

import pytest
from django.core import mail, signing
from django.core.exceptions import ValidationError

from retention.dashboard import desk_actions as actions
from retention.stores import people
from retention.stores.models import Invitation, Membership, OutboxMail, User
from retention.timeline.models import Event

pytestmark = pytest.mark.django_db
NEW = {"name": "Nora", "password": "a-fern-by-the-window"}


def invited(store, olivia, email="nora@example.com", role="support") -> str:
    actions.invite_member(store, email, role, by=olivia, base_url="http://testserver")
    found = re.search(r"http://testserver(/join/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_an_invited_person_joins_in_the_role_offered(client, store, olivia):
    url = invited(store, olivia)
    assert client.post(url, NEW).headers["Location"] == "/fern-finch/"
    assert Membership.objects.get(user__email="nora@example.com").role == "support"
    assert client.get("/fern-finch/activity/").status_code == 200


def test_a_link_joins_once(client, store, olivia):
    url = invited(store, olivia)
    client.post(url, NEW)
    client.logout()
    assert client.post(url, NEW).status_code == 410


def test_a_forged_or_old_link_is_closed(client, store, olivia, monkeypatch):
    url = invited(store, olivia)
    assert client.get("/join/" + signing.dumps(1, salt="another") + "/").status_code == 410
    monkeypatch.setattr(people, "LIFETIME", -1)
    assert client.get(url).status_code == 410


def test_an_invitation_taken_back_is_closed(client, store, olivia):
    url = invited(store, olivia)
    actions.withdraw_invitation(Invitation.objects.get(), by=olivia)
    assert client.get(url).status_code == 410


def test_inviting_again_replaces_the_offer(store, olivia):
    invited(store, olivia, role="analyst")
    invited(store, olivia, role="owner")
    assert Invitation.objects.get().role == "owner"


def test_a_known_person_joins_when_signed_in_as_that_address(client, store, olivia, stranger):
    url = invited(store, olivia, stranger.email)
    assert b"Sign in" in client.post(url, NEW).content
    client.force_login(stranger)
    client.post(url)
    assert stranger.memberships.filter(store=store).exists()


def test_nobody_joins_with_the_link_of_another(client, store, olivia, stranger):
    User.objects.create_user("nora@example.com", "pw")
    url = invited(store, olivia)
    client.force_login(stranger)
    client.post(url)
    assert not stranger.memberships.filter(store=store).exists()


def test_the_last_owner_stays(store, olivia):
    membership = olivia.memberships.get()
    with pytest.raises(ValidationError):
        actions.remove_member(membership, by=olivia)
    with pytest.raises(ValidationError):
        actions.change_member_role(membership, "support", by=olivia)
    assert olivia.memberships.get().role == "owner"
    assert not Event.objects.exists()


def test_an_owner_may_leave_when_another_stays(store, olivia, marco):
    actions.change_member_role(marco.memberships.get(), "owner", by=olivia)
    actions.remove_member(olivia.memberships.get(), by=olivia)
    assert list(store.memberships.values_list("user", flat=True)) == [marco.pk]


def test_what_was_done_is_told_without_addresses(store, olivia, marco):
    invited(store, olivia)
    actions.change_member_role(marco.memberships.get(), "support", by=olivia)
    told = list(Event.objects.order_by("id").values_list("kind", "by"))
    assert told == [(f"store.{k}", f"user:{olivia.pk}") for k in ("member_invited", "role_changed")]
    assert "nora" not in str(list(Event.objects.values_list("data", flat=True)))


def test_without_a_mail_server_the_letter_is_kept(store, olivia, settings):
    settings.EMAIL_BACKEND = "retention.stores.outbox.OutboxBackend"
    people.invite(store, "nora@example.com", "support", by=olivia, base_url="http://x")
    letter = OutboxMail.objects.get()
    assert letter.to == "nora@example.com"
    assert "http://x/join/" in letter.text


def test_the_outbox_shows_letters_as_text(store, ada, client):
    OutboxMail.objects.create(to="x@example.com", subject="<script>x</script>", text="<b>bold</b>")
    client.force_login(ada)
    page = client.get("/outbox/").content.decode()
    assert "&lt;b&gt;bold" in page
    assert "<script>x" not in page


def test_the_outbox_tells_the_time_of_the_store(store, ada, client):
    type(store).objects.update(time_zone="Pacific/Auckland")
    OutboxMail.objects.create(to="x@example.com", subject="Hello", text="You")
    OutboxMail.objects.update(created_at="2026-01-31T20:05:00Z")
    client.force_login(ada)
    page = client.get("/outbox/").content.decode().replace("\u202f", " ")
    assert "Feb 1, 2026, 9:05" in page
    assert "UTC" not in page
