"""Pages behind a token instead of a login: the set-up of an empty installation."""

from __future__ import annotations

from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from retention.lib.htmx import invalid
from retention.stores import setup as first_run
from retention.stores.forms import SetupForm

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
def setup(request: HttpRequest, token: str) -> HttpResponse:
    if not first_run.opens(token):
        raise Http404
    if request.method != "POST":
        return render(request, "stores/setup.html", {"form": SetupForm()})
    form = SetupForm(request.POST)
    if not form.is_valid():
        return invalid(request, "stores/setup.html", {"form": form})
    store = form.store()
    try:
        password = form.cleaned_data["password"]
        owner = first_run.set_up(token, owner=form.owner(), password=password, store=store)
    except ValidationError as error:
        form.add_error(None, error)
        return invalid(request, "stores/setup.html", {"form": form})
    login(request, owner, BACKEND)
    return redirect(f"/{store.slug}/")
