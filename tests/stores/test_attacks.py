"""What somebody with bad intentions, or two fingers on one button, may try."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connections
from django.test import Client

from retention.dashboard import desk_actions as actions
from retention.stores.models import Membership, Store, User
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"


@pytest.fixture(autouse=True)
def _no_limits_from_before(db):
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def join_link(store: Store, olivia: User, email: str = "nora@example.com") -> str:
    actions.invite_member(store, email, "support", by=olivia, base_url="http://testserver")
    found = re.search(r"http://testserver(/join/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_an_unknown_host_is_refused(client):
    assert client.get(LOGIN, headers={"host": "evil.example"}).status_code == 400


def test_the_link_of_a_reset_never_leads_to_another_host(client, olivia, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.BASE_URL = "https://shop.example"
    client.post(RESET, {"email": olivia.email}, headers={"host": "evil.example"})
    letter = str(mail.outbox[-1].body)
    assert "https://shop.example/accounts/password/reset/key/" in letter
    assert "evil.example" not in letter + mail.outbox[-1].subject


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_and_sign_out_lead_to_our_own_pages_only(client, olivia, target):
    assert sign_in(client, olivia.email, next=target).headers["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": target}).headers["Location"] == "/"


def test_a_part_asked_for_after_signing_out_brings_the_whole_page_to_sign_in(client, store):
    headers = {"hx-request": "true", "hx-current-url": "https://evil.example/fern-finch/activity/?before=9"}
    response = client.get("/fern-finch/activity/", headers=headers)
    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == LOGIN + "?next=/fern-finch/activity/%3Fbefore%3D9"


def test_signing_in_changes_the_session(client, olivia):
    client.get(LOGIN)
    session = client.session
    session["planted"] = "x"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    sign_in(client, olivia.email)
    assert client.session.session_key != before


def test_a_new_password_ends_other_sessions(olivia):
    here, elsewhere = Client(), Client()
    for browser in (here, elsewhere):
        sign_in(browser, olivia.email)
    new = {"oldpassword": PASSWORD, "password1": "another-fern-outside", "password2": "another-fern-outside"}
    assert here.post("/accounts/password/change/", new).status_code == 302
    assert here.get("/fern-finch/activity/").status_code == 200
    assert elsewhere.get("/fern-finch/activity/").status_code == 302


def test_somebody_switched_off_is_out_at_once(as_user, olivia):
    client = as_user(olivia)
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    assert client.get("/fern-finch/activity/").status_code == 302
    assert "inactive" in sign_in(Client(), olivia.email).headers["Location"]


def test_a_removed_member_is_out_at_once(as_user, marco):
    client = as_user(marco)
    marco.memberships.all().delete()
    assert client.get("/fern-finch/activity/").status_code == 404


def test_guessing_passwords_is_slowed_down(client, olivia):
    for number in range(5):
        sign_in(client, olivia.email, f"guess {number}")
    # From another network and with the right password: the account itself is closed for a while.
    blocked = Client(REMOTE_ADDR="203.0.113.9").post(LOGIN, {"login": olivia.email, "password": PASSWORD})
    assert blocked.status_code == 200
    assert b"Too many failed" in blocked.content


def test_a_made_up_address_of_origin_does_not_help_guessing(client):
    answers = [
        client.post(
            LOGIN,
            {"login": f"p{n}@example.com", "password": "x"},
            headers={"x-forwarded-for": f"203.0.113.{n}"},
        )
        for n in range(12)
    ]
    assert b"Too many failed" in answers[-1].content


def test_a_reset_says_the_same_for_known_and_unknown(client, olivia):
    known = client.post(RESET, {"email": olivia.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@example.com"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    texts = [
        re.sub(rb'(csrfmiddlewaretoken" value|CSRFToken": )"[^"]+"', b"", page.content)
        for page in (known, unknown)
    ]
    assert texts[0] == texts[1]


def test_a_link_of_a_reset_works_once(client, olivia):
    client.post(RESET, {"email": olivia.email})
    found = re.search(r"(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found
    form = client.get(found[1], follow=True).redirect_chain[-1][0]
    new = {"password1": "another-fern-outside", "password2": "another-fern-outside"}
    assert client.post(form, new).status_code == 302
    assert b"does not work anymore" in Client().get(found[1], follow=True).content


def test_nobody_takes_another_address_by_himself(client, olivia):
    """An address decides which invitations one may take, so only an administrator changes it."""
    client.force_login(olivia)
    client.post("/accounts/email/", {"action_add": "", "email": "victim@example.com"})
    client.post("/accounts/email/", {"action_primary": "", "email": "victim@example.com"})
    olivia.refresh_from_db()
    assert olivia.email == "olivia@example.com"
    assert client.get("/accounts/email/").status_code == 404


def test_nobody_signs_up_uninvited(client, db):
    form = {"email": "eve@example.com", "password1": PASSWORD, "password2": PASSWORD}
    assert b"By invitation" in client.post("/accounts/signup/", form).content
    assert not User.objects.exists()


def test_a_form_without_its_token_is_refused_kindly(olivia, store):
    client = Client(enforce_csrf_checks=True)
    client.force_login(olivia)
    response = client.post("/fern-finch/settings/", {"name": "Stolen"})
    assert response.status_code == 403
    assert b"The form was too old" in response.content
    store.refresh_from_db()
    assert store.name == "Fern & Finch"


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_join_makes_one_member(store, olivia):
    url = join_link(store, olivia)
    answers = together(url, [Client() for _ in range(4)], {"name": "Nora", "password": PASSWORD})
    # One click joins; a late one finds the link used, or the person known and asked to sign in.
    assert answers.count(302) == 1
    assert set(answers) <= {200, 302, 410}
    assert User.objects.filter(email="nora@example.com").count() == 1
    assert Membership.objects.filter(user__email="nora@example.com").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_of_a_known_person_makes_one_member(store, olivia, stranger, as_user):
    url = join_link(store, olivia, stranger.email)
    answers = together(url, [as_user(stranger) for _ in range(4)], {})
    assert set(answers) <= {302, 410}
    assert stranger.memberships.filter(store=store).count() == 1


def together(url: str, clients: list[Client], data: dict[str, str]) -> list[int]:
    start = threading.Barrier(len(clients))

    def press(client: Client) -> int:
        start.wait(20)
        try:
            return client.post(url, data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(press, clients))


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_leave_one(store, olivia, marco, as_user):
    marco.memberships.update(role="owner")
    start = threading.Barrier(2)

    def press(pair) -> int:
        client, victim = pair
        start.wait(20)
        try:
            return client.post(f"/fern-finch/settings/members/{victim}/remove/").status_code
        finally:
            connections.close_all()

    pairs = [
        (as_user(olivia), marco.memberships.get().pk),
        (as_user(marco), olivia.memberships.get().pk),
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(press, pairs))
    assert 500 not in answers
    assert store.memberships.filter(role="owner").count() == 1


def test_an_owner_who_steps_down_is_led_to_a_page_that_opens(client, store, olivia, marco):
    marco.memberships.update(role="owner")
    client.force_login(olivia)
    url = f"/fern-finch/settings/members/{olivia.memberships.get().pk}/role/"
    assert client.post(url, {"role": "analyst"}, follow=True).status_code == 200


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b", " "])
def test_a_name_that_cannot_be_is_told_in_the_form(client, olivia, store, name):
    client.force_login(olivia)
    assert client.post("/fern-finch/settings/", {"name": name}).status_code == 422


@pytest.mark.parametrize("name", ["🌿" * 60, "<script>alert(1)</script>", "שלום", "Robert'); DROP TABLE"])
def test_any_name_is_shown_as_it_is(client, store, olivia, name):
    Store.objects.filter(pk=store.pk).update(name=name)
    User.objects.filter(pk=olivia.pk).update(name=name)
    client.force_login(olivia)
    for path in ("settings/", "settings/members/", "activity/"):
        page = client.get(f"/fern-finch/{path}")
        assert page.status_code == 200
        assert b"<script>alert" not in page.content


@pytest.mark.parametrize(
    "path", ["activity/?before=99999999999999999999", "activity/?before=-1", "activity/?before=%00"]
)
def test_odd_places_in_a_list_are_survived(client, store, olivia, path):
    client.force_login(olivia)
    assert client.get(f"/fern-finch/{path}").status_code == 200


@pytest.mark.parametrize("token", ["x", "%00", "a" * 3000, "WzFd:1abcde:xyz"])
def test_odd_invitations_are_closed(client, store, token):
    assert client.get(f"/join/{token}/").status_code in (404, 410)


def test_every_page_carries_its_policy(client, store, olivia):
    client.force_login(olivia)
    for path in ("/fern-finch/settings/", LOGIN, "/nowhere/here/"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy + ";"
        assert "unsafe-eval" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_cookies_are_out_of_reach_of_scripts(client, olivia):
    cookie = sign_in(client, olivia.email).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
