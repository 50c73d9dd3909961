"""What the administrators' forms say to somebody who does not see them."""

from __future__ import annotations

from retention.catalog.models import Product, ProductRelation


def test_the_kind_of_a_relation_has_a_name(as_user, ada, store):
    cap, mug = (Product.objects.create(store=store, source="x", external_id=name) for name in ("cap", "mug"))
    ProductRelation.objects.create(product=cap, other=mug, kind="complement")
    page = as_user(ada).get(f"/admin/catalog/product/{cap.pk}/change/").content.decode()
    [start] = page.split('name="relations-0-kind"')[1:]
    assert 'aria-label="Kind"' in start.split(">")[0]
