"""What the owner changes on the front page."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from retention.dashboard.desk_actions import actor
from retention.dashboard.desk_words import SettingsChanged
from retention.stores.models import Store, User
from retention.timeline.actions import record


@transaction.atomic
def set_target(store: Store, target: Decimal | None, *, by: User) -> None:
    """The repeat purchase rate to reach, in percent; None takes it away."""
    locked = Store.objects.select_for_update().get(pk=store.pk)
    if locked.target_rpr != target:
        locked.target_rpr = target
        locked.save(update_fields=["target_rpr"])
        record(store, SettingsChanged(fields="your target, %"), by=actor(by))
    store.target_rpr = target
