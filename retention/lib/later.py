"""The one door to background work: a task is sent only after the transaction that needs it commits."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task
from django.db import transaction

log = structlog.get_logger(__name__)


def after_commit(task: Task[Any, Any], *args: object) -> None:
    """Hint that `task` has something to do. A broker that is down costs only time: a sweep finds the work."""

    def send() -> None:
        try:
            task.apply_async(args=args, retry=False)
        except Exception as error:  # any transport's own error class
            log.warning("hint lost", task=task.name, error=str(error))

    transaction.on_commit(send)
