"""What an administrator's pages give away, and what outlives a change of address."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from retention.stores.models import OutboxMail, User
from tests.conftest import PASSWORD

RESET = "/accounts/password/reset/"
LOGIN = "/accounts/login/"


def person_page(user: User) -> str:
    return reverse("admin:stores_user_change", args=[user.pk])


def sign_in(email: str) -> int:
    return Client().post(LOGIN, {"login": email, "password": PASSWORD}).status_code


def test_a_password_is_neither_shown_nor_kept_as_it_was_typed(as_user, ada, olivia):
    client, before = as_user(ada), olivia.password
    assert before not in client.get(person_page(olivia)).content.decode()
    told = {"email": olivia.email, "name": "Liv", "is_active": "on", "password": "my-new-Secret-77"}
    assert client.post(person_page(olivia), told).status_code == 302
    olivia.refresh_from_db()
    assert (olivia.name, olivia.password) == ("Liv", before)


def test_a_password_is_set_on_its_own_page(as_user, ada, olivia):
    client, page = as_user(ada), reverse("admin:auth_user_password_change", args=[olivia.pk])
    assert b"../password/" in client.get(person_page(olivia)).content
    new = {
        "set-password": "",
        "usable_password": "true",
        "password1": "my-new-Secret-77",
        "password2": "my-new-Secret-77",
    }
    assert client.post(page, new).status_code == 302
    olivia.refresh_from_db()
    assert olivia.check_password("my-new-Secret-77")


def test_a_former_address_opens_nothing(as_user, ada, olivia):
    former = olivia.email
    assert sign_in(former) == 302
    Client().post(RESET, {"email": former})  # whereupon the address is kept as one of hers
    assert EmailAddress.objects.filter(user=olivia, email=former).exists()
    told = {"email": "Olivia@new.example", "name": "Olivia", "is_active": "on"}
    assert as_user(ada).post(person_page(olivia), told).status_code == 302
    mail.outbox.clear()
    Client().post(RESET, {"email": former})
    assert not [letter for letter in mail.outbox if "/key/" in str(letter.body)]
    assert sign_in(former) == 200
    assert sign_in("olivia@new.example") == 302
    Client().post(RESET, {"email": "olivia@new.example"})
    assert "/key/" in str(mail.outbox[-1].body)
    assert mail.outbox[-1].to == ["olivia@new.example"]


def test_an_address_that_was_somebody_elses_opens_only_the_new_owners_account(as_user, ada, olivia, marco):
    EmailAddress.objects.create(user=marco, email="desk@example.com", verified=True)
    told = {"email": "desk@example.com", "name": "Olivia", "is_active": "on"}
    assert as_user(ada).post(person_page(olivia), told).status_code == 302
    assert list(EmailAddress.objects.values_list("user", "email")) == [(olivia.pk, "desk@example.com")]


def test_another_name_leaves_the_address_alone(as_user, ada, olivia):
    kept = EmailAddress.objects.create(user=olivia, email=olivia.email, primary=True, verified=True)
    told = {"email": olivia.email, "name": "Liv", "is_active": "on"}
    assert as_user(ada).post(person_page(olivia), told).status_code == 302
    assert EmailAddress.objects.get() == kept


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_letters_that_open_accounts_are_for_those_with_all_rights(as_user, ada, rights):
    OutboxMail.objects.create(to=ada.email, subject="Reset", text="/accounts/password/reset/key/1-abc/")
    client = as_user(User.objects.create_user("staff@example.com", PASSWORD, **rights))
    answer = client.get("/outbox/")
    assert (b"reset/key" in answer.content) == (len(rights) == 2) == (answer.status_code == 200)
    assert (b'href="/outbox/"' in client.get("/accounts/password/change/").content) == (len(rights) == 2)
