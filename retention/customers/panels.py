"""Panels on a customer's page: an app says where its own part is found, and the page fetches it.

Declared in the app's `vocabulary.py`, so that the page knows no app and no app knows the page.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """`url_name` is an address with `store` (slug) and `pk` (customer) that answers with the body of a card.

    `roles`: who sees it; empty for every member. The address guards itself all the same.
    """

    name: str
    title: str
    url_name: str
    roles: tuple[str, ...] = ()


PANELS: dict[str, Panel] = {}


def customer_panel(name: str, *, title: str, url_name: str, roles: tuple[str, ...] = ()) -> None:
    """Show this part on every customer's page, in the order of declaration."""
    PANELS[name] = Panel(name, title, url_name, roles)
