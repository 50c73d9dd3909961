"""Prove the stored figures against raw orders."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from retention.customers.merging import lock_people
from retention.metrics import check
from retention.metrics.rebuild import FOLLOWER, lock
from retention.stores.models import Store
from retention.timeline.follow import catch_up, is_behind, last_position

# Seconds to wait for a transaction that holds the follower back.
PATIENCE = 60


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

    def compare(self, store: Store) -> int:
        # A transaction around this one hides its own events from every follower.
        may_wait = not connection.in_atomic_block
        with transaction.atomic():
            # No order changes meanwhile, what changed before is counted, and then the follower stands still.
            lock_people(store)
            if may_wait:
                self.take_in()
            with connection.cursor() as cursor:
                lock(cursor)
            return self.differences(store)

    def take_in(self) -> None:
        until, patience = last_position(), time.monotonic() + PATIENCE
        while is_behind(FOLLOWER, until):
            if time.monotonic() > patience:
                raise CommandError("Something has been writing for a minute. Try again when it is done.")
            if not catch_up(FOLLOWER):
                time.sleep(0.1)

    def differences(self, store: Store) -> int:
        found = check.differences(store)
        for line in found[: check.SHOWN]:
            self.stderr.write(f"{store.slug}: {line}")
        self.stdout.write(f"{store.slug}: {'exact' if not found else f'{len(found)} differences'}")
        return len(found)
