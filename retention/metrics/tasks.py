"""Background work: catching up with the timeline, and rebuilding."""

from __future__ import annotations

from celery import shared_task

from retention.metrics.models import State
from retention.metrics.rebuild import rebuild
from retention.stores.models import Store
from retention.timeline.follow import FOLLOWERS, catch_up


@shared_task(name="metrics.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Every follower reads what is new; a store whose time zone changed is rebuilt."""
    for name in FOLLOWERS:
        catch_up(name)
    for state in State.objects.select_related("store"):
        if state.time_zone != state.store.time_zone:
            rebuild(state.store)


@shared_task(name="metrics.rebuild", ignore_result=True)  # type: ignore[untyped-decorator]
def rebuild_store(store_id: int) -> None:
    """Compute all of a store's figures anew."""
    store = Store.objects.filter(pk=store_id).first()
    if store is not None:
        rebuild(store)
