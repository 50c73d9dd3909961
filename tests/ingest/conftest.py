"""Importing files the way a person does on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

Import = Callable[..., dict[str, Any]]


@pytest.fixture
def import_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Import:
    """Write a file and import it; returns the printed result."""
    # Facts and timeline are what is looked at here; who follows has tests of its own.
    monkeypatch.setattr("retention.ingest.keeping_up.FOLLOWERS", {})

    def run(
        text: str | bytes, *arguments: str, name: str = "orders.csv", store: str = "shop"
    ) -> dict[str, Any]:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(file, *arguments, store=store)

    return run


def import_file(file: Path, *arguments: str, store: str = "shop") -> dict[str, Any]:
    out = StringIO()
    currency = () if "--create-store" in arguments else ("--create-store", "USD")
    call_command("import_orders", str(file), "--store", store, *currency, "--json", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))
