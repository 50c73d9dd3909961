"""What each role may do with customers, and how a page asks."""

from __future__ import annotations

from retention.stores.doors import StoreRequest
from retention.stores.models import Role

# Notes, tags, merges.
KEEPERS = (Role.OWNER, Role.MARKETER, Role.SUPPORT)
# Handing out what is known about a person.
GIVERS = (Role.OWNER, Role.MARKETER)


def may(request: StoreRequest) -> dict[str, bool]:
    membership = request.membership
    # An administrator who is not a member acts as owner, as at the door.
    role = membership.role if membership else Role.OWNER
    return {"keep": role in KEEPERS, "give": role in GIVERS, "erase": role == Role.OWNER}
