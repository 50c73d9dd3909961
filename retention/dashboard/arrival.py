"""A store without figures: what is on its way to it."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from retention.dashboard.demo import loading
from retention.ingest.models import ImportRun, State
from retention.ingest.queries import progress_of, runs_of
from retention.metrics.rebuild import FOLLOWER
from retention.orders.models import Order
from retention.stores.models import Store
from retention.timeline.follow import is_behind
from retention.timeline.models import Event


@dataclass(frozen=True)
class Arrival:
    """`name` is one of first, demo, reading, checking, checked, counting and uncounted."""

    name: str
    run: int = 0
    percent: int = 0
    label: str = ""
    orders: int = 0

    @property
    def seen(self) -> str:
        """The same as long as the page would say the same."""
        return f"{self.name} {self.run} {self.percent} {crc32(self.label.encode())} {self.orders}"

    @property
    def rests(self) -> bool:
        """Nothing comes by itself: somebody has to do something."""
        return self.name in ("first", "checked", "uncounted")


def state_of(store: Store) -> Arrival:
    run = runs_of(store).first()
    if loading.is_loading(store):
        return _of_run("demo", run) if run and run.busy else Arrival("demo")
    if run and run.busy:
        return _of_run("checking" if run.state == State.CHECKING else "reading", run)
    orders = Order.objects.filter(store=store).count()
    if orders:
        return Arrival("counting" if _uncounted(store) else "uncounted", orders=orders)
    return Arrival("checked", run.pk) if run and run.state == State.CHECKED else Arrival("first")


def arriving(store: Store) -> bool:
    """Are more orders on their way, so that the figures are not whole yet?"""
    return runs_of(store).filter(state=State.RUNNING).exists()


def _of_run(name: str, run: ImportRun) -> Arrival:
    progress = progress_of(run)
    return Arrival(name, run.pk, progress.percent, progress.label)


def _uncounted(store: Store) -> bool:
    """Has something happened in this store that the figures have not followed? Of other stores no word."""
    last = Event.objects.filter(store=store).order_by("-id").values_list("xid", "id").first()
    return last is not None and is_behind(FOLLOWER, last)
