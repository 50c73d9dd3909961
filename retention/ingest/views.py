"""From a dropped file to facts: hand in, check the reading, dry run, import, result."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from retention.ingest import actions, queries
from retention.ingest.files.lines import LINES
from retention.ingest.files.reading import Unreadable
from retention.ingest.forms import MappingForm, initial_of
from retention.ingest.models import ImportRun, State
from retention.lib.htmx import csv_file, invalid, page
from retention.lib.paging import newest
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Role, Store

PAGE = 30
IMPORTERS = (Role.OWNER, Role.MARKETER)


@require_safe
@member()
def home(request: StoreRequest, store: Store) -> HttpResponse:
    return page(request, "ingest/home.html", _home(request, store))


@require_POST
@member(*IMPORTERS)
def upload(request: StoreRequest, store: Store) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        if not isinstance(file, UploadedFile):
            raise Unreadable("Choose a file first.")
        run = actions.receive_file(store, file, by=request.user)
    except Unreadable as error:
        return invalid(request, "ingest/home.html", {**_home(request, store), "error": str(error)})
    return redirect("ingest:run", store.slug, run.pk)


@never_cache
@require_safe
@member()
def run(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    return page(request, "ingest/run.html", _run(request, _found(store, pk)))


@require_POST
@member(*IMPORTERS)
def mapping(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """Which column is which field; then the preview again, or the dry run."""
    found = _found(store, pk)
    form = _mapping_form(found, request.POST)
    try:
        if not form.is_valid():
            raise Unreadable("Some of this cannot be right; see below.")
        remember = bool(form.cleaned_data["remember"]) and "check" in request.POST
        actions.map_columns(found, form.mapping, form.options, remember=remember)
    except Unreadable as error:
        context = {**_run(request, found), "form": form, "error": str(error)}
        return invalid(request, "ingest/run.html", context)
    if "check" in request.POST:
        actions.check_run(found)
    return redirect("ingest:run", store.slug, pk)


@require_POST
@member(*IMPORTERS)
def check(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    actions.check_run(_found(store, pk))
    return redirect("ingest:run", store.slug, pk)


@require_POST
@member(*IMPORTERS)
def start(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    actions.start_run(_found(store, pk), by=request.user)
    return redirect("ingest:run", store.slug, pk)


@require_POST
@member(*IMPORTERS)
def discard(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = _found(store, pk)
    if not actions.discard_run(found):
        messages.error(request, "This file is being imported, or was already.")
        return redirect("ingest:run", store.slug, pk)
    messages.success(request, "The file was removed. Nothing was imported from it.")
    return redirect("ingest:home", store.slug)


@require_safe
@member()
def rejected(request: StoreRequest, store: Store, pk: int) -> HttpResponseBase:
    found = _found(store, pk)
    head = ["line", "reason", "row"]
    return csv_file(f"rejected-rows-{found.pk}", head, queries.rejected_of(found))


def _found(store: Store, pk: int) -> ImportRun:
    return get_object_or_404(queries.runs_of(store), pk=pk)


def _may_import(request: StoreRequest) -> bool:
    return request.membership is None or request.membership.role in IMPORTERS


def _home(request: StoreRequest, store: Store) -> dict[str, Any]:
    runs, following = newest(queries.runs_of(store), request.GET.get("before", ""), PAGE)
    return {
        "runs": [{"run": found, "title": queries.title_of(found)} for found in runs],
        "next": following,
        "may_import": _may_import(request),
    }


def _mapping_form(found: ImportRun, data: Any = None) -> MappingForm:
    header = [column.name for column in queries.preview_of(found).columns]
    return MappingForm(data, header=header, initial=initial_of(found.mapping, found.options))


def _run(request: StoreRequest, found: ImportRun) -> dict[str, Any]:
    context: dict[str, Any] = {
        "run": found,
        "title": queries.title_of(found),
        "facts": queries.facts_of(found),
        "may_import": _may_import(request),
        "waiting": found.state in (State.DRAFT, State.CHECKED),
        "rejected": list(found.rejected_rows.order_by("line", "id")[:10]),
    }
    if found.busy:
        context["progress"] = queries.progress_of(found)
    if context["waiting"]:
        context["preview"] = queries.preview_of(found)
        if found.format == LINES.name and context["may_import"]:
            context["form"] = _mapping_form(found)
    return context
