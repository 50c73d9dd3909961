"""What was bought, sent and given back. Money is integer minor units of the store's currency."""

from __future__ import annotations

from django.db import models

from retention.catalog.models import Product
from retention.customers.models import Customer
from retention.stores.models import Store


class OrderQuerySet(models.QuerySet["Order"]):
    def purchases(self) -> OrderQuerySet:
        """Orders with a customer that are not cancelled, not tests and not void."""
        return self.filter(customer__isnull=False, cancelled_at__isnull=True, test=False, void=False)


class Order(models.Model):
    """An order as its source last told it. `(version, digest)` decides between two tellings:
    the source's own `updated_at` in microseconds, then the content, so that arrival order does not matter."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="orders", db_index=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=120)
    number = models.CharField(max_length=120, blank=True, default="")
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    placed_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    test = models.BooleanField(default=False)
    # Nothing was sold: an adjustment whose every line is priced 0, or a draft that the source calls void.
    void = models.BooleanField(default=False)
    items = models.BigIntegerField(default=0)
    discounts = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    shipping = models.BigIntegerField(default=0)
    tax = models.BigIntegerField(default=0)
    channel = models.CharField(max_length=80, blank=True, default="")
    campaign = models.CharField(max_length=120, blank=True, default="")
    coupon = models.CharField(max_length=120, blank=True, default="")
    country = models.CharField(max_length=80, blank=True, default="")
    first_category = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=40, blank=True, default="")
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=32, blank=True, default="")

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "external_id"], name="orders_order_once")
        ]
        indexes = [
            models.Index(fields=["customer", "placed_at"], name="orders_order_customer"),
            models.Index(fields=["store", "-placed_at", "-id"], name="orders_order_recent"),
        ]

    def __str__(self) -> str:
        return self.number or self.external_id

    @property
    def net(self) -> int:
        """Net revenue: items - discounts - refunded items; no tax, shipping, gift cards or tips."""
        return self.items - self.discounts - self.refunded


class Line(models.Model):
    """One line of an order; replaced as a whole with its order's telling.

    Written by one statement that joins its order and product, so the database does not check them again
    row by row: those checks were half of an import's time.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_constraint=False)
    position = models.IntegerField(default=0)
    product = models.ForeignKey(
        Product,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="lines",
        db_index=False,
        db_constraint=False,
    )
    sku = models.CharField(max_length=255, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="")
    quantity = models.IntegerField(default=1)
    unit_price = models.BigIntegerField(default=0)
    discount = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    gift_card = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.title or self.sku}"


class Refund(models.Model):
    """Money given back for items. Without an order it is a credit note: the source does not say which
    order it cancels; it still lowers its customer's and the shop's net revenue on its date."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="refunds", db_index=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=160)
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="refunds")
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds"
    )
    refunded_at = models.DateTimeField()
    amount = models.BigIntegerField()
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "external_id"], name="orders_refund_once")
        ]
        indexes = [models.Index(fields=["store", "refunded_at"], name="orders_refund_day")]

    def __str__(self) -> str:
        return f"Refund {self.external_id}"


class Shipment(models.Model):
    """A parcel on its way."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shipments")
    external_id = models.CharField(max_length=160)
    carrier = models.CharField(max_length=80, blank=True, default="")
    tracking_number = models.CharField(max_length=120, blank=True, default="")
    shipped_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "external_id"], name="orders_shipment_once")]

    def __str__(self) -> str:
        return f"Shipment {self.external_id}"
