"""What the panel "May we write?" offers: record what a person said, send them the link to their own page."""

from __future__ import annotations

from django.conf import settings as conf
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from retention.customers import asking, consent
from retention.customers.asking import NotSent
from retention.customers.merging import person_of
from retention.customers.models import Channel, Customer, Status
from retention.dashboard.customers.forms import SaidForm
from retention.dashboard.customers.roles import KEEPERS
from retention.dashboard.desk_actions import actor
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Store

# The mail server is away, or refuses the mail: smtplib's errors are OSErrors.
UNDELIVERED = "The mail could not be handed over, so nothing was recorded. Try again later."


def _person(store: Store, pk: int) -> Customer:
    found = get_object_or_404(Customer.objects.select_related("store", "merged_into"), store=store, pk=pk)
    person = person_of(found)
    if person.erased_at:
        raise PermissionDenied
    return person


@require_POST
@member(*KEEPERS)
def said(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """The person told somebody of the store that they want to hear from it, or no more."""
    person, form = _person(store, pk), SaidForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a channel, and what the person said.")
        return redirect("customers:person", store.slug, person.pk)
    channel, status = form.cleaned_data["channel"], form.cleaned_data["status"]
    try:
        waits = asking.record_by_hand(person, channel, status, base_url=conf.BASE_URL, by=actor(request.user))
    except NotSent as problem:
        messages.error(request, str(problem))
    except OSError:
        messages.error(request, UNDELIVERED)
    else:
        messages.success(request, _recorded(person, channel, status, waits=waits))
    return redirect("customers:person", store.slug, person.pk)


def _recorded(person: Customer, channel: str, status: str, *, waits: bool) -> str:
    name = Channel(channel).label
    if waits:
        return f"A mail asks {person.email} to confirm. {name} stays as it is until they do."
    now = consent.status_of(person, channel)
    if now != status:
        return f"Recorded. {name} stays {Status(now).label.lower()}."
    return f"Recorded: {name} is {Status(status).label.lower()}."


@require_POST
@member(*KEEPERS)
def send(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    person = _person(store, pk)
    try:
        asking.send_preferences_link(person, base_url=conf.BASE_URL, by=actor(request.user))
    except NotSent as problem:
        messages.error(request, str(problem))
    except OSError:
        messages.error(request, UNDELIVERED)
    else:
        messages.success(request, f"The link to their preferences is on its way to {person.email}.")
    return redirect("customers:person", store.slug, person.pk)
