"""What people do with a file: hand it in, say how it is read, check it, import it, or drop it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from retention.ingest import running, staging
from retention.ingest.files import lines
from retention.ingest.files.reading import Unreadable
from retention.ingest.files.values import microseconds
from retention.ingest.intake import about_how_many_rows, look, signature
from retention.ingest.models import ImportRun, MappingPreset, State
from retention.ingest.tasks import advance_run
from retention.ingest.vocabulary import ImportStarted
from retention.lib import later
from retention.stores.models import Store, User
from retention.timeline.actions import record

LARGEST = 2 * 2**30
# A file that nobody decided on holds personal data for nothing.
KEPT = timedelta(days=7)
WAITING = (State.DRAFT, State.CHECKED, State.FAILED)


def receive_file(store: Store, upload: UploadedFile, *, by: User) -> ImportRun:
    """Keep an uploaded file and say what it is. Raises Unreadable, and then keeps nothing."""
    path = keep_upload(store, upload)
    try:
        found = look(path, store)
        return ImportRun.objects.create(
            store=store,
            path=str(path),
            name=(upload.name or "file")[:255],
            size=path.stat().st_size,
            format=found.format,
            mapping=found.mapping,
            options={**found.options, "rows_about": about_how_many_rows(path, found)},
            as_of=microseconds(datetime.now(UTC)),
            by=by,
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def keep_upload(store: Store, upload: UploadedFile) -> Path:
    """A name of our own in a private folder: no address leads to it. Raises Unreadable."""
    largest = int(getattr(settings, "IMPORT_LARGEST", LARGEST))
    if (upload.size or 0) > largest:
        raise Unreadable(
            f"The file is larger than {largest / 2**20:,.0f} MB. Split it, or compress it to .gz or .zip."
        )
    folder = Path(settings.MEDIA_ROOT) / "imports" / str(store.pk)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / uuid4().hex
    with path.open("xb") as file:
        path.chmod(0o600)
        for piece in upload.chunks(1 << 20):
            file.write(piece)
    return path


def map_columns(
    run: ImportRun, mapping: dict[str, str], options: dict[str, Any], *, remember: bool = False
) -> None:
    """Say which column is which field. Raises Unreadable with what is wrong."""
    with transaction.atomic():
        run = _waiting(run)
        header = look(Path(run.path), run.store, form=run.format).header
        if wrong := lines.problem(mapping, header):
            raise Unreadable(wrong)
        about = {"rows_about": run.options.get("rows_about", 0)}
        if (run.mapping, run.options) != (mapping, {**options, **about}):
            staging.drop_staging(run)
            run.staged, run.state = False, State.DRAFT
        run.mapping, run.options = mapping, {**options, **about}
        run.save(update_fields=["mapping", "options", "staged", "state"])
        if remember:
            MappingPreset.objects.update_or_create(
                store=run.store,
                header=signature(header),
                defaults={"name": run.name[:120], "mapping": mapping, "options": options},
            )


def check_run(run: ImportRun) -> bool:
    """Have a dry run made. False when the run is busy or over: a second click changes nothing."""
    with transaction.atomic():
        locked = _lock(run)
        if locked.state not in WAITING:
            return False
        running.check(locked)
        later.after_commit(advance_run, locked.pk)
        return True


def start_run(run: ImportRun, *, by: User) -> bool:
    """Have the file imported. False when it already is: a second click changes nothing."""
    with transaction.atomic():
        locked = _lock(run)
        if locked.state not in WAITING:
            return False
        running.start(locked)
        record(locked.store, ImportStarted(run=locked.pk, format=locked.format), by=f"user:{by.pk}")
        later.after_commit(advance_run, locked.pk)
        return True


def discard_run(run: ImportRun) -> bool:
    """Forget a file that was not imported."""
    with transaction.atomic():
        locked = _lock(run)
        if locked.state not in WAITING:
            return False
        staging.drop_staging(locked)
        locked.delete()
        transaction.on_commit(lambda: running.forget_file(run))
        return True


def discard_old_drafts() -> None:
    old = ImportRun.objects.filter(created_at__lt=timezone.now() - KEPT)
    for run in old.filter(state__in=(State.DRAFT, State.CHECKED)):
        discard_run(run)
    # What a stopped import had brought in by then is there; its page goes on saying so.
    for run in old.filter(state=State.FAILED):
        running.forget_file(run)


def _lock(run: ImportRun) -> ImportRun:
    return ImportRun.objects.select_for_update().get(pk=run.pk)


def _waiting(run: ImportRun) -> ImportRun:
    locked = _lock(run)
    if locked.state not in WAITING:
        raise Unreadable("This file is being imported, or was already.")
    return locked
