"""What the timeline can say about a store's settings and people."""

from __future__ import annotations

from dataclasses import dataclass

from retention.timeline.kinds import Kind, kind


@kind
@dataclass(frozen=True, kw_only=True)
class StoreOpened(Kind):
    """An administrator made the store."""

    name = "store.opened"
    icon = "store"
    sentence = "Opened the store"


@kind
@dataclass(frozen=True, kw_only=True)
class SettingsChanged(Kind):
    """The owner changed settings of the store; `fields` names them in words."""

    name = "store.settings_changed"
    icon = "settings"
    sentence = "Changed the settings: {fields}"
    fields: str


@kind
@dataclass(frozen=True, kw_only=True)
class MemberInvited(Kind):
    """A place in the store was offered by e-mail; the address is in the invitation, not here."""

    name = "store.member_invited"
    icon = "mail"
    sentence = "Invited somebody as {role}"
    invitation: int
    role: str


@kind
@dataclass(frozen=True, kw_only=True)
class InvitationWithdrawn(Kind):
    """An open invitation was taken back; its link no longer works."""

    name = "store.invitation_withdrawn"
    icon = "x"
    sentence = "Took an invitation back"
    invitation: int


@kind
@dataclass(frozen=True, kw_only=True)
class MemberAdded(Kind):
    """An administrator gave somebody a place without an invitation; `member` is the user's id."""

    name = "store.member_added"
    icon = "user-plus"
    sentence = "Added a member as {role}"
    member: int
    role: str


@kind
@dataclass(frozen=True, kw_only=True)
class MemberJoined(Kind):
    """Somebody accepted an invitation."""

    name = "store.member_joined"
    icon = "user-plus"
    sentence = "Joined as {role}"
    member: int
    role: str


@kind
@dataclass(frozen=True, kw_only=True)
class RoleChanged(Kind):
    """A member may now do other things; `member` is the user's id."""

    name = "store.role_changed"
    icon = "user"
    sentence = "Changed a member from {before} to {after}"
    member: int
    before: str
    after: str


@kind
@dataclass(frozen=True, kw_only=True)
class MemberRemoved(Kind):
    """A member lost access to the store."""

    name = "store.member_removed"
    icon = "user-minus"
    sentence = "Removed a member ({role})"
    member: int
    role: str
