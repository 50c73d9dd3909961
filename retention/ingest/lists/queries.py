"""What the pages show of mailing lists on their way in."""

from __future__ import annotations

from itertools import islice

from django.db.models import QuerySet

from retention.ingest.files.reading import Unreadable, open_table
from retention.ingest.lists.formats import FORMATS
from retention.ingest.lists.rows import places
from retention.ingest.models import ImportRun
from retention.ingest.queries import Column, Preview, Progress
from retention.stores.models import Store

SHOWN = 10
WHAT = {
    "email": "E-mail", "first_name": "First name", "last_name": "Last name", "name": "Name",
    "phone": "Phone", "birthday": "Birthday", "company": "Company", "address1": "Address",
    "address2": "Address", "city": "City", "region": "Region", "postal_code": "Postal code",
    "country": "Country", "time_zone": "Time zone", "locale": "Language", "id": "The tool's number",
    "tags": "Tags", "tag": "Tag", "consent": "Consent", "custom": "Custom field",
}  # fmt: skip


def lists_of(store: Store) -> QuerySet[ImportRun]:
    return store.import_runs.filter(format__in=FORMATS).select_related("by", "store").order_by("-id")


def title_of(run: ImportRun) -> str:
    return f"List of people from {FORMATS[run.format].title}"


def preview_of(run: ImportRun) -> Preview:
    """The first rows, and what each column is taken for."""
    try:
        with open_table(run.path) as table:
            header, rows = table.header, list(islice(table.rows, SHOWN))
    except Unreadable as error:
        return Preview([], [], [], 0, 0, wrong=str(error))
    columns = [Column(label, WHAT[what]) for what, label in places(FORMATS[run.format], header)]
    wide = [(line, [*row, *[""] * len(columns)][: len(columns)]) for line, row in rows]
    return Preview(columns, wide, [], 0, len(rows))


def progress_of(run: ImportRun) -> Progress:
    about = max(int(run.options.get("rows_about") or 0), run.rows_read, 1)
    return Progress(int(100 * run.rows_read / about), f"{run.rows_read:,} rows so far")
