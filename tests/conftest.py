"""A named cast, a browser, and the question whether a page can be used by everybody."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from retention.stores.models import Membership, Role, Store, User
from tests import world

# The browser's own event loop would otherwise forbid the test from using the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
PASSWORD = "a-fern-by-the-window"


@pytest.fixture(autouse=True)
def _plain_settings(settings: Any, tmp_path: Path) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def store(db: None) -> Store:
    return world.a_store("Fern & Finch", slug="fern-finch")


@pytest.fixture
def other_store(db: None) -> Store:
    return world.a_store("Other shop", slug="other-shop")


def _person(name: str, store: Store | None, role: str = "") -> User:
    user = User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, name=name)
    if store:
        Membership.objects.create(store=store, user=user, role=role)
    return user


@pytest.fixture
def olivia(store: Store) -> User:
    """Owner."""
    return _person("Olivia", store, Role.OWNER)


@pytest.fixture
def marco(store: Store) -> User:
    """Marketer."""
    return _person("Marco", store, Role.MARKETER)


@pytest.fixture
def sam(store: Store) -> User:
    """Support."""
    return _person("Sam", store, Role.SUPPORT)


@pytest.fixture
def ana(store: Store) -> User:
    """Analyst: reads all, changes nothing."""
    return _person("Ana", store, Role.ANALYST)


@pytest.fixture
def stranger(other_store: Store) -> User:
    """Owner of another store."""
    return _person("Stranger", other_store, Role.OWNER)


@pytest.fixture
def ada(db: None) -> User:
    """Administrator."""
    return User.objects.create_superuser("ada@example.com", PASSWORD, name="Ada")


@pytest.fixture
def as_user(db: None) -> Callable[[User | None], Client]:
    """A browser without JavaScript, logged in as this person."""

    def client_of(user: User | None) -> Client:
        client = Client()
        if user:
            client.force_login(user)
        return client

    return client_of


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = shutil.which("chromium")
    own = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **own, "args": ["--no-sandbox"]}


@pytest.fixture
def enter(page: Any, live_server: Any) -> Callable[..., Any]:
    """Sign in through the page, then go to a path."""

    def go(user: User, path: str = "/") -> Any:
        page.goto(f"{live_server.url}/accounts/login/?next={path}")
        page.get_by_label("Email").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        return page

    return go


@pytest.fixture
def assert_accessible() -> Callable[[Any], None]:
    """axe-core finds nothing serious on the page as it stands."""

    def check(page: Any) -> None:
        # Through the debugger, because the page's own policy rightly forbids scripts that are not ours.
        page.evaluate(AXE)
        found = page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        lines = [f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:3]}" for v in serious]
        assert not lines, "\n".join(lines)

    return check
