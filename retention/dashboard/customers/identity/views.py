"""Who is who: suspected duplicates, merging, and what the law gives a person a right to."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from retention.customers import merging
from retention.customers.export import export_customer
from retention.customers.merging import NotPossible, person_of
from retention.customers.models import Customer, Merge
from retention.customers.privacy import erase_customer
from retention.dashboard.customers import pages
from retention.dashboard.customers.forms import EraseForm
from retention.dashboard.customers.person import title
from retention.dashboard.customers.roles import GIVERS, KEEPERS
from retention.dashboard.desk_actions import actor
from retention.lib.htmx import invalid, moved, page, saved, wants_part
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Role, Store


@require_safe
@member()
def duplicates(request: StoreRequest, store: Store) -> HttpResponse:
    return page(request, "customers/duplicates.html", pages.duplicates_page(request, store))


def _pair(store: Store, *pks: int) -> list[Customer]:
    found = Customer.objects.select_related("store").filter(store=store).in_bulk(pks)
    if len(found) != 2:
        raise Http404
    return [found[pk] for pk in pks]


@require_POST
@member(*KEEPERS)
def merge(request: StoreRequest, store: Store, pk: int, other: int) -> HttpResponse:
    """The first stays, the other becomes part of it."""
    one, two = _pair(store, pk, other)
    try:
        done = merging.merge_customers(one, two, by=actor(request.user), chosen=True)
    except NotPossible as problem:
        return _refused(request, store, str(problem))
    undo = reverse("customers:unmerge", args=[store.slug, done.pk])
    return _settled(request, store, f"{title(one)} is one person now.", undo)


@require_POST
@member(*KEEPERS)
def apart(request: StoreRequest, store: Store, pk: int, other: int) -> HttpResponse:
    one, two = _pair(store, pk, other)
    merging.keep_apart(one, two, by=actor(request.user))
    return _settled(request, store, "Two people. They are not proposed again.")


def _settled(request: StoreRequest, store: Store, words: str, undo: str = "") -> HttpResponse:
    if not wants_part(request):
        messages.success(request, words)
    context = pages.duplicates_page(request, store)
    to = reverse("customers:duplicates", args=[store.slug])
    return saved(request, "customers/duplicates_settled.html", context, to=to, toast=words, undo=undo)


def _refused(request: StoreRequest, store: Store, problem: str) -> HttpResponse:
    context: dict[str, Any] = pages.duplicates_page(request, store) | {"problem": problem}
    return invalid(request, "customers/duplicates.html", context)


@require_POST
@member(*KEEPERS)
def unmerge(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = get_object_or_404(Merge.objects.select_related("store", "survivor"), store=store, pk=pk)
    try:
        back = merging.unmerge(found, by=actor(request.user))
    except NotPossible as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"{title(back)} is a person of their own again, with all that is theirs.")
    return moved(request, reverse("customers:person", args=[store.slug, found.survivor_id]))


def _customer(store: Store, pk: int) -> Customer:
    found = get_object_or_404(Customer.objects.select_related("store", "merged_into"), store=store, pk=pk)
    return person_of(found)


@require_POST
@member(*GIVERS)
def export(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """Everything that is known about the person, to hand out."""
    customer = _customer(store, pk)
    packed = export_customer(customer, by=actor(request.user))
    response = HttpResponse(packed, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{store.slug}-customer-{customer.pk}.zip"'
    response["Cache-Control"] = "no-store"
    return response


@member(Role.OWNER)
def erase(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """A page of its own, which names what goes and asks for the name: it cannot be undone."""
    customer = _customer(store, pk)
    if customer.erased_at:
        return redirect("customers:person", store.slug, customer.pk)
    form = EraseForm(request.POST if request.method == "POST" else None, customer=customer)
    context = {"customer": customer, "form": form, "title": title(customer)}
    if request.method != "POST":
        return page(request, "customers/erase.html", context)
    if not form.is_valid():
        return invalid(request, "customers/erase.html", context)
    erase_customer(customer, by=actor(request.user))
    messages.success(request, "Name, contact and words are erased. The numbers stay.")
    return redirect("customers:person", store.slug, customer.pk)
