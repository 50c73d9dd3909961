"""The staff door: a page of a store opens for its members only, and only in their role."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from retention.stores.models import Membership, Role, Store, User

READING = frozenset({"GET", "HEAD", "OPTIONS"})

View = Callable[..., HttpResponseBase]


class StoreRequest(HttpRequest):
    """A request that came through the door: type only, the attributes are set by `member`."""

    store: Store
    # None for an administrator who is not a member.
    membership: Membership | None
    user: User


def member(*roles: str) -> Callable[[View], View]:
    """Open `/<store>/...` to members in one of these roles; to every member when none is named.

    A stranger gets 404, because even the existence of a store is nobody else's business.
    A wrong role gets 403; so does an analyst who tries to change something.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: StoreRequest, store: str, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            request.store, request.membership = _enter(request.user, store)
            if not _may(request, roles):
                raise PermissionDenied
            return view(request, request.store, *args, **kwargs)

        # Read by the test that walks every address.
        opened.door_roles = roles or tuple(Role.values)  # type: ignore[attr-defined]
        return opened

    return decorate


def stores_of(user: User) -> list[Store]:
    """The stores that this person can open."""
    if user.is_superuser:
        return list(Store.objects.all())
    return list(Store.objects.filter(memberships__user=user))


def _to_login(request: HttpRequest) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path())
    # A part was asked for: the whole page goes to sign-in, and comes back as it was.
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    back = redirect_to_login(urlunsplit(("", "", page.path or "/", page.query, "")))
    return HttpResponse(status=204, headers={"HX-Redirect": back["Location"]})


def _enter(user: User, slug: str) -> tuple[Store, Membership | None]:
    membership = Membership.objects.select_related("store").filter(store__slug=slug, user=user).first()
    if membership:
        return membership.store, membership
    store = Store.objects.filter(slug=slug).first() if user.is_superuser else None
    if store is None:
        raise Http404
    return store, None


def _may(request: StoreRequest, roles: tuple[str, ...]) -> bool:
    role = request.membership.role if request.membership else Role.OWNER
    if roles and role not in roles:
        return False
    return role != Role.ANALYST or request.method in READING
