"""What is sold. A product row is what a line points to: a sellable item with its own SKU."""

from __future__ import annotations

from django.db import models

from retention.stores.models import Store


class Product(models.Model):
    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="products", db_index=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    sku = models.CharField(max_length=255, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="")
    handle = models.CharField(max_length=255, blank=True, default="")
    category = models.CharField(max_length=255, blank=True, default="")
    vendor = models.CharField(max_length=255, blank=True, default="")
    tags = models.JSONField(default=list)
    image_url = models.CharField(max_length=1000, blank=True, default="")
    price = models.BigIntegerField(null=True, blank=True, help_text="Minor units of the store's currency.")
    cost = models.BigIntegerField(
        null=True, blank=True, help_text="What one piece costs you, in minor units."
    )
    stock = models.IntegerField(null=True, blank=True)
    reorder_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days after which people usually reorder."
    )
    active = models.BooleanField(default=True)
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "external_id"], name="catalog_product_once")
        ]
        indexes = [models.Index(fields=["store", "sku"], name="catalog_product_sku")]

    def __str__(self) -> str:
        return self.title or self.sku or self.external_id


class RelationKind(models.TextChoices):
    COMPLEMENT = "complement", "Goes well with"
    ACCESSORY = "accessory", "Accessory of"
    UPGRADE = "upgrade", "Upgrade of"
    REPLACES = "replaces", "Replaces"


class ProductRelation(models.Model):
    """`other` stands in relation `kind` to `product`: an accessory of it, an upgrade of it, and so on."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="relations")
    other = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=RelationKind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "other", "kind"], name="catalog_relation_once"),
            models.CheckConstraint(
                condition=~models.Q(product=models.F("other")), name="catalog_relation_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.other} {self.get_kind_display()} {self.product}"
