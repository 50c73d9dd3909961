"""Background work: runs that wait, and runs that a killed process left behind."""

from __future__ import annotations

from celery import shared_task

from retention.ingest.models import ImportRun
from retention.ingest.running import advance


@shared_task(name="ingest.advance", ignore_result=True)  # type: ignore[untyped-decorator]
def advance_run(run_id: int) -> None:
    """Bring one run to its end. The run may be gone by now, or be in other hands."""
    if ImportRun.objects.unfinished().filter(pk=run_id).exists():
        advance(run_id)


@shared_task(name="ingest.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Bring every unfinished run to its end; one that another process is at is left to it."""
    from retention.ingest.actions import discard_old_drafts  # actions send the task above

    for run_id in ImportRun.objects.unfinished().order_by("pk").values_list("pk", flat=True):
        advance(run_id)
    discard_old_drafts()
