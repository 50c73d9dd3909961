import os
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retention.settings")
app = Celery("retention")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Tasks are hints; these sweeps are the truth. A lost hint costs seconds, never work. One that nobody took
# before the next is due expires, or a worker that was away would find thousands.
app.conf.beat_schedule = {
    name: {"task": name, "schedule": every, "options": {"expires": every}}
    for name, every in {
        "machine.beat": 30.0,
        "ingest.sweep": 10.0,
        "metrics.sweep": 5.0,
        "segments.sweep": 60.0,
        "segments.remind": 300.0,
    }.items()
}


@setup_logging.connect  # type: ignore[untyped-decorator]
def leave_logs_to_settings(**_: object) -> None:
    """Otherwise Celery puts its own format in the place of ours."""
    # A lost broker is one line in the log, not ten: a task goes on without it, and is claimed once.
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
