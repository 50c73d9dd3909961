"""Names of the builder's inputs."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def dashed(name: str) -> str:
    """A name as an id: ids with points would have to be escaped wherever they are looked up."""
    return name.replace(".", "-")
