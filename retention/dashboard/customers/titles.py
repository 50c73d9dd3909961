"""What a person is called on the pages: by a name, else by what else is known."""

from __future__ import annotations


def title_of(name: str, email: str, company: str, known_as: object) -> str:
    return name or email or company or f"Customer {known_as}"


def erased_title(pk: int) -> str:
    return f"Erased customer {pk}"
