"""Import a mailing list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from retention.ingest.files.reading import Unreadable
from retention.ingest.lists.formats import FORMATS
from retention.ingest.lists.importing import STATUSES, import_people
from retention.ingest.lists.results import ListResult
from retention.stores.models import Store
from retention.timeline.follow import FOLLOWERS, catch_up


class Command(BaseCommand):
    help = (
        "Import a mailing list of Mailchimp, Brevo, Klaviyo, ActiveCampaign, GetResponse, Drip or Constant"
        " Contact, recognised by its header. Nobody who unsubscribed is subscribed by it. Importing the"
        " same file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", help="the file to import")
        add("--store", required=True, metavar="SLUG", help="the store that the people belong to")
        add("--format", choices=sorted(FORMATS), default="", help="the tool, if it is not to be recognised")
        add(
            "--status",
            choices=[str(status) for status in STATUSES],
            default="",
            help="what its people are, for a file that does not say; without it they come without consent",
        )
        add("--as-of", metavar="ISO", help="when the file was true (default: now); newer facts are kept")
        add("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        store = Store.objects.filter(slug=options["store"]).first()
        if store is None:
            raise CommandError(f"There is no store “{options['store']}”.")
        try:
            result = import_people(
                store,
                options["file"],
                form=options["format"],
                status=options["status"],
                as_of=_as_of(options["as_of"]),
                by="command",
            )
        except Unreadable as error:
            raise CommandError(" ".join(str(error).split())) from None
        for follower in FOLLOWERS:
            catch_up(follower)
        self.stdout.write(json.dumps(result.as_json()) if options["json"] else _sentence(result))


def _as_of(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--as-of needs a date such as 2025-03-01T12:00, not “{text}”.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _sentence(result: ListResult) -> str:
    lines = [
        f"Read {result.read:,} rows as a list of {FORMATS[result.format].title}:"
        f" {result.accepted:,} accepted, {result.same:,} same, {result.rejected:,} rejected.",
        f"People: {result.people_new:,} new, {result.people_changed:,} changed, {result.people_same:,} same.",
    ]
    if result.cut:
        lines.append(f"In {result.cut:,} rows a text was too long for its field; a custom field has all.")
    lines += [f"  line {line}: {reason}" for line, reason in result.rejected_rows[:20]]
    if result.rejected > 20:
        lines.append(f"  and {result.rejected - 20:,} more rejected rows")
    return "\n".join(lines)
