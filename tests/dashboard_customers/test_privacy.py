"""What the law gives a person a right to: everything that is known, or to be forgotten."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest

from retention.customers.models import Customer
from retention.timeline.models import Event
from tests.dashboard_customers.shop import open_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara(store):
    return open_shop(store)["mara"]


def test_everything_known_comes_as_a_zip(mara, marco, as_user):
    answer = as_user(marco).post(f"/fern-finch/customers/{mara.pk}/export/")
    assert answer["Content-Type"] == "application/zip"
    assert answer["Cache-Control"] == "no-store"
    told = json.loads(zipfile.ZipFile(BytesIO(answer.content)).read("person.json"))
    assert told["profile"][0]["email"] == "mara@example.com"
    assert Event.objects.get(kind="customer.exported").by == f"user:{marco.pk}"


@pytest.mark.parametrize("typed", ["", "mara", "Mara", "yes", "Mara Lindqvist!"])
def test_another_name_erases_nothing(mara, olivia, as_user, typed):
    answer = as_user(olivia).post(f"/fern-finch/customers/{mara.pk}/erase/", {"typed": typed})
    assert answer.status_code == 422
    assert Customer.objects.get(pk=mara.pk).email == "mara@example.com"


def test_the_name_typed_erases_for_good(mara, olivia, as_user):
    client, url = as_user(olivia), f"/fern-finch/customers/{mara.pk}/erase/"
    text = client.get(url).content.decode()
    assert "cannot be undone" in text
    assert "the country (SE)" in text
    client.post(url, {"typed": " mara  lindqvist "})
    mara.refresh_from_db()
    assert mara.erased_at
    assert (mara.email, mara.city, mara.region, mara.postal_code, mara.country) == ("", "", "", "", "SE")
    assert "and the country (SE)" in client.get(f"/fern-finch/customers/{mara.pk}/").content.decode()
    assert client.get(url)["Location"] == f"/fern-finch/customers/{mara.pk}/"


def test_the_marketer_and_support_may_not_erase(mara, marco, sam, as_user):
    for who in (marco, sam):
        url = f"/fern-finch/customers/{mara.pk}/erase/"
        assert as_user(who).get(url).status_code == 403
        assert as_user(who).post(url, {"typed": "Mara Lindqvist"}).status_code == 403
    mara.refresh_from_db()
    assert mara.erased_at is None
