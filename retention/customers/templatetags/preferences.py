"""What the preference centre's templates need."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def hint(hints: object, value: object) -> str:
    """The sentence under a choice, if it has one."""
    return str(hints.get(str(value), "")) if isinstance(hints, Mapping) else ""
