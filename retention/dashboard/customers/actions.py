"""What people keep of the list: views by name."""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.db import transaction

from retention.customers.facts import names_people
from retention.customers.naming import names
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
    """A search for an erased person, kept as a view, names them; other filters are numbers and choices."""
    for view in SavedView.objects.filter(store=store_id):
        asked = dict(parse_qsl(view.query))
        if any(names(text, words) for text in (view.name, asked.get("q", ""), asked.get("tag", ""))):
            view.delete()


def register() -> None:
    names_people("views", _erase)
