"""What the timeline can say about people."""

from __future__ import annotations

from dataclasses import dataclass

from retention.timeline.kinds import Kind, kind


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
