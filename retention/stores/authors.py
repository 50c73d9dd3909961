"""Who did something: events and records name a user as "user:3"."""

from __future__ import annotations

from collections.abc import Iterable

from retention.lib.addresses import id_of
from retention.stores.models import User


def number_of(mark: str) -> int | None:
    """None for whoever is no user, such as an import."""
    kind, _, number = mark.partition(":")
    return id_of(number) if kind == "user" else None


def authors(marks: Iterable[str]) -> dict[str, str]:
    """ "user:3" -> their name."""
    keys = {pk for mark in marks if (pk := number_of(mark)) is not None}
    return {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=keys)}
