import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retention.settings")
app = Celery("retention")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Tasks are hints; these sweeps are the truth. A lost hint costs seconds, never work.
app.conf.beat_schedule = {
    "machine.beat": {"task": "machine.beat", "schedule": 30.0},
    "ingest.sweep": {"task": "ingest.sweep", "schedule": 10.0},
    "metrics.sweep": {"task": "metrics.sweep", "schedule": 5.0},
}
