"""What people of a store keep for themselves on its pages. Facts live in lower apps."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from retention.stores.models import Store, User


class SavedView(models.Model):
    """A list of customers as somebody set it up: search, filters, columns and order, by name.

    Here, because it says how a page of the dashboard looks, and nothing about customers."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    # The part of the address after the question mark.
    query = models.TextField(blank=True, default="")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["store", "name"], name="dashboard_view_once")]

    def __str__(self) -> str:
        return self.name
