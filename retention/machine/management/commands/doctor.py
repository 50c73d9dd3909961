"""`manage.py doctor`: what is well and what is not, one line each."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from retention.machine.health import health


class Command(BaseCommand):
    help = "Check the database, broker, worker, timeline followers, disk and migrations."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs: the same as /healthz")

    def handle(self, **options: Any) -> None:
        found = health()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, check in found["checks"].items():
                mark = self.style.SUCCESS("ok ") if check["ok"] else self.style.ERROR("NOT")
                self.stdout.write(f"{mark}  {name:<10}  {check['says']}")
        if not found["ok"]:
            sick = ", ".join(name for name, check in found["checks"].items() if not check["ok"])
            raise CommandError(f"Not well: {sick}. Is Perennial running? Start it with bin/up.")
