"""The one door to background work: a task is sent only after the transaction that needs it commits."""

from __future__ import annotations

import socket
from typing import Any

import structlog
from celery import Task, current_app
from django.db import transaction

log = structlog.get_logger(__name__)
SOCKET = "redis+socket://"


def after_commit(task: Task[Any, Any], *args: object) -> None:
    """Hint that `task` has something to do. A broker that is down costs only time: a sweep finds the work."""

    transaction.on_commit(lambda: _send(task, args))


def sweep_now() -> None:
    """Hint at every sweep, without waiting until the scheduler finds it due."""
    for entry in current_app.conf.beat_schedule.values():
        if task := current_app.tasks.get(entry["task"]):
            _send(task)


def broker_is_away(url: str) -> bool:
    """Does nobody listen on the broker's socket? Not asked of a broker elsewhere."""
    if not url.startswith(SOCKET):
        return False
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(url.removeprefix(SOCKET))
        except OSError:
            return True
    return False


def _send(task: Task[Any, Any], args: tuple[object, ...] = ()) -> None:
    # The client of Redis tries a lost socket for six seconds, which a click would have to wait.
    if broker_is_away(current_app.conf.broker_url):
        log.warning("hint lost", task=task.name, error="the broker does not run")
        return
    try:
        task.apply_async(args=args, retry=False)
    except Exception as error:  # any transport's own error class
        log.warning("hint lost", task=task.name, error=str(error))
