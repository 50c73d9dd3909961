"""What a person is called on the pages: by a name, else by what else is known; and who told of them."""

from __future__ import annotations


def title_of(name: str, email: str, company: str, known_as: object) -> str:
    return name or email or company or f"Customer {known_as}"


def erased_title(pk: int) -> str:
    return f"Erased customer {pk}"


def heard_from(source: str, method: str) -> str:
    """Where a consent was told, and how: "Shopify · import, undated"."""
    how = method.replace("import_undated", "import, undated").replace("_", " ")
    return " · ".join(word for word in (source.replace("_", " ").capitalize(), how) if word)
