"""The way in: from the bare address to the first store."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from retention.stores.doors import stores_of
from retention.stores.models import User


@login_required
def home(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    stores = stores_of(request.user)
    if stores:
        return redirect(f"/{stores[0].slug}/")
    return render(request, "stores/none.html")
