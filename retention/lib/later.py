"""The one door to background work: a task is sent only after the transaction that needs it commits."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task, current_app
from django.db import transaction

log = structlog.get_logger(__name__)


def after_commit(task: Task[Any, Any], *args: object) -> None:
    """Hint that `task` has something to do. A broker that is down costs only time: a sweep finds the work."""

    transaction.on_commit(lambda: _send(task, args))


def sweep_now() -> None:
    """Hint at every sweep, without waiting until the scheduler finds it due."""
    for entry in current_app.conf.beat_schedule.values():
        if task := current_app.tasks.get(entry["task"]):
            _send(task)


def _send(task: Task[Any, Any], args: tuple[object, ...] = ()) -> None:
    try:
        task.apply_async(args=args, retry=False)
    except Exception as error:  # any transport's own error class
        log.warning("hint lost", task=task.name, error=str(error))
