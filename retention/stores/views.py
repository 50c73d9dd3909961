"""The way in: from the bare address to the first store."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from retention.lib.paging import newest
from retention.stores.doors import stores_of
from retention.stores.models import OutboxMail, User

PAGE = 50


@login_required
def home(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    stores = stores_of(request.user)
    if stores:
        # The oldest: with the demo that is the whole shop, not the sample.
        return redirect(f"/{min(stores, key=lambda store: store.pk).slug}/")
    return render(request, "stores/none.html")


def closed(request: HttpRequest) -> HttpResponse:
    """A page that a library offers and we do not."""
    raise Http404


@login_required
def outbox(request: HttpRequest) -> HttpResponse:
    """Mails that were kept, newest first. For administrators with all rights, since letters that open any
    account are among them; to others there is no such page."""
    assert isinstance(request.user, User)
    if not request.user.is_superuser:
        raise Http404
    mails, following = newest(OutboxMail.objects.all(), request.GET.get("before", ""), PAGE)
    return render(request, "stores/outbox.html", {"mails": mails, "next": following})
