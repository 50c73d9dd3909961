"""Fill two stores to look at: a made-up plant shop and a real sample of an online music shop."""

from __future__ import annotations

import io
import time as clock
from argparse import ArgumentParser
from datetime import date, datetime, time
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.utils import timezone

from retention.dashboard import demo
from retention.dashboard.demo import facts, files, loading, login, shop
from retention.dashboard.demo.loading import SAMPLE_SLUG, SLUG
from retention.dashboard.desk_actions import actor
from retention.orders.models import Order
from retention.segments import ready
from retention.stores.models import Store
from retention.timeline.follow import FOLLOWERS, catch_up, lag

SAMPLE = Path(demo.__file__).parent / "cdnow_sample.txt.gz"
SEGMENTS = (
    *("new", "developing", "loyal", "champions", "at-risk", "lapsed", "won-back"),
    *("second-purchase", "price-sensitive"),
)
# How long to wait for a worker that holds a follower.
PATIENCE = 120.0


class Command(BaseCommand):
    help = (
        "Load the demo: store “demo” (Fern & Finch, made up, two years up to today) and store “cdnow-sample”"
        " (2,357 real customers). Both come in as files by import_orders. Loading again changes nothing:"
        " the made-up shop keeps the day on which it was first loaded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", type=float, default=1.0, help="0.1 makes a tenth of the made-up shop.")
        parser.add_argument(
            "--today", type=date.fromisoformat, metavar="YYYY-MM-DD", help="Another day than today, at first."
        )

    def handle(self, *args: object, scale: float, today: date | None, **options: object) -> None:
        if not 0 < scale <= 1:
            raise CommandError("--scale is a number above 0, at most 1.")
        self.started = clock.monotonic()
        with loading.held():
            self._load(scale, today)

    def _load(self, scale: float, today: date | None) -> None:
        user = login.demo_user()
        self._say(f"The login is in {login.login_file()}.")
        folder = Path(settings.DATA_DIR) / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        plants = _plant_store(today)
        login.own(user, plants)
        self._load_plants(plants, folder, scale)
        sample = _sample_store()
        login.own(user, sample)
        self._load_sample(sample, folder)
        self._follow()
        for key in SEGMENTS:
            ready.adopt(plants, key, by=actor(user))
        self._say(f"{len(SEGMENTS)} segments taken.")
        for store in (plants, sample):
            self._say(f"{store.name}: {Order.objects.filter(store=store).count():,} orders.")

    def _load_plants(self, store: Store, folder: Path, scale: float) -> None:
        story = shop.build(timezone.localdate(store.created_at, store.tz), scale=scale)
        self._say(f"Fern & Finch: {len(story.people):,} people, {len(story.sales):,} orders made up.")
        for file in files.write_all(story, folder):
            self._import(file, store)
        facts.complete_goods(store)
        self._say(f"{facts.send_parcels(store, story):,} parcels sent.")

    def _load_sample(self, store: Store, folder: Path) -> None:
        file = files.write_cdnow(SAMPLE, folder / "cdnow-sample.csv")
        columns = {"order": "order", "date": "date", "customer": "customer", "amount": "amount"}
        self._import(file, store, map=[f"{field}={column}" for field, column in columns.items()])

    def _import(self, file: Path, store: Store, **options: object) -> None:
        told = io.StringIO()
        as_of = store.created_at.isoformat()
        call_command("import_orders", str(file), store=store.slug, as_of=as_of, stdout=told, **options)
        self._say(f"{store.name}: {told.getvalue().strip()}")

    def _follow(self) -> None:
        deadline = clock.monotonic() + PATIENCE
        for name in FOLLOWERS:
            catch_up(name)
            while lag(name) and clock.monotonic() < deadline:
                # A worker holds this follower, or a transaction elsewhere is still open.
                clock.sleep(0.2)
                catch_up(name)

    def _say(self, line: str) -> None:
        self.stdout.write(f"{clock.monotonic() - self.started:5.1f} s  {line}")
        self.stdout.flush()


def _plant_store(today: date | None) -> Store:
    """The made-up shop. Its story ends on the day of its making, which is therefore kept with it."""
    store, made = Store.objects.get_or_create(
        slug=SLUG,
        defaults={
            "name": "Fern & Finch",
            "currency": "USD",
            "time_zone": shop.ZONE.key,
            "brand_color": "#1c6b4f",
            "target_rpr": 33,
        },
    )
    if made and today:
        store.created_at = datetime.combine(today, time(12), shop.ZONE)
        store.save(update_fields=["created_at"])
    return store


def _sample_store() -> Store:
    return Store.objects.get_or_create(
        slug=SAMPLE_SLUG,
        defaults={"name": "CDNOW sample", "currency": "USD", "time_zone": shop.ZONE.key},
    )[0]
