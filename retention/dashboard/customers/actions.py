"""What people keep of the list: views by name."""

from __future__ import annotations

from urllib.parse import quote_plus

from django.db import transaction

from retention.customers.facts import names_people
from retention.dashboard.customers.wanted import Wanted
from retention.dashboard.models import SavedView
from retention.stores.models import Store, User


@transaction.atomic
def save_view(store: Store, name: str, wanted: Wanted, *, by: User) -> SavedView:
    """The same name again is the same view, changed."""
    view, _ = SavedView.objects.update_or_create(
        store=store, name=name, defaults={"query": wanted.query(), "by": by}
    )
    return view


def remove_view(view: SavedView) -> None:
    view.delete()


def _erase(store_id: int, words: list[str]) -> None:
    """A search for an erased person, kept as a view, names them."""
    for word in words:
        for written in {word, quote_plus(word)}:
            SavedView.objects.filter(store=store_id, query__icontains=written).delete()
        SavedView.objects.filter(store=store_id, name__icontains=word).delete()


def register() -> None:
    names_people("views", _erase)
