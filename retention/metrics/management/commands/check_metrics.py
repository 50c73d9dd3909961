"""Prove the stored figures against raw orders."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from retention.metrics import check
from retention.metrics.rebuild import lock
from retention.stores.models import Store


class Command(BaseCommand):
    help = "Recompute every figure from raw orders; ends with 1 and names what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", help="the store's short name; default: all stores")

    def handle(self, *args: Any, **options: Any) -> None:
        stores = Store.objects.all()
        if options["store"]:
            stores = stores.filter(slug=options["store"])
            if not stores:
                raise CommandError(f"There is no store “{options['store']}”.")
        wrong = sum(self.compare(store) for store in stores)
        if wrong:
            raise CommandError(f"{wrong} differences")

    @transaction.atomic
    def compare(self, store: Store) -> int:
        # One snapshot for orders and figures, taken while the follower stands still.
        with connection.cursor() as cursor:
            lock(cursor)
        found = check.differences(store)
        for line in found[: check.SHOWN]:
            self.stderr.write(f"{store.slug}: {line}")
        self.stdout.write(f"{store.slug}: {'exact' if not found else f'{len(found)} differences'}")
        return len(found)
