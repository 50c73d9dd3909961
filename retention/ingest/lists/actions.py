"""What people do with a mailing list: hand it in, which has it checked, and have it imported."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from retention.ingest.actions import check_run, keep_upload, start_run
from retention.ingest.files import recognise as orders
from retention.ingest.files.lines import LINES
from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.files.values import microseconds
from retention.ingest.intake import SAMPLE, Look, about_how_many_rows
from retention.ingest.lists.formats import EXPECTED, FORMATS, recognise
from retention.ingest.lists.rows import places
from retention.ingest.models import ImportRun
from retention.stores.models import Store, User


def receive_list(store: Store, upload: UploadedFile, *, form: str = "", by: User) -> ImportRun:
    """Keep an uploaded list, say which tool wrote it, and have it checked. `form` names the tool where the
    columns do not tell. Raises Unreadable, and then keeps nothing."""
    path = keep_upload(store, upload)
    try:
        found = _look(path, form)
        with transaction.atomic():
            run = ImportRun.objects.create(
                store=store,
                path=str(path),
                name=(upload.name or "file")[:255],
                size=path.stat().st_size,
                format=found.format,
                options={"status": "", "rows_about": about_how_many_rows(path, found)},
                as_of=microseconds(datetime.now(UTC)),
                by=by,
            )
            check_run(run)
        return run
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _look(path: Path, form: str) -> Look:
    try:
        with open_table(path) as table:
            header, rows = table.header, list(islice(table.rows, SAMPLE))
    except Unreadable as error:
        # Its advice is about files of orders.
        what = str(error).partition(". ")[0].rstrip(".")
        raise Unreadable(f"{what}: {EXPECTED}.") from None
    if not form and (other := _of_a_shop(header)):
        raise Unreadable(f"This is a file of {other}, which belongs to Imports: {EXPECTED}.")
    kind = FORMATS[form] if form else recognise(header)
    if not {"email", "phone", "id"} & {what for what, _ in places(kind, header)}:
        raise Unreadable(f"No column of the file is an e-mail address or a phone number: {EXPECTED}.")
    return Look(header, rows, kind.name, {}, {})


def _of_a_shop(header: list[str]) -> str:
    try:
        found = orders.recognise(header)
    except Unreadable:
        return ""
    return "" if found is LINES else found.title


def check_list(run: ImportRun, status: str) -> bool:
    """Have it checked again, with what its people are where the file does not say."""
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if not check_run(locked):
            return False
        ImportRun.objects.filter(pk=run.pk).update(options={**locked.options, "status": status})
        return True


def start_list(run: ImportRun, status: str, *, by: User) -> bool:
    """Import what was checked. False, and checked again, where another status was chosen since."""
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if status != locked.options.get("status", ""):
            check_list(locked, status)
            return False
        return start_run(locked, by=by)
