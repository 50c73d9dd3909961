"""What came in from outside: each file, what became of it, and the rows that could not be used."""

from __future__ import annotations

from django.db import models

from retention.stores.models import Store, User


class State(models.TextChoices):
    DRAFT = "draft", "Waiting for you"
    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Stopped"


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def unfinished(self) -> ImportRunQuerySet:
        """Runs that a worker should be busy with."""
        return self.filter(state__in=[State.CHECKING, State.RUNNING])


class ImportRun(models.Model):
    """One file on its way in. Its position moves in the transaction of each chunk's facts, so that a
    killed run goes on where it stopped."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="import_runs")
    path = models.CharField(max_length=1000)
    name = models.CharField(max_length=255, help_text="The file's own name.")
    size = models.BigIntegerField(default=0)
    format = models.CharField(max_length=40, blank=True, default="")
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    # Version of facts whose source does not say when they last changed: microseconds since 1970.
    as_of = models.BigIntegerField()
    staged = models.BooleanField(default=False)
    chunk = models.IntegerField(default=0)
    chunks = models.IntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    same = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    facts_new = models.BigIntegerField(default=0)
    facts_changed = models.BigIntegerField(default=0)
    facts_same = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["store", "-id"], name="ingest_run_recent")]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="ingest_run_state")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def busy(self) -> bool:
        return self.state in (State.CHECKING, State.RUNNING)

    @property
    def lines_table(self) -> str:
        return f"ingest_lines_{int(self.pk)}"

    @property
    def orders_table(self) -> str:
        return f"ingest_orders_{int(self.pk)}"

    @property
    def goods_table(self) -> str:
        return f"ingest_goods_{int(self.pk)}"


class RejectedRow(models.Model):
    """A row that could not be used, and why."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    raw = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


class MappingPreset(models.Model):
    """How a store reads one kind of file: found again by its header."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="mapping_presets")
    name = models.CharField(max_length=120)
    header = models.CharField(max_length=32, help_text="Digest of the header.")
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "header"], name="ingest_preset_once")]

    def __str__(self) -> str:
        return self.name
