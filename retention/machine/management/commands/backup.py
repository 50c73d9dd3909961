"""`manage.py backup FILE`: everything in one file, checked, while the app runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from retention.machine import archive, binaries


class Command(BaseCommand):
    help = "Back up the database, the uploads and the signing key into one file, and check it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write, for example perennial.tar")

    def handle(self, **options: Any) -> None:
        file: Path = options["file"].absolute()
        try:
            members = archive.write(file)
        except (archive.Damaged, binaries.Missing, OSError) as problem:
            raise CommandError(f"No backup was written: {problem}") from problem
        size = file.stat().st_size / 1e6
        self.stdout.write(f"{file}: {len(members)} files, {size:.1f} MB, written and checked.")
        self.stdout.write("It holds personal data and the signing key. Keep it as safe as the app itself.")
