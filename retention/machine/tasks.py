from __future__ import annotations

from celery import shared_task
from celery.signals import worker_ready

from retention.lib import later
from retention.machine.health import note_beat


@shared_task(name="machine.beat")  # type: ignore[untyped-decorator]
def beat() -> None:
    note_beat()


@worker_ready.connect  # type: ignore[untyped-decorator]
def begin(**_: object) -> None:
    note_beat()  # or a fresh start would look sick for its first half minute
    later.sweep_now()  # what a killed worker left behind need not wait for the scheduler
