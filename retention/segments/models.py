"""Groups of people by rule or by list, who is in them, and when each was."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from retention.stores.models import Store, User

REVIEW = timedelta(days=182)


def next_review() -> date:
    return timezone.localdate() + REVIEW


class SegmentQuerySet(models.QuerySet["Segment"]):
    def active(self) -> SegmentQuerySet:
        return self.filter(status=Segment.Status.ACTIVE)

    def live(self) -> SegmentQuerySet:
        """Those whose rule decides who is in."""
        return self.active().filter(kind=Segment.Kind.RULE)

    def free_name(self, name: str) -> str:
        """`name`, cut to what fits, with a number behind it when one of these has it."""
        taken = set(self.values_list("name", flat=True))
        free = (name[:120], *(f"{name[:110]} {n}" for n in range(2, len(taken) + 3)))
        return next(one for one in free if one not in taken)


class Segment(models.Model):
    """A named group of a store's people."""

    class Kind(models.TextChoices):
        RULE = "rule", "Rule"
        LIST = "list", "List"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        ARCHIVED = "archived", "Archived"

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="segments", db_index=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.RULE)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    rule = models.JSONField(null=True, blank=True)
    # Which ready-made segment it was made from.
    ready = models.CharField(max_length=40, blank=True, default="")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    review_on = models.DateField(default=next_review)
    # The review date about which a mail went to the owner.
    reminded_for = models.DateField(null=True, blank=True)
    # Counts changes of the rule.
    version = models.IntegerField(default=1)
    # Who is in is true for this zone; empty until first computed.
    time_zone = models.CharField(max_length=64, blank=True, default="")
    refreshed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "name"],
                condition=models.Q(status="active"),
                name="segments_segment_name_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="list", rule=None) | models.Q(kind="rule", rule__isnull=False),
                name="segments_segment_rule_or_list",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tree(self) -> dict[str, Any]:
        """The rule; empty for a list."""
        return self.rule or {}


class Membership(models.Model):
    """One stay of a person in a segment, [entered_at, left_at)."""

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    customer_id = models.BigIntegerField()
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    # rule, deed, time, history, hand, store, merge: why they came.
    cause = models.CharField(max_length=8)
    # Who took over this place on a list when the record was merged into theirs.
    taken_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "customer_id"],
                condition=models.Q(left_at=None),
                name="segments_membership_once",
            )
        ]
        indexes = [
            models.Index(fields=["customer_id", "segment"], name="segments_membership_person"),
            models.Index(fields=["segment", "entered_at"], name="segments_membership_entered"),
        ]

    def __str__(self) -> str:
        return f"Customer {self.customer_id} in {self.segment}"


class Turn(models.Model):
    """When the answer for a person may next change by time alone; no row means never."""

    pk = models.CompositePrimaryKey("segment", "customer_id")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="segments_turn_at"),
            models.Index(fields=["customer_id"], name="segments_turn_person"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Bought(models.Model):
    """What a person bought of a product, ever; category and vendor are the product's present ones."""

    pk = models.CompositePrimaryKey("customer_id", "product_id")
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    customer_id = models.BigIntegerField()
    product_id = models.BigIntegerField()
    category = models.CharField(max_length=255)
    vendor = models.CharField(max_length=255)
    quantity = models.BigIntegerField()
    spend = models.BigIntegerField()
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        indexes = [
            models.Index(fields=["product_id", "customer_id"], name="segments_bought_product"),
            models.Index(fields=["store", "category", "customer_id"], name="segments_bought_category"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of product {self.product_id}"


class Shelf(models.Model):
    """The catalog as `Bought` knows it. `position`: percent of its category's products that cost less."""

    product_id = models.BigIntegerField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    category = models.CharField(max_length=255)
    vendor = models.CharField(max_length=255)
    position = models.DecimalField(max_digits=5, decimal_places=2, null=True)

    def __str__(self) -> str:
        return f"Product {self.product_id}"


class Tally(models.Model):
    """How often something happened to a person, and the first and last time."""

    pk = models.CompositePrimaryKey("customer_id", "kind")
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    customer_id = models.BigIntegerField()
    kind = models.CharField(max_length=64)
    times = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["store", "kind", "last_at", "customer_id"], name="segments_tally_last")
        ]

    def __str__(self) -> str:
        return f"{self.times} x {self.kind}"


class Usual(models.Model):
    """What is usual in a store (see `benchmarks`), and of which day."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="+")
    day = models.DateField()
    numbers = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.store} on {self.day}"
