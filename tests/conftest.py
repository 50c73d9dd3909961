"""A named cast, a browser, and the question whether a page can be used by everybody.

People: `olivia` (owner), `marco` (marketer), `sam` (support), `ana` (analyst) of `store`; `stranger` owns
`other_store`; `ada` is the administrator. All have PASSWORD.

Without a browser: `as_user(olivia).get("/fern-finch/")`, a Django test client.

In a browser (mark the file `pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]`):

    def test_a_story(enter, olivia, assert_usable):
        page = enter(olivia, "/fern-finch/")        # signs in through the form; a Playwright page
        page.get_by_role("link", name="Members").click()
        assert_usable(page)                         # light, dark and 390 px: axe-core, and nothing sticks out

`page`, `browser` and `context` are pytest-playwright's, on the machine's own Chromium; `live_server.url`
is the address. A page that answers 404 to a script or style, or whose policy refused one, fails its test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers and processes wait for a busy machine by the clock: they get a second try, which the
    closing lines tell. Nothing else does."""
    for item in items:
        if item.get_closest_marker("journey") or "machine" in item.path.parts:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _plain_settings(settings: Any, tmp_path: Path) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.STATIC_ROOT = tmp_path  # there, or the file server complains; files come from the finders
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
def page(page: Any) -> Iterator[Any]:
    """A tab that remembers what went wrong in it: scripts that threw, files refused or missing."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on(
        "console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None
    )
    page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if _missing(got) else None)
    page.set_default_timeout(15_000)
    yield page
    assert not wrong, "\n".join(wrong)


def _missing(response: Any) -> bool:
    return response.status >= 400 and response.request.resource_type in (
        "script",
        "stylesheet",
        "image",
        "font",
    )


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


def _serious(page: Any, rules: str = "") -> list[str]:
    # Through the debugger, because the page's own policy rightly forbids scripts that are not ours.
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], **({"runOnly": rules.split()} if rules else {})}
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
    return [
        f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:3]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def assert_accessible() -> Callable[[Any], None]:
    """axe-core finds nothing serious on the page as it stands."""

    def check(page: Any) -> None:
        found = _serious(page)
        assert not found, "\n".join(found)

    return check


# Scheme, width, and the rules to ask again: all at first, then what may differ.
LOOKS = {
    "light": ("light", 1280, ""),
    "dark": ("dark", 1280, "color-contrast"),
    "phone": ("light", 390, "color-contrast target-size scrollable-region-focusable"),
}


@pytest.fixture
def assert_usable(request: pytest.FixtureRequest) -> Callable[..., None]:
    """In light, in dark and at 390 px: axe-core finds nothing serious, and nothing makes the page scroll sideways.

    With SHOTS=folder in the environment each look is also saved there as a picture, to be looked at.
    """

    def check(page: Any, name: str = "") -> None:
        found: list[str] = []
        for look, (scheme, width, rules) in LOOKS.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{look}: {problem}" for problem in _serious(page, rules)]
            if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{look}: {needed} px wide")
            keep_picture(page, f"{name or request.node.name.partition('[')[0]}-{look}")
        assert not found, "\n".join(found)

    return check


def keep_picture(page: Any, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
