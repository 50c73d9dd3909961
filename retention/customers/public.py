"""The shopper's pages: behind a signed link instead of a login.

GET changes nothing, because mail scanners follow every link. POST needs no CSRF token: the signed address
is itself the secret, and a browser that refuses cookies must be able to unsubscribe.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from ipaddress import ip_address
from typing import TypedDict

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from retention.customers import preferences as centre
from retention.customers.forms import WAYS, PreferencesForm
from retention.customers.merging import person_of
from retention.customers.models import Channel, Customer
from retention.customers.preferences import asked, opened_by
from retention.stores.models import User

MOST_PER_MINUTE = 60
DONE = {
    "saved": "Saved. Thank you for telling us.",
    "everything": "You are unsubscribed from everything. Only news about your orders still comes.",
    "confirmed": "Confirmed. Welcome!",
}
View = Callable[..., HttpResponse]


def signed(find: Callable[[str], Customer | None], *, limit: bool = True) -> Callable[[View], View]:
    """Open the page for the person whose token is in the address; a friendly 404 for everybody else."""

    def decorate(view: View) -> View:
        @never_cache
        @csrf_exempt
        @wraps(view)
        def opened(request: HttpRequest, token: str) -> HttpResponse:
            if limit and _too_many(_address(request) or ""):
                return render(request, "customers/public/slow.html", status=429)
            customer = find(token)
            if customer is None:
                return render(request, "customers/public/gone.html", status=404)
            # Of one-click requests many come from one address, the mail provider's: each link is counted by
            # itself. Only after it was found genuine, or made-up ones would fill the table of counts.
            if not limit and _too_many(token):
                return render(request, "customers/public/slow.html", status=429)
            return view(request, customer, token)

        return opened

    return decorate


@signed(opened_by)
def preferences(request: HttpRequest, customer: Customer, token: str) -> HttpResponse:
    if request.method == "POST" and "everything" in request.POST:
        centre.unsubscribe_everything(customer, method="preference_centre", **_by(request, customer))
        return redirect(f"{request.path}?done=everything")
    staff = _staff(request, customer)
    sent = request.POST if request.method == "POST" else None
    form = PreferencesForm(sent, customer=customer, staff=staff is not None)
    if request.method == "POST" and form.is_valid():
        centre.choose(customer, form.choices(), offered=form.offered, **_by(request, customer))
        return redirect(f"{request.path}?done=saved")
    told = {**_page(customer), "form": form, "done": DONE.get(request.GET.get("done", ""))}
    told["staff"] = staff
    return render(request, "customers/public/preferences.html", told, status=422 if form.errors else 200)


@signed(opened_by, limit=False)
def one_click(request: HttpRequest, customer: Customer, token: str) -> HttpResponse:
    """RFC 8058: the mail program posts here, with this body, when its reader presses Unsubscribe."""
    if request.method != "POST":
        return redirect("preferences", token)
    if request.POST.get("List-Unsubscribe") != "One-Click":
        return HttpResponse(
            "The body must be List-Unsubscribe=One-Click.\n", status=400, content_type="text/plain"
        )
    centre.unsubscribe_everything(customer, method="one_click", ip=_address(request))
    return HttpResponse("You are unsubscribed.\n", content_type="text/plain")


@signed(asked)
def confirm(request: HttpRequest, customer: Customer, token: str) -> HttpResponse:
    """The second step of a double opt-in. The button is needed: scanners of mails open links."""
    if request.method == "POST":
        if _staff(request, customer):
            # They may have found the letter, in the Outbox say; it asks the customer.
            raise PermissionDenied
        centre.confirm(customer, **_by(request, customer))
        return redirect(f"{request.path}?done=confirmed")
    told = {**_page(customer), "done": DONE.get(request.GET.get("done", ""))}
    return render(request, "customers/public/confirm.html", told)


class By(TypedDict):
    ip: str | None
    by: str


def _by(request: HttpRequest, customer: Customer) -> By:
    """Who changes something, for the proof: what people of the store do here is not the customer's word."""
    staff = _staff(request, customer)
    return {"ip": _address(request), "by": f"user:{staff.pk}" if staff else "customer"}


def _staff(request: HttpRequest, customer: Customer) -> User | None:
    """The signed-in person of this store who opened the page."""
    user = request.user
    if not isinstance(user, User):
        return None
    works_here = user.is_superuser or customer.store.memberships.filter(user=user).exists()
    return user if works_here else None


def _page(customer: Customer) -> dict[str, object]:
    # A record that was merged into another may have its number there.
    phone = customer.phone or person_of(customer).phone
    known = {"email": _veiled(customer.email), "phone": phone[-2:]}
    return {
        "shop": customer.store,
        "ink": _ink(customer.store.brand_color),
        "ways": {str(c): WAYS[c][1].format(**known) for c in Channel},
        "about": {str(topic.pk): topic.description for topic in centre.topics_of(customer.store)},
    }


def _veiled(email: str) -> str:
    """m•••@example.com: a forwarded mail must not tell the whole address."""
    name, at, host = email.rpartition("@")
    return f"{name[:1]}•••{at}{host}" if at else "your address"


def _ink(color: str) -> str:
    """Black or white, whichever is easier to read on the brand's color (WCAG relative luminance)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"


def _address(request: HttpRequest) -> str | None:
    """The visitor's address; behind a proxy, the one that the proxy itself saw."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return _ip(forwarded.rpartition(",")[2])
    return _ip(request.META.get("REMOTE_ADDR", ""))


def _ip(told: str) -> str | None:
    """Proxies also write `203.0.113.5:4711`, `[2001:db8::1]:443`, `fe80::1%eth0` and `unknown`."""
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([^:]+):\d+$", r"\1\3", told.strip(' "'))
    try:
        return str(ip_address(bare.partition("%")[0]))
    except ValueError:
        return None


def _too_many(who: str) -> bool:
    # The minute is in the key, because to count on renews an entry's time: it would never end.
    key = f"preferences:{int(time.time() // 60)}:{sha256(who.encode()).hexdigest()[:32]}"
    count = cache.get(key, 0) + 1
    cache.set(key, count, timeout=60)
    return bool(count > MOST_PER_MINUTE)
