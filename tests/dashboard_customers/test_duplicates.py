"""Two records, one person: side by side, merged, taken apart, left alone."""

from __future__ import annotations

import json

import pytest

from retention.customers.models import Apart, Customer, Merge
from tests.dashboard_customers.shop import count, known_as, open_shop, twins
from tests.world import a_customer, an_order

pytestmark = pytest.mark.django_db
URL = "/fern-finch/customers/duplicates/"
BASE = "/fern-finch/customers"
HX = {"HX-Request": "true", "HX-Target": "pairs"}


def of(customer: Customer) -> Customer:
    return Customer.objects.get(pk=customer.pk)


def test_suspects_stand_side_by_side_with_what_they_bought(store, ana, as_user):
    one, two = twins(store)
    an_order(two, items=4_200)
    count(store)
    text = as_user(ana).get(URL).content.decode()
    assert f'id="pair-{one.pk}-{two.pk}"' in text
    for words in ("same e-mail", "ana.ruiz@gmail.com", "anaruiz+shop@gmail.com", "$42.00"):
        assert words in text, words
    assert "Merge into" not in text


def test_the_chosen_one_stays_and_the_toast_takes_it_back(store, sam, as_user):
    one, two = twins(store)
    client = as_user(sam)
    answer = client.post(f"{BASE}/{two.pk}/merge/{one.pk}/", headers=HX)
    assert of(one).merged_into == two
    assert "No suspected duplicates" in answer.content.decode()
    undone = client.post(json.loads(answer["HX-Trigger"])["toast"]["undo"], headers=HX)
    assert undone["HX-Redirect"] == f"/fern-finch/customers/{two.pk}/"
    assert of(one).merged_into is None
    assert "No suspected duplicates" in client.get(URL).content.decode()


def test_the_page_of_the_person_names_the_suspect_and_takes_merges_apart(store, sam, as_user):
    one, two = twins(store)
    client = as_user(sam)
    text = client.get(f"/fern-finch/customers/{two.pk}/").content.decode()
    assert f"#pair-{one.pk}-{two.pk}" in text
    client.post(f"{BASE}/{one.pk}/merge/{two.pk}/")
    text = client.get(f"/fern-finch/customers/{one.pk}/").content.decode()
    assert "Separate" in text
    client.post(f"/fern-finch/customers/merges/{Merge.objects.get().pk}/undo/")
    assert of(two).merged_into is None
    again = client.post(f"/fern-finch/customers/merges/{Merge.objects.get().pk}/undo/", follow=True)
    assert "undone already" in again.content.decode()


def test_the_chosen_name_stays_and_every_address_is_on_the_page(store, sam, as_user):
    one = a_customer(
        store, "ana.ruiz@gmail.com", first_name="Ana", last_name="Ruiz", phone="+34 600 100 200",
        versions={"first_name": 1},
    )  # fmt: skip
    two = a_customer(
        store, "anaruiz+shop@gmail.com", first_name="A.", last_name="Ruiz", phone="+34 600 300 400",
        versions={"first_name": 9, "email": 9, "phone": 9},
    )  # fmt: skip
    known_as(two, "c2")
    client = as_user(sam)
    answer = client.post(f"{BASE}/{one.pk}/merge/{two.pk}/", headers=HX)
    assert "Ana Ruiz is one person now" in answer["HX-Trigger"]
    assert (of(one).name, of(one).email, of(one).phone) == (
        "Ana Ruiz",
        "ana.ruiz@gmail.com",
        "+34 600 100 200",
    )
    text = client.get(f"{BASE}/{one.pk}/").content.decode()
    for value, whence in (
        ("ana.ruiz@gmail.com", "this record"), ("+34 600 100 200", "this record"),
        ("anaruiz+shop@gmail.com", f"record {two.pk} · Shop c2"),
        ("+34 600 300 400", f"record {two.pk} · Shop c2"),
    ):  # fmt: skip
        assert f"<dd>{value}<small>{whence}</small></dd>" in text


def test_an_address_that_a_person_once_had_is_on_the_page(store, ana, as_user):
    one = a_customer(store, "ana@example.com")
    url = f"{BASE}/{one.pk}/"
    assert "contacts" not in as_user(ana).get(url).content.decode()
    known_as(one, "old@example.com", "email")
    text = as_user(ana).get(url).content.decode()
    assert "<dd>old@example.com<small>this record</small></dd>" in text


def test_two_people_are_not_proposed_again(store, marco, as_user):
    one, two = twins(store)
    as_user(marco).post(f"{BASE}/{two.pk}/apart/{one.pk}/", headers=HX)
    assert Apart.objects.get().low == one
    assert "No suspected duplicates" in as_user(marco).get(URL).content.decode()


def test_a_merge_that_cannot_be_says_why(store, olivia, as_user):
    one, two = twins(store)
    client = as_user(olivia)
    client.post(f"{BASE}/{one.pk}/merge/{two.pk}/")
    answer = client.post(f"{BASE}/{one.pk}/merge/{two.pk}/", headers=HX)
    assert answer.status_code == 422
    assert "merged into another already" in answer.content.decode()


@pytest.mark.parametrize("verb", ["merge", "apart"])
def test_the_analyst_is_refused_and_strangers_find_nothing(
    store, other_store, ana, olivia, stranger, as_user, verb
):
    one, two = twins(store)
    theirs = open_shop(other_store)["bo"]
    url = f"{BASE}/{one.pk}/{verb}/{two.pk}/"
    assert as_user(ana).post(url).status_code == 403
    assert as_user(stranger).post(url).status_code == 404
    assert as_user(None).post(url)["Location"].startswith("/accounts/login/")
    for wrong in (theirs.pk, one.pk, 999_999_999):
        assert as_user(olivia).post(f"{BASE}/{one.pk}/{verb}/{wrong}/").status_code == 404
    assert not Merge.objects.exists()
    assert not Apart.objects.exists()
    assert of(theirs).merged_into is None
