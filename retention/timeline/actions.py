"""Writing to the timeline."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from retention.stores.models import Store
from retention.timeline.kinds import Kind
from retention.timeline.models import Event


def record(
    store: Store,
    what: Kind,
    *,
    by: str = "system",
    customer_id: int | None = None,
    subject: str = "",
    at: datetime | None = None,
) -> Event:
    """Append one event. Call it inside the transaction of the change that it tells."""
    return Event.objects.create(
        store=store,
        kind=what.name,
        customer_id=customer_id,
        occurred_at=at or timezone.now(),
        subject=subject,
        data=what.payload(),
        by=by,
    )
