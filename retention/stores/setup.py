"""The first run: one link opens an empty installation, once."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from retention.stores.models import RESERVED, Membership, Role, SetupToken, Store, User

LIFETIME = timedelta(hours=24)


def needed() -> bool:
    """Nobody can log in yet."""
    return not User.objects.exists()


def setup_url(base_url: str) -> str:
    """A new link to the set-up page; older links stop working."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        SetupToken.objects.all().delete()
        SetupToken.objects.create(digest=_digest(token), expires_at=timezone.now() + LIFETIME)
    return f"{base_url.rstrip('/')}/setup/{token}/"


def opens(token: str) -> bool:
    """Does this token open the set-up page now?"""
    return (
        needed() and SetupToken.objects.filter(digest=_digest(token), expires_at__gt=timezone.now()).exists()
    )


@transaction.atomic
def set_up(token: str, *, owner: User, password: str, store: Store) -> User:
    """Make the administrator and the first store. Raises ValidationError when somebody was faster."""
    with connection.cursor() as cursor:
        # Two browsers with the same link: the second waits here, and then finds a user.
        cursor.execute("LOCK TABLE stores_setuptoken IN EXCLUSIVE MODE")
    if not opens(token):
        raise ValidationError(
            "This link was used already or is too old. Start Perennial again for a new one."
        )
    owner.is_staff = owner.is_superuser = True
    owner.set_password(password)
    owner.save()
    store.slug = free_slug(store.name)
    store.save()
    Membership.objects.create(store=store, user=owner, role=Role.OWNER)
    SetupToken.objects.all().delete()
    return owner


def free_slug(name: str) -> str:
    """An address for a store of this name that no other has."""
    wanted = slugify(name)[:50] or "store"
    slug, number = wanted, 1
    while slug in RESERVED or Store.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
