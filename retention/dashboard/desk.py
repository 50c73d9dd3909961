"""The owner's desk: settings, people, and what was done by whom; and the page behind an invitation's link."""

from __future__ import annotations

from typing import Any

from django.conf import settings as conf
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from retention.dashboard import desk_actions as actions
from retention.dashboard.desk_queries import activity_of, has_money
from retention.lib.addresses import id_of
from retention.lib.htmx import invalid, page
from retention.stores import people
from retention.stores.doors import StoreRequest, member
from retention.stores.forms import InvitationForm, JoinForm, RoleForm, StoreForm
from retention.stores.models import Invitation, Membership, Role, Store, User
from retention.stores.pictures import kind_of


class SettingsForm(StoreForm):
    """Amounts are kept in the currency's smallest unit, so it stays once there are any."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_money(self.instance):
            field = self.fields["currency"]
            field.disabled = True
            field.help_text = "It stays, because amounts in it are here."


BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@member("owner")
def settings(request: StoreRequest, store: Store) -> HttpResponse:
    if request.method != "POST":
        return page(request, "desk/settings.html", {"form": SettingsForm(instance=store)})
    # A copy of its own, so that the page's head keeps the saved name while the form is wrong.
    form = SettingsForm(request.POST, request.FILES, instance=Store.objects.get(pk=store.pk))
    if not form.is_valid():
        return invalid(request, "desk/settings.html", {"form": form})
    actions.save_settings(form, by=request.user)
    messages.success(request, "Settings saved.")
    return redirect("desk:settings", store.slug)


@member()
def logo(request: StoreRequest, store: Store) -> HttpResponseBase:
    if not store.logo or not store.logo.storage.exists(store.logo.name):
        raise Http404
    file = store.logo.open("rb")
    kind = kind_of(file.read(16))
    file.seek(0)
    return FileResponse(file, content_type=kind or "application/octet-stream")


@member("owner")
def members(request: StoreRequest, store: Store) -> HttpResponse:
    if request.method != "POST":
        return page(request, "desk/members.html", _people(store, InvitationForm()))
    form = InvitationForm(request.POST)
    if form.is_valid():
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        try:
            actions.invite_member(store, email, role, by=request.user, base_url=conf.BASE_URL)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"Invitation to {email} is on its way.")
            return redirect("desk:members", store.slug)
    return invalid(request, "desk/members.html", _people(store, form))


@require_POST
@member("owner")
def role(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    membership = get_object_or_404(store.memberships, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _told(request, store, "There is no such role.")
    try:
        actions.change_member_role(membership, form.cleaned_data["role"], by=request.user)
    except ValidationError as error:
        return _told(request, store, error.messages[0])
    messages.success(request, f"{membership.user} is now {membership.get_role_display().lower()}.")
    stepped_down = membership.user_id == request.user.pk and membership.role != Role.OWNER
    return redirect(f"/{store.slug}/") if stepped_down else redirect("desk:members", store.slug)


@require_POST
@member("owner")
def remove(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    membership = get_object_or_404(store.memberships, pk=pk)
    try:
        actions.remove_member(membership, by=request.user)
    except ValidationError as error:
        return _told(request, store, error.messages[0])
    messages.success(request, f"{membership.user} can no longer open this store.")
    return redirect(
        "home" if membership.user_id == request.user.pk else "desk:members", *_own(request, membership)
    )


@require_POST
@member("owner")
def withdraw(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    invitation = get_object_or_404(store.invitations, pk=pk, accepted_at=None)
    actions.withdraw_invitation(invitation, by=request.user)
    messages.success(request, "The invitation no longer works.")
    return redirect("desk:members", store.slug)


@member()
def activity(request: StoreRequest, store: Store) -> HttpResponse:
    rows, following = activity_of(store, before=id_of(request.GET.get("before", "")))
    return page(request, "desk/activity.html", {"rows": rows, "next": following})


@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation's link: a new person gives name and password, a known one confirms."""
    invitation = people.opened_by(token)
    if invitation is None:
        return _closed(request)
    known = User.objects.filter(email=invitation.email).first()
    if known:
        return _join_known(request, invitation, known)
    form = JoinForm(request.POST or None, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        try:
            membership = actions.join_store_as_new(invitation, **form.cleaned_data)
        except ValidationError:
            return _closed(request)
        logout(request)
        login(request, membership.user, BACKEND)
        return redirect(f"/{membership.store.slug}/")
    context = {"form": form, "invitation": invitation}
    return (
        invalid(request, "desk/join.html", context)
        if form.errors
        else render(request, "desk/join.html", context)
    )


def _join_known(request: HttpRequest, invitation: Invitation, known: User) -> HttpResponse:
    if request.user != known:
        return render(request, "desk/join_sign_in.html", {"invitation": invitation})
    if request.method != "POST":
        return render(request, "desk/join.html", {"invitation": invitation})
    try:
        actions.join_store(invitation, known)
    except ValidationError:
        return _closed(request)
    return redirect(f"/{invitation.store.slug}/")


def _closed(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/join_closed.html", status=410)


def _people(store: Store, form: InvitationForm) -> dict[str, object]:
    return {
        "memberships": store.memberships.select_related("user").order_by("created_at"),
        "invitations": store.invitations.filter(accepted_at=None).order_by("-id"),
        "roles": Membership._meta.get_field("role").choices,
        "form": form,
    }


def _told(request: StoreRequest, store: Store, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return invalid(request, "desk/members.html", _people(store, InvitationForm()))


def _own(request: StoreRequest, membership: Membership) -> list[str]:
    return [] if membership.user_id == request.user.pk else [request.store.slug]
