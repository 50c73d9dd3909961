"""A run ends, whatever stops it."""

from __future__ import annotations

import pytest

from retention.ingest import running
from retention.ingest.models import ImportRun


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "MemoryError"),
        (ValueError("\n"), "ValueError"),
        (ValueError("first\nsecond"), "first"),
        (KeyError("x" * 999), "x"),
    ],
)
def test_an_error_of_few_words_ends_the_run(store, monkeypatch, error, said):
    def break_off(run, told):
        raise error

    monkeypatch.setattr(running, "_advance", break_off)
    run = ImportRun.objects.create(store=store, path="x", name="x", as_of=0, state="running")
    assert running.advance(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.error.startswith("The import stopped: ")
    assert said in run.error
    assert "second" not in run.error
