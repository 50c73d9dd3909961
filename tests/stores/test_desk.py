from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from retention.customers.vocabulary import ConsentUnsubscribed
from retention.ingest.vocabulary import ImportStarted
from retention.segments.actions import create_list
from retention.stores.models import Store
from retention.timeline.actions import record
from retention.timeline.models import Event
from tests import world

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


def test_the_currency_stays_once_there_are_amounts(desk, store):
    """Amounts are kept in the smallest unit: 30.00 euros would become 3,000 yen."""
    world.an_order(world.a_customer(store))
    assert b"It stays, because amounts in it are here" in desk.get(URL).content
    assert desk.post(URL, {**FORM, "currency": "JPY", "target_rpr": "33"}).status_code == 302
    store.refresh_from_db()
    assert (store.currency, store.target_rpr) == ("USD", 33)


def test_activity_says_of_whom_and_leaves_out_what_imports_did(desk, store, olivia):
    cara = world.a_customer(store, first_name="Cara")
    with transaction.atomic():
        told = consent_told("sms")
        record(store, told, customer_id=cara.pk, by=f"user:{olivia.pk}")
        record(store, told, customer_id=cara.pk, by="import:1")
    page = desk.get("/fern-finch/activity/").content.decode()
    assert page.count("Unsubscribed from SMS (marketing)") == 1
    assert f'<a href="/fern-finch/customers/{cara.pk}/">Cara</a>' in page


def test_activity_leads_to_segments_and_imports(desk, store, olivia):
    group = create_list(store, name="Friends", by=f"user:{olivia.pk}")
    with transaction.atomic():
        record(store, ImportStarted(run=7, format="mailchimp"), by=f"user:{olivia.pk}")
        record(store, ImportStarted(run=8, format="lines"), by=f"user:{olivia.pk}")
    page = desk.get("/fern-finch/activity/").content.decode()
    links = f"segments/{group.pk}/", "customers/import/7/", "import/8/"
    assert all(f'href="/fern-finch/{link}"' in page for link in links)


def consent_told(channel: str) -> ConsentUnsubscribed:
    return ConsentUnsubscribed(channel=channel, purpose="marketing", source="staff", method="by_hand")
