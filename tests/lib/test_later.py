"""Hints to the worker, when there is nobody to take them."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from retention.lib.later import broker_is_away, sweep_now


def test_a_broker_is_away_until_somebody_listens() -> None:
    # The name of a socket may be a hundred letters long, and a test's own folder has a longer one.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as broker:
        path = Path(folder) / "broker.sock"
        assert broker_is_away(f"redis+socket://{path}")
        broker.bind(str(path))
        assert broker_is_away(f"redis+socket://{path}")
        broker.listen()
        assert not broker_is_away(f"redis+socket://{path}")


def test_a_broker_elsewhere_is_asked_by_its_own_client() -> None:
    assert not broker_is_away("redis://127.0.0.1:1/0")


def test_a_lost_hint_is_told_and_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Celery reads the variable before its settings, and a server of its own may be set there.
    monkeypatch.setenv("CELERY_BROKER_URL", "redis+socket:///nowhere/broker.sock")
    sweep_now()
    assert "hint lost" in caplog.text
