"""People: who they are, and by which ids and addresses the outside world knows them."""

from __future__ import annotations

from django.db import models

from retention.stores.models import Store


class Customer(models.Model):
    """A person who bought or may buy.

    Profile fields are last-writer-wins registers, one version per field in `versions` (microseconds
    since 1970 of the source's own clock), so that any order of the same inputs gives the same person.
    """

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="customers", db_index=False)
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    first_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    company = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=200, blank=True, default="")
    country = models.CharField(max_length=80, blank=True, default="")
    accepts_email = models.BooleanField(null=True)
    tags = models.JSONField(default=list)
    versions = models.JSONField(default=dict)
    # Set when this person was found to be another one; facts then hang on that one.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["store", "id"], name="customers_customer_store"),
            models.Index(fields=["store", "email"], name="customers_customer_email"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"Customer {self.pk}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Identity(models.Model):
    """One name by which the outside world knows a customer: a shop system's id, or a normalised e-mail.

    An e-mail is an identity of source `email`, so matching by id and by address is one rule.
    """

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=320)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "external_id"], name="customers_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"
