"""What the numbers are made of: fact rows per purchase, person and refund, and small exact rollups.

Everything here is derived from orders and may be thrown away and rebuilt. Rollups hold integers (and sums
of squares), never rates, so adding and subtracting contributions stays exact.

Months are numbers, year * 12 + month - 1: a month after the first purchase is then a difference. A cohort
or month of 0 means all of them. Days and months are those of the store's time zone.

The store of a derived row is no constraint of the database: its check, row by row, would take a third of
the time of a rebuild, and the rows come from facts whose store was checked.
"""

from __future__ import annotations

from django.db import models

from retention.stores.models import Store


class Dimension(models.TextChoices):
    """How rollups are sliced: by what is known of a customer's first purchase."""

    ALL = "all", "All customers"
    CHANNEL = "channel", "Acquisition channel"
    CAMPAIGN = "campaign", "Acquisition campaign"
    COUNTRY = "country", "Country"
    CATEGORY = "category", "First category"


class State(models.Model):
    """In which time zone a store's figures were computed, and when they were last rebuilt."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="+")
    time_zone = models.CharField(max_length=64)
    rebuilt_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.store} in {self.time_zone}"


class Acquired(models.Model):
    """What is known of the person's first purchase; empty when the person never bought."""

    channel = models.CharField(max_length=80)
    campaign = models.CharField(max_length=120)
    country = models.CharField(max_length=80)
    category = models.CharField(max_length=255)
    cohort = models.IntegerField()

    class Meta:
        abstract = True


class Purchase(Acquired):
    """One purchase in its place in a person's sequence."""

    order_id = models.BigIntegerField(primary_key=True)
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    customer_id = models.BigIntegerField()
    placed_at = models.DateTimeField()
    day = models.DateField()
    nth = models.IntegerField()
    previous_day = models.DateField(null=True)
    next_day = models.DateField(null=True)
    first_day = models.DateField()
    month = models.IntegerField()
    first_in_month = models.BooleanField()
    sales = models.BigIntegerField()
    discounts = models.BigIntegerField()
    # What the source says was refunded without saying when: counted on the day of the purchase.
    undated = models.BigIntegerField()
    # Net of all refunds so far, whatever their date: the value of this purchase.
    kept = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["customer_id"], name="metrics_purchase_customer"),
            models.Index(fields=["store", "day"], name="metrics_purchase_day"),
            # Who came back after a day long gone: a repeat curve as of that day.
            models.Index(
                fields=["store", "day"],
                include=["first_day", "cohort"],
                condition=models.Q(nth=2),
                name="metrics_purchase_second",
            ),
        ]

    def __str__(self) -> str:
        return f"Purchase {self.nth} of customer {self.customer_id}"


class RefundFact(Acquired):
    """Money given back to a person, on its date."""

    refund_id = models.BigIntegerField(primary_key=True)
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    customer_id = models.BigIntegerField()
    order_id = models.BigIntegerField(null=True)
    day = models.DateField()
    month = models.IntegerField()
    amount = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["customer_id"], name="metrics_refund_customer"),
            models.Index(fields=["store", "day"], name="metrics_refund_day"),
            models.Index(fields=["order_id"], name="metrics_refund_order"),
        ]

    def __str__(self) -> str:
        return f"Refund {self.refund_id}"


class CustomerFact(Acquired):
    """One person who bought, to date."""

    customer_id = models.BigIntegerField(primary_key=True)
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    purchases = models.IntegerField()
    first_day = models.DateField()
    second_day = models.DateField(null=True)
    last_day = models.DateField()
    sales = models.BigIntegerField()
    discounts = models.BigIntegerField()
    net = models.BigIntegerField()
    # Net through the 12th month after the first purchase's month.
    net_12 = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["store", "cohort"], name="metrics_customer_cohort"),
            # With what rules ask most beside it, so that they need not visit the rows.
            models.Index(
                fields=["store", "last_day", "customer_id"],
                include=["purchases", "first_day", "net", "channel", "country"],
                name="metrics_customer_last",
            ),
            models.Index(fields=["store", "net", "customer_id"], name="metrics_customer_net"),
        ]

    def __str__(self) -> str:
        return f"Customer {self.customer_id}"


