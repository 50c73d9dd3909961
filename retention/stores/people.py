"""Who works in a store: inviting, joining, changing roles, leaving."""

from __future__ import annotations

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from retention.stores.models import Invitation, Membership, Role, Store, User

SALT = "retention.stores.invitation"
LIFETIME = 7 * 86_400

LETTER = """{inviter} invites you to work in {store} as {role}.

Open this link within 7 days to join:
{link}

If you did not expect this, ignore the mail; nothing happens without you.
"""


def invite(store: Store, email: str, role: str, *, by: User, base_url: str) -> Invitation:
    """Offer a place and mail the link. Inviting the same address again replaces the open offer."""
    email = email.strip().lower()
    if store.memberships.filter(user__email=email).exists():
        raise ValidationError({"email": f"{email} is in this store already."})
    with transaction.atomic():
        invitation, _ = Invitation.objects.update_or_create(
            store=store, email=email, accepted_at=None, defaults={"role": role, "invited_by": by}
        )
    _mail(invitation, base_url)
    return invitation


def _mail(invitation: Invitation, base_url: str) -> None:
    link = f"{base_url.rstrip('/')}/join/{sign(invitation)}/"
    role = Role(invitation.role).label.lower()
    text = LETTER.format(inviter=invitation.invited_by, store=invitation.store, role=role, link=link)
    send_mail(f"Your invitation to {invitation.store}", text, None, [invitation.email])


def sign(invitation: Invitation) -> str:
    return signing.dumps(invitation.pk, salt=SALT)


def opened_by(token: str) -> Invitation | None:
    """The open invitation of this link; None when it is forged, too old, withdrawn or used."""
    try:
        key = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    return Invitation.objects.select_related("store").filter(pk=key, accepted_at=None).first()


def hold(invitation: Invitation) -> Invitation:
    """The open invitation, locked until the transaction ends. Raises ValidationError when it was used."""
    locked = Invitation.objects.select_for_update().filter(pk=invitation.pk, accepted_at=None).first()
    if locked is None:
        raise ValidationError("This invitation was used already.")
    return locked


@transaction.atomic
def join(invitation: Invitation, user: User) -> Membership:
    """Take the place. Raises ValidationError for another address, or when it was taken already."""
    locked = hold(invitation)
    if user.email.lower() != locked.email:
        raise ValidationError("This invitation is for another address.")
    locked.accepted_at = timezone.now()
    locked.save(update_fields=["accepted_at"])
    membership, _ = Membership.objects.get_or_create(
        store=locked.store, user=user, defaults={"role": locked.role}
    )
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str) -> None:
    """Raises ValidationError when it would leave the store without an owner."""
    keep_an_owner(membership, stays=role == Role.OWNER)
    membership.role = role
    membership.save(update_fields=["role"])


@transaction.atomic
def remove(membership: Membership) -> None:
    """Raises ValidationError for the last owner."""
    keep_an_owner(membership, stays=False)
    membership.delete()


def keep_an_owner(membership: Membership, *, stays: bool) -> None:
    """Raises ValidationError when this member is the last owner and would not stay one."""
    # The store's row is the lock: two owners who remove each other take turns.
    Store.objects.select_for_update().get(pk=membership.store_id)
    others = Membership.objects.filter(store=membership.store_id, role=Role.OWNER).exclude(pk=membership.pk)
    if not stays and not others.exists():
        raise ValidationError("A store needs an owner. Make somebody else an owner first.")
