from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from retention.stores import setup
from retention.stores.models import Membership, SetupToken, Store, User

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Olivia",
    "email": "Olivia@Example.com",
    "password": "a-fern-by-the-window",
    "store_name": "Fern & Finch",
    "currency": "EUR",
    "time_zone": "Europe/Paris",
}


def link() -> str:
    return setup.setup_url("http://testserver").removeprefix("http://testserver")


def test_the_link_makes_the_first_owner_and_store(client):
    response = client.post(link(), FORM)
    assert response.headers["Location"] == "/fern-finch/"
    olivia = User.objects.get(email="olivia@example.com")
    assert olivia.is_superuser
    assert olivia.check_password(FORM["password"])
    assert Membership.objects.get(user=olivia).role == "owner"
    assert Store.objects.get().time_zone == "Europe/Paris"


def test_the_link_works_once(client):
    url = link()
    client.post(url, FORM)
    assert client.get(url).status_code == 404
    assert client.post(url, {**FORM, "email": "eve@example.com"}).status_code == 404
    assert User.objects.count() == 1


def test_no_link_works_once_there_is_a_user(client, olivia):
    assert client.get(link()).status_code == 404


def test_a_newer_link_ends_the_older(client):
    older, newer = link(), link()
    assert client.get(older).status_code == 404
    assert client.get(newer).status_code == 200


def test_a_link_expires(client):
    url = link()
    SetupToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(url).status_code == 404


def test_the_token_is_not_in_the_database(client):
    token = link().split("/")[2]
    assert token not in SetupToken.objects.get().digest


@pytest.mark.parametrize("wrong", [{"password": "12345678"}, {"email": "no"}, {"time_zone": "Mars/Base"}])
def test_a_wrong_form_makes_nothing(client, wrong):
    assert client.post(link(), FORM | wrong).status_code == 422
    assert not User.objects.exists()
    assert not Store.objects.exists()


def test_a_store_never_takes_an_address_of_the_application(db):
    assert setup.free_slug("Admin") == "admin-2"
    Store.objects.create(name="Shop", slug="shop")
    assert setup.free_slug("Shop!") == "shop-2"
