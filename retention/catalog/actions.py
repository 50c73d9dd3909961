"""Changes of products by hand."""

from __future__ import annotations

from django.db import transaction

from retention.catalog.models import Product, ProductRelation
from retention.catalog.vocabulary import ProductCorrected
from retention.timeline.actions import record


@transaction.atomic
def correct_product(
    product: Product,
    *,
    fields: list[str],
    relate: list[ProductRelation] | None = None,
    part: list[ProductRelation] | None = None,
    by: str,
) -> None:
    """Keep these fields of the product, and write and delete these relations of it."""
    product.save(update_fields=fields)
    for relation in part or ():
        relation.delete()
    for relation in relate or ():
        relation.save()
    names = [name.replace("_", " ") for name in fields] + (["relations"] if relate or part else [])
    if names:
        told = ProductCorrected(product=product.pk, fields=", ".join(names))
        record(product.store, told, subject=f"product:{product.pk}", by=by)
