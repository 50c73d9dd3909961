"""Tags of the shell: icons, and what the navigation needs to know."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.forms.boundfield import BoundField
from django.http import HttpRequest
from django.utils.safestring import SafeString

from retention.lib import formats, icons
from retention.stores.doors import stores_of
from retention.stores.models import Role, Store, User

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    return icons.icon(name)


@register.simple_tag(takes_context=True)
def here(context: template.Context, url: str, *, exact: bool = False) -> SafeString:
    """`aria-current` for the navigation entry of the page that is open."""
    path = getattr(context.get("request"), "path", "")
    return (
        SafeString(' aria-current="page"')
        if url and (path == url if exact else path.startswith(url))
        else SafeString("")
    )


@register.simple_tag(takes_context=True)
def my_stores(context: template.Context) -> list[Store]:
    user = getattr(context.get("request"), "user", None)
    return stores_of(user) if isinstance(user, User) else []


@register.simple_tag(takes_context=True)
def owns(context: template.Context) -> bool:
    """May this person change the store's settings?"""
    request: HttpRequest | None = context.get("request")
    membership = getattr(request, "membership", None)
    return membership.role == Role.OWNER if membership else bool(getattr(request, "store", None))


@register.simple_tag
def plain(field: BoundField) -> SafeString:
    """The input of a field, without a placeholder that only repeats the label."""
    return field.as_widget(attrs={**field.field.widget.attrs, "placeholder": False})


@register.filter
def moment(at: datetime | None, store: Store | None) -> str:
    """A date with its time on the clock of the store."""
    return formats.moment(at, store.locale, store.time_zone) if store else formats.moment(at)


@register.filter
def initials(name: object) -> str:
    """“Fern & Finch” is FF."""
    words = [word for word in str(name).split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper()
