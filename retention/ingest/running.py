"""A run from file to facts. One process per run; whoever finds it left behind goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from retention.ingest import facts, staging
from retention.ingest.files.reading import Unreadable
from retention.ingest.lists.formats import FORMATS as LISTS
from retention.ingest.lists.running import bring_list
from retention.ingest.models import ImportRun, State
from retention.lib.statistics import look_again

log = structlog.get_logger(__name__)
# COPY speaks to psycopg directly, which has classes of its own for the same.
GONE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
Told = Callable[[ImportRun], None]
COUNTS = ("rows_done", "accepted", "same", "facts_new", "facts_changed", "facts_same", "chunk")


def advance(run_id: int, *, told: Told = lambda run: None) -> bool:
    """Bring the run to its end. Returns False when another process is at it."""
    with _alone(run_id) as mine:
        if not mine:
            return False
        run = ImportRun.objects.select_related("store").get(pk=run_id)
        if not run.busy:
            return True
        try:
            _advance(run, told)
        except Unreadable as error:
            _fail(run, str(error))
        except GONE:
            raise  # the database went away: the sweep goes on with the run when it is back
        except Exception as error:  # anything else would come again at every try
            log.exception("import stopped", run=run_id)
            words = str(error).strip().splitlines() or [type(error).__name__]
            _fail(run, f"The import stopped: {words[0][:300]}")
        return True


def check(run: ImportRun) -> None:
    """Ask for a dry run."""
    _start(run, State.CHECKING)


def start(run: ImportRun) -> None:
    _start(run, State.RUNNING)


def _start(run: ImportRun, state: State) -> None:
    for name in COUNTS:
        setattr(run, name, 0)
    run.state, run.error, run.started_at, run.finished_at = state, "", timezone.now(), None
    run.save()


def _advance(run: ImportRun, told: Told) -> None:
    dry = run.state == State.CHECKING
    if run.format in LISTS:
        bring_list(run, told)
        _finish(run, dry=dry)
        return
    if not staging.still_staged(run):
        staging.stage(run)
    if dry:
        for name in COUNTS:
            setattr(run, name, 0)
    else:
        facts.write_goods(run)
    while run.chunk < run.chunks:
        (facts.count_chunk if dry else facts.apply_chunk)(run)
        if not dry:
            look_again(*facts.GROWING)
        told(run)
    if dry:
        run.chunk = 0
    else:
        facts.write_relations(run)
        staging.drop_staging(run)
        run.staged = False
    _finish(run, dry=dry)


def _finish(run: ImportRun, *, dry: bool) -> None:
    run.state = State.CHECKED if dry else State.DONE
    run.finished_at = timezone.now()
    run.save()
    if not dry:
        forget_file(run)


def forget_file(run: ImportRun) -> None:
    """Delete an upload; a file that somebody named on the command line is theirs."""
    if Path(settings.MEDIA_ROOT) / "imports" in Path(run.path).parents:
        Path(run.path).unlink(missing_ok=True)


def _fail(run: ImportRun, reason: str) -> None:
    # What the failed chunk had counted was taken back with it.
    run.refresh_from_db(fields=COUNTS)
    staging.drop_staging(run)
    run.state, run.error, run.staged, run.finished_at = State.FAILED, reason, False, timezone.now()
    run.save()


@contextmanager
def _alone(run_id: int) -> Iterator[bool]:
    """The run's advisory lock; it ends with the connection, so a killed process leaves none behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('ingest.run'), %s)", [run_id])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('ingest.run'), %s)", [run_id])
