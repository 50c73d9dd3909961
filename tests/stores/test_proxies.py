"""Addresses of visitors as proxies write them."""

from __future__ import annotations

import pytest
from django.test import Client

from retention.customers.consent import status_of, subscribe
from retention.customers.preferences import token_of
from tests.world import a_customer

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("198.51.100.1, 203.0.113.5:4711", "203.0.113.5"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("_hidden, ", None),
        ("203.0.113.5:4711:12", None),
    ],
)
def test_unsubscribing_works_behind_any_proxy(store, settings, told, kept):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    person = a_customer(store)
    subscribe(person, "email", source="form", method="form")
    url = f"/preferences/{token_of(person)}/unsubscribe/"
    assert Client().post(url, ONE_CLICK, headers={"x-forwarded-for": told}).status_code == 200
    assert status_of(person, "email") == "unsubscribed"
    assert person.proofs.latest("pk").ip == kept
