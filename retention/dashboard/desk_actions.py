"""The owner's changes, each with its line in the timeline, in one transaction."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.db import transaction

from retention.dashboard import desk_words as words
from retention.stores import people
from retention.stores.forms import StoreForm
from retention.stores.models import Invitation, Membership, Store, User
from retention.timeline.actions import record


@transaction.atomic
def save_settings(form: StoreForm, *, by: User) -> Store:
    store = form.save()
    if form.changed_data:
        names = ", ".join(
            str(form.fields[name].label or name.replace("_", " ")).lower() for name in form.changed_data
        )
        record(store, words.SettingsChanged(fields=names), by=actor(by))
    if "time_zone" in form.changed_data:
        _count_anew(store)
    return store


@transaction.atomic
def invite_member(store: Store, email: str, role: str, *, by: User, base_url: str) -> Invitation:
    invitation = people.invite(store, email, role, by=by, base_url=base_url)
    record(store, words.MemberInvited(invitation=invitation.pk, role=role), by=actor(by))
    return invitation


@transaction.atomic
def withdraw_invitation(invitation: Invitation, *, by: User) -> None:
    record(invitation.store, words.InvitationWithdrawn(invitation=invitation.pk), by=actor(by))
    invitation.delete()


@transaction.atomic
def join_store(invitation: Invitation, user: User) -> Membership:
    membership = people.join(invitation, user)
    record(membership.store, words.MemberJoined(member=user.pk, role=membership.role), by=actor(user))
    return membership


@transaction.atomic
def join_store_as_new(invitation: Invitation, *, name: str, password: str) -> Membership:
    """Raises ValidationError when the place was taken meanwhile, such as by a double click."""
    people.hold(invitation)
    return join_store(invitation, User.objects.create_user(invitation.email, password, name=name))


@transaction.atomic
def open_store(store: Store, *, by: User) -> None:
    store.save()
    record(store, words.StoreOpened(), by=actor(by))


@transaction.atomic
def add_member(membership: Membership, *, by: User) -> None:
    membership.save()
    added = words.MemberAdded(member=membership.user_id, role=membership.role)
    record(membership.store, added, by=actor(by))


@transaction.atomic
def change_member_role(membership: Membership, role: str, *, by: User) -> None:
    before = membership.role
    people.change_role(membership, role)
    changed = words.RoleChanged(member=membership.user_id, before=before, after=role)
    record(membership.store, changed, by=actor(by))


@transaction.atomic
def remove_member(membership: Membership, *, by: User) -> None:
    gone = words.MemberRemoved(member=membership.user_id, role=membership.role)
    record(membership.store, gone, by=actor(by))
    people.remove(membership)


def actor(user: User) -> str:
    return f"user:{user.pk}"


def _count_anew(store: Store) -> None:
    """Days and months begin at another hour: every count by day or month changes."""
    if find_spec("retention.metrics.actions"):
        import_module("retention.metrics.actions").rebuild_later(store)
