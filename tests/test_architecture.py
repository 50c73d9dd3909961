"""House rules that the import linter cannot say. Each failure names the file and the line."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from retention.lib.icons import icon
from retention.stores.models import Store
from retention.timeline.kinds import KINDS

ROOT = Path(settings.BASE_DIR)
CODE = sorted(
    path
    for path in (ROOT / "retention").rglob("*.py")
    if "migrations" not in path.parts and path.stat().st_size
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OURS = [model for model in apps.get_models() if model.__module__.startswith("retention.")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Full dotted names that a file imports, with their lines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def importing(*prefixes: str) -> list[str]:
    """Files that import one of these, as `path:line`."""
    return [
        f"{name_of(path)}:{line}"
        for path in CODE
        for name, line in imports(path)
        if name.startswith(prefixes) and not name_of(path).endswith("celery.py")
    ]


def outside(found: list[str], *allowed: str) -> list[str]:
    """Those of the found places that are in none of the allowed files."""
    return [place for place in found if not re.fullmatch("|".join(allowed), place.partition(":")[0])]


def test_there_are_no_signals():
    assert importing("django.dispatch", "django.db.models.signals", "django.core.signals") == []


def test_tasks_are_declared_in_tasks_py():
    assert outside(importing("celery.shared_task"), r".*/tasks\.py") == []


def test_background_work_is_sent_through_one_door():
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("delay", "apply_async", "send_task")
    ]
    assert outside(calls, r"retention/lib/later\.py") == []
    assert any("lib/later.py" in call for call in calls)


def test_requests_and_responses_stay_at_the_doors():
    doors = (
        r".*/(views|public|desk|building|doors|admin|office|accounts|shell)\.py",
        r"retention/lib/htmx\.py",
        r"retention/ingest/.*",
    )
    assert outside(importing("django.http.Http", "django.http.Json", "django.http.Stream"), *doors) == []


def test_reading_modules_do_not_write():
    """A reader of `queries.py` knows that nothing there changes the world."""
    writing = {"create", "bulk_create", "update_or_create", "get_or_create", "bulk_update", "save", "delete"}
    found = [
        f"{name_of(path)}:{node.lineno} {node.func.attr}"
        for path in CODE
        if path.stem.endswith("queries")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writing
    ]
    assert found == []


def test_views_do_not_write_by_themselves():
    writing = {"create", "bulk_create", "update_or_create", "get_or_create", "save", "delete"}
    found = [
        f"{name_of(path)}:{node.lineno} {node.func.attr}"
        for path in CODE
        if path.stem in ("views", "public", "desk")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writing
    ]
    assert found == []


def test_names_come_from_the_field():
    vague = re.compile(r"(Service|Manager|Helper|Handler|Utils?|Mixin)$")
    found = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and vague.search(node.name)
    ]
    # Django's own word for what makes users.
    assert found == [place for place in found if place.endswith("UserManager")]
    drawers = {"utils", "helpers", "common", "core", "misc", "services"}
    assert [name_of(path) for path in CODE if path.stem in drawers or path.parent.name in drawers] == []


def test_charts_are_drawn_in_charts_py():
    assert outside(importing("plotly"), r".*/charts\.py") == []


def test_lib_knows_no_models():
    assert [model for model in OURS if model.__module__.startswith("retention.lib")] == []


# What belongs to nobody's store: people and keys of the whole installation, positions of followers.
WITHOUT_STORE = {"stores.Store", "stores.User", "stores.SetupToken", "stores.OutboxMail", "timeline.Follower"}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_row_belongs_to_a_store(model):
    assert model._meta.label in WITHOUT_STORE or _reaches_store(model, set())


def _reaches_store(model: type[models.Model], seen: set[type[models.Model]]) -> bool:
    """By its own key, or as a part of something that has one (a line of an order)."""
    if model is Store:
        return True
    seen.add(model)
    owners = [
        field.related_model
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and (not field.null or field.related_model is Store)
    ]
    return any(
        owner not in seen and _reaches_store(owner, seen) for owner in owners if not isinstance(owner, str)
    )


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_times_have_zones_and_money_is_whole(model):
    for field in model._meta.get_fields():
        kind = type(field)
        assert kind is not models.FloatField, f"{field}: money and counts are integers"
        assert kind is not models.TimeField, f"{field}: timestamptz everywhere"


def test_every_kind_of_event_is_documented_and_has_a_picture():
    assert len(KINDS) > 10
    for name, kind in KINDS.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", name), name
        assert len(str(kind.__doc__)) > 15, name
        assert "<svg" in icon(kind.icon)
        fields = {field.name for field in dataclasses.fields(kind)}
        assert set(re.findall(r"\{(\w+)\}", kind.sentence)) <= fields, name
        personal = {"email", "phone", "name", "first_name", "last_name", "address"}
        assert not fields & personal, f"{name}: payloads hold ids, not personal data"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_page_carries_no_script_and_no_style_of_its_own(path):
    text = re.sub(r"\{#.*?#\}|\{% comment.*?endcomment %\}", "", path.read_text(), flags=re.S)
    # JSON in a script element is data: the browser does not run it.
    assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))[^>]*>", text), "inline script"
    assert not re.search(r"<style", text), "style element"
    assert not re.search(r"\son[a-z]+\s*=", text), "event attribute"
    assert "javascript:" not in text
    assert not re.search(r"hx-on|hx-vals=['\"]js:", text), "htmx expressions need eval"
    for style in re.findall(r"\sstyle=\"([^\"]*)\"", text):
        assert _only_measures(style), f"style attribute for more than a custom property or a width: {style}"


def _only_measures(style: str) -> bool:
    names = [part.partition(":")[0].strip() for part in style.split(";") if part.strip()]
    return all(name.startswith("--") or name in ("width", "left", "height") for name in names)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_page_fetches_nothing_from_elsewhere(path):
    assert not re.search(r"(src|href)=\"(https?:)?//", path.read_text())


# Customers' own pages are opened by a signed key in the address, which is the permission; mail programs post too.
OF_STAFF = [path for path in TEMPLATES if "public" not in path.parts]


@pytest.mark.parametrize("path", OF_STAFF, ids=name_of)
def test_a_form_that_changes_something_carries_its_token(path):
    text = path.read_text()
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, flags=re.S | re.I):
        assert "{% csrf_token %}" in form


def test_vendored_files_have_their_licences():
    for folder in (ROOT / "static" / "vendor", ROOT / "tests" / "vendor"):
        scripts = [path for path in folder.iterdir() if path.suffix == ".js"]
        assert scripts
        for script in scripts:
            assert (folder / f"{re.split(r'[.-]', script.name)[0]}.LICENSE").exists(), script.name


def test_colors_are_chosen_once():
    """Components use tokens; a color outside the tokens has a light and a dark value, or is black or white."""
    components = (ROOT / "static" / "css" / "app.css").read_text().partition("/* navigation */")[2]
    lines = [
        line for line in components.splitlines() if "light-dark(" not in line and "::backdrop" not in line
    ]
    assert [line.strip() for line in lines if re.search(r"#[0-9a-f]{6}\b", line)] == []
