"""The owner's target for the repeat rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from retention.stores.models import Store
from retention.timeline.models import Event
from tests.dashboard.shop import AS_OF, open_shop
from tests.metrics.shop import a_customer, an_order, tell_all

pytestmark = pytest.mark.django_db
TARGET = f"/fern-finch/target/?{AS_OF}"
BY_HTMX = {"HX-Request": "true", "HX-Target": "target"}


@pytest.fixture
def owner(olivia, store) -> Client:
    open_shop(store)
    client = Client()
    client.force_login(olivia)
    return client


def target() -> Decimal | None:
    return Store.objects.get(slug="fern-finch").target_rpr


def test_the_owner_sets_it_and_the_activity_tells_who(owner, olivia):
    response = owner.post(TARGET, {"target_rpr": "70,5 %"})
    assert (response.status_code, response["Location"]) == (302, f"/fern-finch/?{AS_OF}")
    assert target() == Decimal("70.5")
    assert Event.objects.get(kind="store.settings_changed").by == f"user:{olivia.pk}"


def test_the_same_target_again_tells_nothing(owner):
    owner.post(TARGET, {"target_rpr": "70"})
    owner.post(TARGET, {"target_rpr": "70.0"})
    assert Event.objects.filter(kind="store.settings_changed").count() == 1


def test_by_htmx_the_panel_and_the_card_change_and_a_toast_can_undo(owner):
    owner.post(TARGET, {"target_rpr": "40"})
    response = owner.post(TARGET, {"target_rpr": "75"}, headers=BY_HTMX)
    said = response.content.decode()
    assert 'id="target"' in said
    assert 'id="card-repeat-rate"' in said
    assert "target 75" in said
    undo = response["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    assert owner.post(undo, headers=BY_HTMX).status_code == 200
    assert target() == 40


def test_an_empty_field_takes_it_away(owner):
    owner.post(TARGET, {"target_rpr": "40"})
    owner.post(TARGET, {"target_rpr": ""})
    assert target() is None


@pytest.mark.parametrize("typed", ["a lot", "-1", "0", "100", "nan", "Infinity", "1e99"])
def test_what_is_no_rate_is_refused_beside_the_field(owner, typed):
    response = owner.post(TARGET, {"target_rpr": typed})
    assert response.status_code == 422
    assert b'id="target-error"' in response.content
    assert b'id="results"' in response.content
    in_part = owner.post(TARGET, {"target_rpr": typed}, headers=BY_HTMX)
    assert in_part.status_code == 422
    assert b'id="target-error"' in in_part.content
    assert b'id="results"' not in in_part.content
    assert target() is None


@pytest.mark.parametrize("name", ["marco", "sam", "ana"])
def test_nobody_else_sets_it(request, owner, name):
    client = Client()
    client.force_login(request.getfixturevalue(name))
    assert client.post(TARGET, {"target_rpr": "70"}).status_code == 403
    assert target() is None
    said = client.get(f"/fern-finch/?{AS_OF}").content.decode()
    assert "Set target" not in said
    assert "An owner can set one" in said


def test_the_worth_of_it_shows_its_arithmetic(client, store, olivia):
    for number in range(40):
        customer = a_customer(store)
        for times in range(2 if number < 10 else 1):
            an_order(customer, date(2026, 3, 1 + times), 2000)
    tell_all(store)
    client.force_login(olivia)
    said = client.get(f"/fern-finch/?{AS_OF}").content.decode().replace("\u00a0", " ")
    assert "+$40 a year" in said
    assert "rose from 25.0 % to 30.0 %." in said
    assert "40 people bought in the last 365 days, 10 of them (25.0 %) more than once." in said
    assert "2 × 1.00 × $20.00 ≈ $40 a year." in said


def test_ten_loyal_buyers_are_not_told_that_nobody_bought_twice(client, store, olivia):
    for number in range(10):
        customer = a_customer(store)
        for times in range(2 if number < 8 else 1):
            an_order(customer, date(2026, 3, 1 + times), 2000)
    tell_all(store)
    client.force_login(olivia)
    said = client.get(f"/fern-finch/?{AS_OF}").content.decode().replace("\u00a0", " ")
    assert "80.0 %" in said
    assert "As soon as somebody has bought twice" not in said
    assert "Too few buyers yet: 5.0 % of the last 365 days’ 10 buyers is less than one person." in said
