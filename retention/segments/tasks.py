"""Background work: what the passage of time does to segments."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from retention.segments.living import sweep as sweep_all


@shared_task(name="segments.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Every person whose moment has come enters or leaves; the catalog and a store's habits are followed."""
    sweep_all(timezone.now())