class Guest(models.Model):
    """An order without a person, or money given back without one: revenue, but nobody's."""

    key = models.CharField(max_length=24)
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    order_id = models.BigIntegerField(null=True)
    refund_id = models.BigIntegerField(null=True)
    day = models.DateField()
    orders = models.IntegerField()
    sales = models.BigIntegerField()
    refunds = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="metrics_guest_once")]
        indexes = [
            models.Index(fields=["order_id"], name="metrics_guest_order"),
            models.Index(fields=["refund_id"], name="metrics_guest_refund"),
            models.Index(fields=["store", "day"], name="metrics_guest_day"),
        ]

    def __str__(self) -> str:
        return self.key


class Rollup(models.Model):
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    dimension = models.CharField(max_length=8, choices=Dimension.choices)
    value = models.CharField(max_length=255)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.dimension} {self.value}".strip()


class Daily(Rollup):  # noqa: DJ008  Rollup has it
    """Per day. `buyers_W` and `repeaters_W` are differences: their sum up to a day is the number of people
    with at least one, or two, purchases in the W days that end with it."""

    pk = models.CompositePrimaryKey("store", "dimension", "value", "day")
    day = models.DateField()
    purchases = models.BigIntegerField(db_default=0)
    sales = models.BigIntegerField(db_default=0)
    refunds = models.BigIntegerField(db_default=0)
    kept = models.BigIntegerField(db_default=0)
    squares = models.DecimalField(max_digits=50, decimal_places=0, db_default=0)
    new_customers = models.BigIntegerField(db_default=0)
    # Of the people who came on this day, those who bought again at any time.
    returned = models.BigIntegerField(db_default=0)
    # Second purchases made on this day.
    seconds = models.BigIntegerField(db_default=0)
    guest_orders = models.BigIntegerField(db_default=0)
    guest_sales = models.BigIntegerField(db_default=0)
    guest_refunds = models.BigIntegerField(db_default=0)
    buyers_30 = models.BigIntegerField(db_default=0)
    buyers_90 = models.BigIntegerField(db_default=0)
    buyers_180 = models.BigIntegerField(db_default=0)
    buyers_365 = models.BigIntegerField(db_default=0)
    repeaters_30 = models.BigIntegerField(db_default=0)
    repeaters_90 = models.BigIntegerField(db_default=0)
    repeaters_180 = models.BigIntegerField(db_default=0)
    repeaters_365 = models.BigIntegerField(db_default=0)


class CohortMonth(Rollup):  # noqa: DJ008  Rollup has it
    """Per cohort and calendar month."""

    pk = models.CompositePrimaryKey("store", "dimension", "value", "cohort", "month")
    cohort = models.IntegerField()
    month = models.IntegerField()
    active = models.BigIntegerField(db_default=0)
    purchases = models.BigIntegerField(db_default=0)
    sales = models.BigIntegerField(db_default=0)
    refunds = models.BigIntegerField(db_default=0)


class SecondGap(Rollup):  # noqa: DJ008  Rollup has it
    """How many people of a cohort bought the second time after so many days."""

    pk = models.CompositePrimaryKey("store", "dimension", "value", "cohort", "gap")
    cohort = models.IntegerField()
    gap = models.IntegerField()
    customers = models.BigIntegerField(db_default=0)


class Gap(Rollup):  # noqa: DJ008  Rollup has it
    """How many pairs of consecutive purchases, ending in a month, were so many days apart."""

    pk = models.CompositePrimaryKey("store", "dimension", "value", "month", "gap")
    month = models.IntegerField()
    gap = models.IntegerField()
    pairs = models.BigIntegerField(db_default=0)


class CohortValue(Rollup):  # noqa: DJ008  Rollup has it
    """Net revenue per person through the 12th month: count, sum and sum of squares over a cohort."""

    pk = models.CompositePrimaryKey("store", "dimension", "value", "cohort")
    cohort = models.IntegerField()
    customers = models.BigIntegerField(db_default=0)
    net = models.BigIntegerField(db_default=0)
    squares = models.DecimalField(max_digits=50, decimal_places=0, db_default=0)
