"""Getting in: password, second step, passkey, invitation, reset, first set-up."""

from __future__ import annotations

import base64
import hmac
import re
import time

import pytest
from django.core import mail
from django.template.loader import render_to_string

from retention.dashboard import desk_actions as actions
from retention.stores import setup
from retention.stores.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    moment = int(time.time()) // 30
    digest = hmac.digest(base64.b32decode(secret), moment.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def sign_in(page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm_password(page) -> None:
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()


def test_a_wrong_password_is_told_without_telling_which(page, live_server, olivia, assert_usable):
    page.goto(f"{live_server.url}/accounts/login/")
    assert_usable(page, "login")
    sign_in(page, olivia.email, "wrong")
    assert page.get_by_role("alert").is_visible()
    first = page.get_by_role("alert").inner_text()
    sign_in(page, "nobody@example.com", "wrong")
    assert page.get_by_role("alert").inner_text() == first
    assert_usable(page, "login-wrong")


def test_a_member_signs_in_and_lands_where_she_wanted(enter, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/activity/")
    assert page.get_by_role("heading", name="Activity").is_visible()
    assert_usable(page, "activity-empty")


def test_an_app_as_second_step_and_recovery_codes(enter, live_server, olivia, assert_usable):
    page = enter(olivia, "/accounts/2fa/")
    assert_usable(page, "mfa")
    page.get_by_role("link", name="Set up an app").click()
    confirm_password(page)
    assert_usable(page, "totp")
    secret = page.locator("#authenticator_secret").input_value()
    page.get_by_label("code").fill(code_of(secret))
    page.get_by_role("button", name="Turn on").click()
    assert_usable(page, "recovery-codes")
    codes = page.locator("#recovery_codes").inner_text().split()
    assert len(codes) == 10
    page.goto(f"{live_server.url}/accounts/2fa/")
    assert_usable(page, "mfa-on")
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/accounts/login/")
    sign_in(page, olivia.email)
    assert "/2fa/authenticate/" in page.url
    assert_usable(page, "second-step")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/fern-finch/" in url)


def test_a_passkey_is_added_and_opens_the_door(enter, live_server, olivia, assert_usable):
    page = enter(olivia, "/accounts/2fa/webauthn/add/")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
    }
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    confirm_password(page)
    assert_usable(page, "passkey-add")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(lambda url: "/add/" not in url)
    page.goto(f"{live_server.url}/accounts/2fa/webauthn/")
    assert page.get_by_text("Laptop", exact=True).first.is_visible()
    assert_usable(page, "passkeys")
    page.get_by_role("link", name="Rename").click()
    assert_usable(page, "passkey-edit")
    page.goto(f"{live_server.url}/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove").click()
    assert_usable(page, "passkey-remove")
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/fern-finch/" in url)


def test_a_forgotten_password_is_replaced(page, live_server, olivia, assert_usable):
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("link", name="Forgot").click()
    assert_usable(page, "reset")
    page.get_by_label("Email").fill(olivia.email)
    page.get_by_role("button").last.click()
    assert_usable(page, "reset-sent")
    link = re.search(r"https?://\S+/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(live_server.url + "/" + link[0].split("/", 3)[3])
    assert_usable(page, "reset-new")
    page.get_by_label("New Password", exact=True).fill("another-fern-outside")
    page.get_by_label("New Password (again)").fill("another-fern-outside")
    page.get_by_role("button").last.click()
    assert_usable(page, "reset-done")
    olivia.refresh_from_db()
    assert olivia.check_password("another-fern-outside")


def test_the_password_is_changed_from_the_menu(enter, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/activity/")
    page.locator("details.menu summary").click()
    assert_usable(page, "menu")
    page.get_by_role("link", name="Change password").click()
    assert_usable(page, "password-change")


def test_an_invited_person_joins(page, live_server, store, olivia, assert_usable):
    actions.invite_member(store, "nora@example.com", "support", by=olivia, base_url=live_server.url)
    link = re.search(r"http\S+/join/\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(link[0])
    assert_usable(page, "join")
    page.get_by_label("Your name").fill("Nora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(lambda url: "/fern-finch/" in url)
    page.goto(link[0])
    assert_usable(page, "join-closed")


def test_a_known_person_is_asked_to_sign_in_first(page, live_server, store, olivia, stranger, assert_usable):
    actions.invite_member(store, stranger.email, "support", by=olivia, base_url=live_server.url)
    link = re.search(r"http\S+/join/\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(link[0])
    assert_usable(page, "join-sign-in")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, stranger.email)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(lambda url: url.endswith("/fern-finch/"))


def test_the_first_set_up(page, live_server, db, assert_usable):
    page.goto(setup.setup_url(live_server.url))
    assert_usable(page, "setup")
    page.get_by_label("Your name").fill("Olivia")
    page.get_by_label("E-mail").fill("olivia@example.com")
    page.get_by_label("Password").fill("12345678")
    page.get_by_label("Name of the store").fill("Fern & Finch")
    page.get_by_role("button", name="Open the store").click()
    assert_usable(page, "setup-wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open the store").click()
    page.wait_for_url(lambda url: "/fern-finch/" in url)
    assert User.objects.get().is_superuser


def test_a_person_without_a_store_reads_what_to_do(enter, other_store, db, assert_usable):
    page = enter(User.objects.create_user("lone@example.com", PASSWORD), "/")
    assert page.get_by_role("heading", name="You are not in a store yet").is_visible()
    assert_usable(page, "no-store")


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500"])
def test_error_pages_say_what_to_do(page, live_server, db, name, assert_usable):
    body = render_to_string(f"{name}.html")
    page.route("**/broken/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{live_server.url}/broken/")
    assert page.get_by_role("link", name="Back to your store").is_visible()
    assert_usable(page, f"error-{name}")
