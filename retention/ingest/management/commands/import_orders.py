"""Import a file of orders, customers or products."""

from __future__ import annotations

import argparse
import json
import re
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser

from retention.ingest import running
from retention.ingest.files.lines import FIELDS
from retention.ingest.files.reading import Unreadable
from retention.ingest.files.recognise import FORMATS
from retention.ingest.files.values import microseconds
from retention.ingest.intake import take
from retention.ingest.keeping_up import followers_keep_up
from retention.ingest.models import ImportRun, State
from retention.stores.models import Store

MAPPING = f"""
Fields for --map: {", ".join(FIELDS)}.
  Columns are named as in the file's header, in any case. A file of order lines needs date, and either
  quantity and unit_price, or amount (one amount per row). Without order, every row is an order.
  currency: rows in another currency than the store's are rejected, because amounts are never converted.
  name is a full name; map it, or first_name and last_name. phone is the customer's.
  cancel_prefix=C: invoices whose number starts with C give money back.
  Only what is not guessed right must be mapped; --map field= leaves a field out. Headers are known in
  English, German, French, Spanish, Italian, Dutch and Portuguese. Any table is taken whose header has at
  least two columns, if the fields are mapped.

Files: CSV (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252), .gz, .zip, .xlsx.
Formats: {"; ".join(f"{form.name} ({form.title})" for form in FORMATS.values())}.

Examples:
  manage.py import_orders orders_export.csv --store shop
  manage.py import_orders retail.csv.gz --store uk --create-store GBP --time-zone Europe/London \\
      --map order=InvoiceNo --map date=InvoiceDate --map customer=CustomerID --map sku=StockCode \\
      --map title=Description --map quantity=Quantity --map unit_price=UnitPrice --map country=Country \\
      --map cancel_prefix=C
"""


class Command(BaseCommand):
    help = (
        "Import a file of orders, customers or products. The kind of file is recognised by its header."
        " Importing the same file again changes nothing. Returns when every number is up to date."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=MAPPING, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", help="the file to import")
        add("--store", required=True, metavar="SLUG", help="the store that the file belongs to")
        add("--create-store", metavar="CUR", help="make the store, in this currency, if it is missing")
        add("--format", choices=sorted(FORMATS), help="the kind of file, if it is not to be recognised")
        add("--map", action="append", default=[], metavar="FIELD=COLUMN", help="which column is which field")
        add("--time-zone", metavar="Z", help="zone of times without one (default: the store's)")
        add(
            "--source",
            metavar="NAME",
            help="name of the shop system, if a store has several",
        )
        add("--date-order", choices=["day-first", "month-first"], help="how 03/04/2025 is meant")
        add("--decimal-comma", action="store_true", help="amounts are written 1.234,56")
        add("--one-order-per", choices=["customer-day"], help="rows of one customer and day are one order")
        add("--as-of", metavar="ISO", help="when the file was true (default: now); newer facts are kept")
        add("--dry-run", action="store_true", help="say what would happen; change nothing")
        add("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._run(options)
        except Unreadable as error:
            raise CommandError(" ".join(str(error).split())) from None
        if run.state == State.FAILED:
            raise CommandError(run.error)
        self.stdout.write(json.dumps(result(run)) if options["json"] else sentence(run))

    def _run(self, options: dict[str, Any]) -> ImportRun:
        mapping, reading = _mapping(options["map"])
        reading |= _reading(options)
        store = _store(options)
        run = take(
            store,
            Path(options["file"]),
            form=options["format"] or "",
            mapping=mapping,
            options=reading,
            as_of=_as_of(options["as_of"], store),
            again=not options["dry_run"],
        )
        # One that was stopped half-way goes on where it is.
        if not run.busy:
            (running.check if options["dry_run"] else running.start)(run)
        with nullcontext() if options["dry_run"] else followers_keep_up():
            if not running.advance(run.pk):
                raise CommandError("Another process is importing this file right now.")
        run.refresh_from_db()
        return run


def _mapping(pairs: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    mapping = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals:
            raise CommandError(f"--map needs FIELD=COLUMN, not “{pair}”.")
        mapping[field.strip().lower()] = column.strip()
    prefix = mapping.pop("cancel_prefix", "")
    return mapping, {"cancel_prefix": prefix} if prefix else {}


def _reading(options: dict[str, Any]) -> dict[str, Any]:
    zone = options["time_zone"]
    if zone and zone not in available_timezones():
        raise CommandError(f"“{zone}” is not a time zone. Use a name such as Europe/Paris.")
    told = {
        "time_zone": zone,
        "source": options["source"],
        "decimal_comma": options["decimal_comma"] or None,  # not said is not a no: it is guessed
        "one_order_per": options["one_order_per"],
    }
    if options["date_order"]:
        told["day_first"] = options["date_order"] == "day-first"
    if options["source"] and not re.fullmatch(r"[a-z0-9_-]{1,32}", options["source"]):
        raise CommandError("--source needs up to 32 small letters, digits, - or _.")
    return {name: value for name, value in told.items() if value is not None and value != ""}


def _store(options: dict[str, Any]) -> Store:
    slug, currency = options["store"], options["create_store"]
    if store := Store.objects.filter(slug=slug).first():
        return store
    if not currency:
        raise CommandError(f"There is no store “{slug}”. Add --create-store USD (its currency) to make it.")
    if not re.fullmatch(r"[-a-zA-Z0-9_]{1,60}", slug):
        raise CommandError("A store's slug is up to 60 letters, digits, - and _.")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise CommandError(f"“{currency}” is not a currency. Use three capital letters such as USD.")
    zone = options["time_zone"] or "UTC"
    name = slug.replace("-", " ").replace("_", " ").capitalize()
    return Store.objects.create(slug=slug, name=name, currency=currency, time_zone=zone)


def _as_of(text: str | None, store: Store) -> int:
    if not text:
        return microseconds(datetime.now(UTC))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--as-of needs a date such as 2025-03-01T12:00, not “{text}”.") from None
    return microseconds(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(store.time_zone)))


def result(run: ImportRun) -> dict[str, Any]:
    form = FORMATS[run.format]
    return {
        "run": run.pk,
        "format": run.format,
        "dry_run": run.state == State.CHECKED,
        "rows": {
            "read": run.rows_read,
            "accepted": run.accepted,
            "same": run.same,
            "rejected": run.rejected,
        },
        form.facts: {"new": run.facts_new, "changed": run.facts_changed, "same": run.facts_same},
        "rejected_rows": list(run.rejected_rows.order_by("id").values("line", "reason")[:20]),
    }


def sentence(run: ImportRun) -> str:
    form = FORMATS[run.format]
    would = "Would read" if run.state == State.CHECKED else "Read"
    lines = [
        f"{would} {run.rows_read:,} rows as {form.title}: {run.accepted:,} accepted, {run.same:,} same,"
        f" {run.rejected:,} rejected.",
        f"{form.facts.capitalize()}: {run.facts_new:,} new, {run.facts_changed:,} changed,"
        f" {run.facts_same:,} same.",
    ]
    lines += [f"  line {row.line}: {row.reason}" for row in run.rejected_rows.order_by("id")[:20]]
    if run.rejected > 20:
        lines.append(f"  and {run.rejected - 20:,} more rejected rows")
    return "\n".join(lines)
