"""The smallest proof that a database is there and holds the models."""

import pytest

from retention.stores.models import Store


@pytest.mark.django_db
def test_a_store_is_kept() -> None:
    Store.objects.create(name="Café 🌿", slug="cafe")
    assert Store.objects.get(slug="cafe").name == "Café 🌿"
