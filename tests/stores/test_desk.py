from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from retention.stores.models import Store
from retention.timeline.models import Event

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
FORM = {
    "name": "Fern & Finch",
    "brand_color": "#1c6b4f",
    "time_zone": "UTC",
    "locale": "en_US",
    "currency": "USD",
    "benchmark_rpr": "28",
    "target_rpr": "",
}
URL = "/fern-finch/settings/"


@pytest.fixture
def desk(client, olivia):
    client.force_login(olivia)
    return client


def test_saved_settings_are_told_in_words(desk, store, olivia):
    assert desk.post(URL, {**FORM, "target_rpr": "33", "currency": "EUR"}).status_code == 302
    store.refresh_from_db()
    assert (store.currency, store.target_rpr) == ("EUR", 33)
    event = Event.objects.get()
    assert event.by == f"user:{olivia.pk}"
    assert event.data["fields"] == "currency, your target, %"
    assert b"Olivia" in desk.get("/fern-finch/activity/").content


def test_saving_without_a_change_tells_nothing(desk, store):
    desk.post(URL, FORM)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"brand_color": "red"}, {"currency": "euro"}, {"time_zone": "X/Y"}]
)
def test_wrong_settings_are_refused(desk, store, wrong):
    assert desk.post(URL, FORM | wrong).status_code == 422
    assert Store.objects.get(pk=store.pk).name == "Fern & Finch"


def test_a_logo_is_kept_under_a_name_of_ours_and_served_as_a_picture(desk, store):
    desk.post(URL, {**FORM, "logo": SimpleUploadedFile("../evil.svg", PNG)})
    store.refresh_from_db()
    assert "evil" not in store.logo.name
    response = desk.get(URL + "logo/")
    assert response.headers["Content-Type"] == "image/png"
    assert b"".join(response.streaming_content) == PNG


def test_a_picture_that_could_carry_a_script_is_refused(desk, store):
    svg = SimpleUploadedFile("logo.png", b"<svg onload='x()'></svg>", "image/png")
    assert desk.post(URL, {**FORM, "logo": svg}).status_code == 422


def test_the_last_owner_reads_why_the_role_stays(desk, store, olivia):
    response = desk.post(f"{URL}members/{olivia.memberships.get().pk}/role/", {"role": "analyst"})
    assert response.status_code == 422
    assert b"A store needs an owner" in response.content


def test_a_member_of_another_store_is_out_of_reach(desk, store, stranger):
    response = desk.post(f"{URL}members/{stranger.memberships.get().pk}/remove/")
    assert response.status_code == 404
    assert stranger.memberships.exists()


def test_activity_is_paged_by_key(desk, store):
    for number in range(60):
        desk.post(URL, {**FORM, "benchmark_rpr": str(number)})
    first = desk.get("/fern-finch/activity/").content.decode()
    assert first.count("Changed the settings") == 50
    before = first.partition("?before=")[2].partition('"')[0]
    assert (
        desk.get(f"/fern-finch/activity/?before={before}").content.decode().count("Changed the settings")
        == 10
    )
