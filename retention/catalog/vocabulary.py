"""What the timeline can say about products."""

from __future__ import annotations

from dataclasses import dataclass

from retention.timeline.kinds import Kind, kind


@kind
@dataclass(frozen=True, kw_only=True)
class ProductCorrected(Kind):
    """Somebody set cost, stock, the reorder interval or relations by hand; `fields` names which."""

    name = "product.corrected"
    icon = "package"
    sentence = "Changed {fields} of product {product}"
    product: int
    fields: str
