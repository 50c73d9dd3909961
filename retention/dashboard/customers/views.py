"""The list of customers, and the page of one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from retention.customers import notes as noting
from retention.customers import tagging as tagged
from retention.customers.merging import person_of
from retention.customers.models import Customer, Note, Tagging
from retention.dashboard.customers import actions, columns, listing, pages
from retention.dashboard.customers import person as people
from retention.dashboard.customers.forms import BulkTagForm, NoteForm, TagForm, ViewForm
from retention.dashboard.customers.roles import KEEPERS, may
from retention.dashboard.customers.wanted import Wanted, parse
from retention.dashboard.desk_actions import actor
from retention.dashboard.models import SavedView
from retention.lib import formats
from retention.lib.htmx import csv_file, invalid, page, saved, shows_progress, wants_part
from retention.segments.models import Segment
from retention.segments.queries import why as explained
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Store


def _wanted(request: StoreRequest) -> Wanted:
    return parse(request.GET.dict(), columns.chosen(request.GET.getlist("cols")))


@require_safe
@member()
def listed(request: StoreRequest, store: Store) -> HttpResponse:
    wanted = _wanted(request)
    context = pages.listing_page(request, wanted, after=request.GET.get("after", ""))
    response = page(request, "customers/list.html", context)
    if request.headers.get("HX-Trigger-Name") or request.headers.get("HX-Trigger") == "find":
        # What was typed is in the address, without a step back for every letter.
        response["HX-Replace-Url"] = context["here"]
    return response


@require_safe
@member()
def count(request: StoreRequest, store: Store) -> HttpResponse:
    """How many the list has; asked after the page is there, because it reads all of them."""
    number = listing.count(listing.crowd(store, _wanted(request), whole=True))
    words = formats.counted(number, "customer", locale=store.locale)
    return page(request, "customers/count.html", {"words": words, "may": may(request)})


@require_safe
@member()
def file(request: StoreRequest, store: Store) -> StreamingHttpResponse:
    wanted = _wanted(request)
    names = wanted.cols or ("email", "phone", *columns.USUAL)
    whom = listing.crowd(store, wanted, whole=True)
    rows = columns.lines(listing.every(whom, wanted.sort), names, store)
    answer = csv_file(f"{store.slug}-customers", columns.head(names), rows)
    if shows_progress(request):
        answer["X-Rows"] = str(listing.count(whom))
    return answer


@require_POST
@member(*KEEPERS)
def tag(request: StoreRequest, store: Store) -> HttpResponse:
    """Put a tag on the ticked people, or take it off."""
    wanted, form = _wanted(request), BulkTagForm(request.POST)
    try:
        if not form.is_valid():
            raise tagged.TooMany(form.problem)
        told = _tag(store, wanted, form, by=actor(request.user))
    except tagged.TooMany as problem:
        return _untagged(request, wanted, str(problem))
    many = formats.counted(len(told.customers), "customer", locale=store.locale)
    words = f"“{told.tag}” put on {many}." if told.added else f"“{told.tag}” taken off {many}."
    undo = reverse("customers:untag", args=[store.slug, told.pk]) + f"?{wanted.query()}"
    context = pages.listing_page(request, wanted)
    if not wants_part(request):
        messages.success(request, words)
    return saved(
        request, "customers/tagged.html", context, to=context["here"], toast=words,
        undo=undo if told.customers else "",
    )  # fmt: skip


def _untagged(request: StoreRequest, wanted: Wanted, problem: str) -> HttpResponse:
    """What was ticked and typed stays. Of a page that is there only the place of the error changes, so that
    also the people further down keep their ticks."""
    context = pages.listing_page(request, wanted)
    context["bulk"] = pages.bulk(request.POST, context["rows"], problem)
    if not wants_part(request):
        return invalid(request, "customers/list.html", context)
    answer = render(request, "customers/_bulk.html#bulk_problem", context, status=422)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#bulk-problem", "outerHTML"
    return answer


def _tag(store: Store, wanted: Wanted, form: BulkTagForm, *, by: str) -> Tagging:
    data = form.cleaned_data
    whom = data["ids"]
    if data["everybody"]:
        whom = listing.ids(listing.crowd(store, wanted, whole=True), tagged.MOST + 1)
        if len(whom) > tagged.MOST:
            raise tagged.TooMany(
                f"These are more than {tagged.MOST:,} people, the most for one go. Narrow the list first."
            )
    turn = tagged.tag_customers if data["turn"] == "add" else tagged.untag_customers
    return turn(store, whom, data["tag"], by=by)


@require_POST
@member(*KEEPERS)
def untag(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """Undo: back to what it was, for those whom it changed."""
    tagging = get_object_or_404(Tagging, store=store, pk=pk)
    tagged.undo_tagging(tagging, by=actor(request.user))
    context = pages.listing_page(request, _wanted(request)) | {"oob": True}
    return saved(request, "customers/tagged.html", context, to=context["here"], toast="Undone.")


@require_POST
@member(*KEEPERS)
def save_view(request: StoreRequest, store: Store) -> HttpResponse:
    wanted, form = _wanted(request), ViewForm(request.POST)
    if not form.is_valid():
        return invalid(
            request,
            "customers/list.html",
            pages.listing_page(request, wanted, problem="Give the view a name."),
        )
    view = actions.save_view(store, form.cleaned_data["name"], wanted, by=request.user)
    messages.success(request, f"View “{view.name}” is saved for everybody in {store}.")
    return redirect(pages.list_url(store, wanted))


@require_POST
@member(*KEEPERS)
def remove_view(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, store=store, pk=pk)
    actions.remove_view(view)
    messages.success(request, f"View “{view.name}” is gone.")
    return redirect("customers:list", store.slug)


def _customer(store: Store, pk: int) -> Customer:
    found = Customer.objects.select_related("store", "merged_into").filter(store=store, pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_safe
@member()
def person(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    customer = _customer(store, pk)
    if customer.merged_into:
        return redirect("customers:person", store.slug, customer.merged_into_id)
    return page(request, "customers/person.html", pages.person_page(request, customer))


@require_POST
@member(*KEEPERS)
def tags(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """One tag on or off one person; the undo is the same, the other way round."""
    customer = person_of(_customer(store, pk))
    form = TagForm(request.POST or request.GET)
    if not form.is_valid():
        return invalid(
            request, "customers/person.html", pages.person_page(request, customer, tag_problem=form.problem)
        )
    word, add = form.cleaned_data["tag"], form.cleaned_data["turn"] == "add"
    turn = tagged.tag_customers if add else tagged.untag_customers
    told = turn(store, [customer.pk], word, by=actor(request.user))
    back = urlencode({"tag": word, "turn": "remove" if add else "add"})
    return saved(
        request,
        "customers/tags_saved.html",
        pages.person_page(request, _customer(store, customer.pk)),
        to=reverse("customers:person", args=[store.slug, customer.pk]),
        toast=f"Tag “{word}” {'put on' if add else 'taken off'}.",
        undo=f"{request.path}?{back}" if told.customers else "",
    )


@require_POST
@member(*KEEPERS)
def add_note(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    customer = person_of(_customer(store, pk))
    if customer.erased_at:
        raise Http404
    form = NoteForm(request.POST)
    if not form.is_valid():
        return invalid(request, "customers/person.html", pages.person_page(request, customer, note_form=form))
    noting.add_note(customer, form.cleaned_data["text"], by=request.user)
    return _noted(request, customer, "Note saved.")


def _noted(request: StoreRequest, customer: Customer, toast: str, undo: str = "") -> HttpResponse:
    return saved(
        request,
        "customers/notes_saved.html",
        pages.person_page(request, customer),
        to=reverse("customers:person", args=[customer.store.slug, customer.pk]) + "#notes",
        toast=toast,
        undo=undo,
    )


def _own_note(request: StoreRequest, store: Store, pk: int) -> Note:
    """Only its author changes a note."""
    note = get_object_or_404(Note.objects.select_related("customer__store"), store=store, pk=pk)
    if note.author_id != request.user.pk:
        raise PermissionDenied
    return note


@member(*KEEPERS)
def note(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    kept = _own_note(request, store, pk)
    form = NoteForm(request.POST if request.method == "POST" else None, initial={"text": kept.text})
    context = {"note": kept, "form": form, "title": people.title(kept.customer)}
    if request.method != "POST":
        return page(request, "customers/note.html", context)
    if not form.is_valid():
        return invalid(request, "customers/note.html", context)
    noting.change_note(kept, form.cleaned_data["text"], by=request.user)
    return _noted(request, kept.customer, "Note changed.")


@require_POST
@member(*KEEPERS)
def remove_note(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    kept = _own_note(request, store, pk)
    noting.delete_note(kept, by=request.user)
    undo = reverse("customers:restore_note", args=[store.slug, pk])
    return _noted(request, kept.customer, "Note removed.", undo)


@require_POST
@member(*KEEPERS)
def restore_note(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    kept = _own_note(request, store, pk)
    noting.restore_note(kept, by=request.user)
    return _noted(request, kept.customer, "The note is back.")


@require_safe
@member()
def why(request: StoreRequest, store: Store, pk: int, segment: int) -> HttpResponseBase:
    """Which conditions of a segment hold for this person, with the values behind them."""
    customer = person_of(_customer(store, pk))
    group = get_object_or_404(Segment, store=store, pk=segment)
    context: dict[str, Any] = {
        "customer": customer,
        "title": people.title(customer),
        "segment": group,
        "answers": pages.answers(explained(group, customer), store),
    }
    return page(request, "customers/why.html", context)
