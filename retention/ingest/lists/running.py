"""The run of a list: what would happen, then the import, a chunk at a time. A stopped one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from retention.ingest.files.values import instant
from retention.ingest.lists.importing import check_people, import_people
from retention.ingest.lists.results import ListResult
from retention.ingest.models import ImportRun, RejectedRow, State

Told = Callable[[ImportRun], None]


def bring_list(run: ImportRun, told: Told) -> None:
    """Check the file or import it, as the run's state says. Raises Unreadable.

    `run.chunk` is the last line that is done: it moves in the transaction of that chunk's people.
    """
    dry = run.state == State.CHECKING
    if dry or not run.chunk:
        _start_over(run)

    def keep(result: ListResult) -> None:
        with transaction.atomic():
            _keep(run, result)
        told(run)

    given: dict[str, Any] = {
        "form": run.format,
        "status": run.options.get("status", ""),
        "as_of": instant(run.as_of),
        "told": keep,
    }
    if dry:
        check_people(run.store, run.path, **given)
        run.chunk = 0
    else:
        import_people(run.store, run.path, by=f"import:{run.pk}", result=_so_far(run), **given)


def _start_over(run: ImportRun) -> None:
    run.rejected_rows.all().delete()
    run.chunk = 0
    _show(run, ListResult(run.format))
    run.save()


def _so_far(run: ImportRun) -> ListResult:
    return ListResult(
        run.format,
        read=run.rows_read,
        accepted=run.accepted,
        same=run.same,
        rejected=run.rejected,
        people_new=run.facts_new,
        people_changed=run.facts_changed,
        people_same=run.facts_same,
        people_kept_out=run.options.get("kept_out", 0),
        cut=run.options.get("cut", 0),
        said=dict(run.options.get("said", {})),
        line=run.chunk,
    )


def _keep(run: ImportRun, result: ListResult) -> None:
    rows = [RejectedRow(run=run, line=line, reason=reason[:300]) for line, reason in result.rejected_now]
    RejectedRow.objects.bulk_create(rows)
    _show(run, result)
    run.save()


def _show(run: ImportRun, result: ListResult) -> None:
    run.rows_read, run.rows_done = result.read, result.read - result.rejected
    run.accepted, run.same, run.rejected = result.accepted, result.same, result.rejected
    run.facts_new, run.facts_changed = result.people_new, result.people_changed
    run.facts_same, run.chunk = result.people_same, result.line
    counts = {"kept_out": result.people_kept_out, "cut": result.cut, "said": dict(result.said)}
    run.options = {**run.options, **counts}
