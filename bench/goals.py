"""What the benches share: a data folder of their own, and goals in lines that a machine can read."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def goal(name: str, value: float, limit: float, *, at_least: bool = False) -> bool:
    """Print `GOAL name value goal PASS|MISS`; the goal is an upper limit unless `at_least`."""
    met = value >= limit if at_least else value <= limit
    print(
        f"GOAL {name} {value:.4g} {'>=' if at_least else '<='}{limit:g} {'PASS' if met else 'MISS'}",
        flush=True,
    )
    return met


def say(*words: object) -> None:
    print(*words, flush=True)


def timed(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after two rounds to warm up."""
    work()
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), sorted(taken)[max(0, round(0.95 * len(taken)) - 1)]


@contextmanager
def stopwatch(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    say(f"{what}: {time.perf_counter() - start:.1f} s")


@contextmanager
def own_data(*, free_gb: float = 1) -> Iterator[Path]:
    """Django on an embedded database in a new folder, removed afterwards. Use it before any model.

    Raises SystemExit when the disk has less than `free_gb` left.
    """
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < free_gb:
        raise SystemExit(
            f"This run needs {free_gb:.0f} GB in {tempfile.gettempdir()}; {free:.0f} GB are free."
        )
    folder = Path(tempfile.mkdtemp(prefix="perennial-bench-"))
    folder.chmod(0o711)
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(
        PERENNIAL_DATA=str(folder), DJANGO_SETTINGS_MODULE="retention.settings", LOG_LEVEL="WARNING"
    )
    try:
        _start_django()
        yield folder
    finally:
        _stop_database()
        shutil.rmtree(folder, ignore_errors=True)


def _start_django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _stop_database() -> None:
    from django.db import connections

    from retention.machine import embedded

    connections.close_all()
    embedded.let_go()
    if not embedded.wait_until_gone(60):
        say("The database is still in use; its folder is removed all the same.")
