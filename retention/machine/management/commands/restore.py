"""`manage.py restore FILE`: go back to a backup, while the app runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.db import Error

from retention.machine import archive, binaries, restoring


class Command(BaseCommand):
    help = "Replace everything by what a backup holds. What happened since the backup is lost."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, **options: Any) -> None:
        file: Path = options["file"].absolute()
        if not options["yes"] and input("Replace all present data? Type yes: ").strip() != "yes":
            raise CommandError("Nothing was changed.")
        try:
            restoring.restore(file, self.stdout.write)
        except archive.Damaged as problem:
            raise CommandError(f"{file} was not restored: {problem}. Nothing was changed.") from problem
        except (restoring.Refused, binaries.Missing, OSError, Error) as problem:
            raise CommandError(f"{file} was not restored: {problem}") from problem
        self.stdout.write(self.style.SUCCESS("Restored."))
