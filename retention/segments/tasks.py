"""Background work: what the passage of time does to segments."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from retention.segments.living import sweep as sweep_all
from retention.segments.reminders import remind as remind_all


@shared_task(name="segments.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Every person whose moment has come enters or leaves; the catalog and a store's habits are followed."""
    sweep_all(timezone.now())


@shared_task(name="segments.remind", ignore_result=True)  # type: ignore[untyped-decorator]
def remind() -> None:
    """Owners hear in their store's morning which of their segments are to be reviewed."""
    remind_all(timezone.now())
