"""A mailing list comes in: hand in the file, see what it would do, import it, read what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from retention.customers.models import Status
from retention.dashboard.customers.mailing.forms import BY_ITSELF, FileForm, StatusForm
from retention.dashboard.customers.roles import GIVERS
from retention.ingest.actions import discard_run
from retention.ingest.files.reading import Unreadable
from retention.ingest.lists import actions, queries
from retention.ingest.models import ImportRun, State
from retention.ingest.queries import rejected_of
from retention.lib import formats
from retention.lib.htmx import csv_file, invalid, page
from retention.lib.paging import newest
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Store

PAGE = 30
SAID = {
    Status.SUBSCRIBED: "subscribed",
    Status.UNSUBSCRIBED: "unsubscribed",
    Status.SUPPRESSED: "never to be written to",
    Status.NEVER: "never subscribed",
    "": "without a word about it",
}


@require_safe
@member(*GIVERS)
def home(request: StoreRequest, store: Store) -> HttpResponse:
    return page(request, "customers/import.html", _home(request, store))


@require_POST
@member(*GIVERS)
def receive(request: StoreRequest, store: Store) -> HttpResponse:
    file, form = request.FILES.get("file"), FileForm(request.POST)
    try:
        if not isinstance(file, UploadedFile):
            raise Unreadable("Choose a file first.")
        run = actions.receive_list(store, file, form=form.told, by=request.user)
    except Unreadable as error:
        context = {**_home(request, store), "error": str(error), "form": form}
        return invalid(request, "customers/import.html", context)
    return redirect("customers:import_run", store.slug, run.pk)


@never_cache
@require_safe
@member(*GIVERS)
def run(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    return page(request, "customers/import_run.html", _run(_found(store, pk)))


@require_POST
@member(*GIVERS)
def check(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    actions.check_list(_found(store, pk), _status(request))
    return redirect("customers:import_run", store.slug, pk)


@require_POST
@member(*GIVERS)
def start(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    actions.start_list(_found(store, pk), _status(request), by=request.user)
    return redirect("customers:import_run", store.slug, pk)


@require_POST
@member(*GIVERS)
def discard(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    if not discard_run(_found(store, pk)):
        messages.error(request, "This list is being imported, or was already.")
        return redirect("customers:import_run", store.slug, pk)
    messages.success(request, "The file was removed. Nothing was imported from it.")
    return redirect("customers:import", store.slug)


@require_safe
@member(*GIVERS)
def rejected(request: StoreRequest, store: Store, pk: int) -> HttpResponseBase:
    found = _found(store, pk)
    rows = (row[:2] for row in rejected_of(found))
    return csv_file(f"{store.slug}-rejected-rows-{found.pk}", ["line", "reason"], rows)


def _found(store: Store, pk: int) -> ImportRun:
    return get_object_or_404(queries.lists_of(store), pk=pk)


def _status(request: StoreRequest) -> str:
    return StatusForm(request.POST).told


def _home(request: StoreRequest, store: Store) -> dict[str, Any]:
    runs, following = newest(queries.lists_of(store), request.GET.get("before", ""), PAGE)
    return {
        "runs": [{"run": found, "title": queries.title_of(found)} for found in runs],
        "next": following,
        "form": FileForm(),
    }


def _run(found: ImportRun) -> dict[str, Any]:
    context: dict[str, Any] = {
        "run": found,
        "title": queries.title_of(found),
        "rejected": list(found.rejected_rows.order_by("line", "id")[:10]),
        "kept_out": found.options.get("kept_out", 0),
        "known": found.facts_changed + found.facts_same,
        "said": _said(found),
    }
    if found.busy:
        context["progress"] = queries.progress_of(found)
    if found.state == State.CHECKED:
        context["form"] = StatusForm(initial={"status": found.options.get("status") or BY_ITSELF})
        context["preview"] = queries.preview_of(found)
    return context


def _said(found: ImportRun) -> str:
    """What the rows say of marketing e-mails: “4 subscribed, 2 unsubscribed”."""
    told = found.options.get("said", {})
    counts = [(told.get(status, 0), words) for status, words in SAID.items()]
    return ", ".join(f"{formats.number(n, found.store.locale)} {words}" for n, words in counts if n)
