"""Lists kept by name."""

from __future__ import annotations

import pytest

from retention.dashboard.models import SavedView
from tests.dashboard_customers.shop import open_shop

pytestmark = pytest.mark.django_db
LIST = "/fern-finch/customers/"


def test_a_view_keeps_search_filters_columns_and_order(store, marco, ana, as_user):
    open_shop(store)
    query = "q=mar&country=SE&sort=name&cols=phone&cols=net"
    as_user(marco).post(f"{LIST}views/?{query}", {"name": "Nordic"})
    text = as_user(ana).get(LIST).content.decode()
    assert "Nordic" in text
    assert SavedView.objects.get().query == "q=mar&country=SE&sort=name&cols=phone&cols=net"
    opened = as_user(ana).get(f"{LIST}?{SavedView.objects.get().query}").content.decode()
    assert "Cyd Maras" in opened
    assert "Bo Berg" not in opened
    assert "+46 70 123 45 67" in opened


def test_the_same_name_again_is_the_same_view(store, marco, as_user):
    for country in ("SE", "NO"):
        as_user(marco).post(f"{LIST}views/?country={country}", {"name": "Home"})
    assert [view.query for view in SavedView.objects.all()] == ["country=NO"]


def test_a_view_without_a_name_is_refused(store, marco, as_user):
    assert as_user(marco).post(f"{LIST}views/", {"name": " "}).status_code == 422
    assert not SavedView.objects.exists()


def test_only_what_the_list_knows_is_kept(store, marco, as_user):
    as_user(marco).post(f"{LIST}views/?evil=javascript:1&after=0:1:1&sort=last", {"name": "Plain"})
    assert SavedView.objects.get().query == ""


def test_a_view_goes_away(store, marco, as_user):
    view = SavedView.objects.create(store=store, name="Old")
    as_user(marco).post(f"{LIST}views/{view.pk}/remove/")
    assert not SavedView.objects.exists()
