"""The trunk: one append-only row for everything that happens.

Positions are pairs (xid, id): a lower id can commit later than a higher one, and id order is not
transaction order, so neither alone is safe to read up to.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from retention.stores.models import Store


class Xid8Field(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id; read as text, because it has no Python type of its own."""

    def db_type(self, connection: object) -> str:
        return "xid8"

    def from_db_value(self, value: object, *args: object) -> int | None:
        return None if value is None else int(str(value))

    def get_prep_value(self, value: object) -> str | None:
        return None if value is None else str(value)


class PgCurrentXactId(models.Func):
    function = "pg_current_xact_id"
    template = "%(function)s()"
    output_field = Xid8Field()


class Event(models.Model):
    """Something that happened. Never changed or deleted; corrections are new events."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    # A number, not a foreign key: the timeline imports no app, and outlives the people in it.
    customer_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    xid = Xid8Field(db_default=PgCurrentXactId())
    subject = models.CharField(max_length=80, blank=True, default="")
    data = models.JSONField(default=dict)
    by = models.CharField(max_length=80, default="system")

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"], name="timeline_event_position"),
            models.Index(fields=["store", "customer_id", "-occurred_at"], name="timeline_event_customer"),
            models.Index(fields=["store", "-id"], name="timeline_event_store"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Follower(models.Model):
    """How far a follower has read; moved in the transaction of its effects."""

    name = models.CharField(max_length=64, primary_key=True)
    xid = Xid8Field(default="0")
    event_id = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
