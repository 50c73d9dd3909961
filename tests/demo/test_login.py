"""The demo's account."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from pytest_django import Settings

from retention.dashboard.demo import login
from retention.stores.models import User


@pytest.fixture
def told(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "demo-login.txt"


@pytest.mark.django_db
def test_the_told_password_opens_the_door_of_an_administrator(told: Path) -> None:
    user = login.demo_user()
    password = told.read_text(encoding="utf-8").split()[-1]
    assert authenticate(email=login.EMAIL, password=password) == user
    assert user.is_staff
    assert user.is_superuser


@pytest.mark.django_db
def test_only_we_can_read_the_password(told: Path) -> None:
    login.demo_user()
    assert told.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_a_second_call_keeps_user_and_password(told: Path) -> None:
    first, text = login.demo_user(), told.read_text(encoding="utf-8")
    assert login.demo_user() == first
    assert told.read_text(encoding="utf-8") == text
    assert User.objects.count() == 1
