"""The demo's own account: an administrator with a random password, told in a private file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction

from retention.stores.models import Membership, Role, Store, User

EMAIL = "demo@perennial.local"


def login_file() -> Path:
    return Path(settings.DATA_DIR) / "demo-login.txt"


def demo_user() -> User:
    """The demo's user, made at the first call. A password that was changed since stays as it is."""
    user = User.objects.filter(email=EMAIL).first()
    if user:
        return user
    password = secrets.token_urlsafe(12)
    # The file is written before the user is committed: a password nobody can read would lock everybody out.
    with transaction.atomic():
        user = User.objects.create_superuser(EMAIL, password, name="Robin Fern")
        _tell(f"Demo login: {EMAIL}\nPassword:   {password}\n")
    return user


def own(user: User, store: Store) -> None:
    Membership.objects.get_or_create(store=store, user=user, defaults={"role": Role.OWNER})


def _tell(text: str) -> None:
    file = login_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
