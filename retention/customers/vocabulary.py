"""What the timeline can say about people."""

from __future__ import annotations

from dataclasses import dataclass

from retention.customers.facts import hangs_on_people
from retention.timeline.kinds import Kind, kind

hangs_on_people("note", table="customers_note", texts=("text",))


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerAdded(Kind):
    """A person was seen for the first time."""

    name = "customer.added"
    icon = "user"
    sentence = "Became known"


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerMerged(Kind):
    """Another record turned out to be the same person; its orders moved here."""

    name = "customer.merged"
    icon = "users"
    sentence = "Merged with record {other}"
    other: int


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerCorrected(Kind):
    """Somebody changed the profile by hand; `fields` names what, never to which value."""

    name = "customer.corrected"
    icon = "pencil"
    sentence = "Changed {fields} of a customer"
    fields: str


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerUnmerged(Kind):
    """A merge was a mistake: the other record is a person of its own again, with all that is its own."""

    name = "customer.unmerged"
    icon = "users"
    sentence = "Separated from record {other}"
    other: int


@kind
@dataclass(frozen=True, kw_only=True)
class CustomersKeptApart(Kind):
    """Somebody looked at two records that seem to be one person, and said that they are two."""

    name = "customer.kept_apart"
    icon = "users"
    sentence = "Is not the person of record {other}"
    other: int


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerErased(Kind):
    """Name, contact and free text were removed on request. Orders and numbers stay, under a pseudonym."""

    name = "customer.erased"
    icon = "lock"
    sentence = "Personal data was erased"


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerExported(Kind):
    """Everything known about the person was handed out, as the law gives them the right to."""

    name = "customer.exported"
    icon = "download"
    sentence = "Personal data was exported"


@dataclass(frozen=True, kw_only=True)
class ConsentKind(Kind):
    """`proof` is the row that says how; `source` and `method` are kept here for rules and filters."""

    channel: str
    purpose: str
    source: str
    method: str
    reason: str = ""
    proof: int | None = None


@kind
@dataclass(frozen=True, kw_only=True)
class ConsentAsked(ConsentKind):
    """Somebody signed up, and was asked to confirm by a link; nothing may be sent before that."""

    name = "consent.asked"
    icon = "mail"
    sentence = "Was asked to confirm {channel} ({purpose})"


@kind
@dataclass(frozen=True, kw_only=True)
class ConsentSubscribed(ConsentKind):
    """The person may be written to on this channel, for this purpose."""

    name = "consent.subscribed"
    icon = "check"
    sentence = "Subscribed to {channel} ({purpose})"


@kind
@dataclass(frozen=True, kw_only=True)
class ConsentUnsubscribed(ConsentKind):
    """The person may no longer be written to on this channel, for this purpose."""

    name = "consent.unsubscribed"
    icon = "circle-x"
    sentence = "Unsubscribed from {channel} ({purpose})"


@kind
@dataclass(frozen=True, kw_only=True)
class ConsentSuppressed(ConsentKind):
    """The channel cannot or must not be used for this person, whatever they once agreed to."""

    name = "consent.suppressed"
    icon = "circle-alert"
    sentence = "Suppressed on {channel} ({purpose}): {reason}"


@kind
@dataclass(frozen=True, kw_only=True)
class PreferencesChanged(Kind):
    """The person chose topics, how often to hear from the store, a pause, or a birthday."""

    name = "preferences.changed"
    icon = "pencil"
    sentence = "Changed preferences"
    frequency: str
    muted: tuple[int, ...] = ()
    paused: bool = False


@kind
@dataclass(frozen=True, kw_only=True)
class PreferencesLinkSent(Kind):
    """Somebody of the store mailed the person the link to their own page."""

    name = "preferences.link_sent"
    icon = "mail"
    sentence = "Was sent the link to their preferences"


@kind
@dataclass(frozen=True, kw_only=True)
class CustomerTagged(Kind):
    """Somebody put a tag on the person or took one off; the `tagging` says which."""

    name = "customer.tagged"
    icon = "tag"
    sentence = "Tags changed by hand"
    tagging: int


@dataclass(frozen=True, kw_only=True)
class NoteKind(Kind):
    """The words are in the note, so that erasing a person reaches them."""

    note: int


@kind
@dataclass(frozen=True, kw_only=True)
class NoteAdded(NoteKind):
    """Somebody of the store wrote a note about the person."""

    name = "note.added"
    icon = "message-square"
    sentence = "Note written"


@kind
@dataclass(frozen=True, kw_only=True)
class NoteChanged(NoteKind):
    """The author changed the words of a note."""

    name = "note.changed"
    icon = "pencil"
    sentence = "Note changed"


@kind
@dataclass(frozen=True, kw_only=True)
class NoteDeleted(NoteKind):
    """The author took a note away."""

    name = "note.deleted"
    icon = "trash-2"
    sentence = "Note deleted"


@kind
@dataclass(frozen=True, kw_only=True)
class NoteRestored(NoteKind):
    """A note's deletion was undone."""

    name = "note.restored"
    icon = "undo-2"
    sentence = "Note brought back"
