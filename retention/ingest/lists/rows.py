"""A row of a mailing list as a person: fields, tags, custom fields and consent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retention.customers.consent import Evidence
from retention.customers.models import Customer
from retention.customers.registers import CUSTOM, TEXTS
from retention.ingest.files.values import Unusable, clean, email_key, microseconds
from retention.ingest.lists import proofs
from retention.ingest.lists.cells import birthday, moment, tag_list, unguarded
from retention.ingest.lists.formats import ListFormat

LIMITS = {name: int(getattr(Customer._meta.get_field(name), "max_length", 0)) for name in TEXTS}
# A custom field whose label is also one of the tool's own columns goes out under this name.
RENAMED = " (custom)"
# Columns that our own files add to what the tool knows; their headers mean the same in every list.
CARRIED = {
    "first_name": "First name", "last_name": "Last name", "company": "Company", "address1": "Address 1",
    "address2": "Address 2", "postal_code": "Postal code", "city": "City", "region": "Region",
    "country": "Country", "birthday": "Birthday", "time_zone": "Time zone", "locale": "Locale",
}  # fmt: skip
CARRIED_AS = {**{label: what for what, label in CARRIED.items()}, "Tags": "tags"}
NO = {"", "0", "no", "false", "n"}


@dataclass
class Person:
    """What one row tells."""

    line: int
    email: str = ""
    phone: str = ""
    id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    # Microseconds of the tool's own clock, or 0 when it does not say.
    version: int = 0


def phone_key(phone: str) -> str:
    """The name of somebody who is known by a phone only; empty if it is none."""
    digits = re.sub(r"\D", "", phone)
    return ("+" if phone.lstrip().startswith("+") else "") + digits if 5 <= len(digits) <= 20 else ""


def reader(
    form: ListFormat, header: list[str], *, status: str, as_of: datetime
) -> Callable[[int, list[str]], Person]:
    """Looks at the header once; the reader of a row raises Unusable."""
    columns = places(form, header)

    def read(line: int, row: list[str]) -> Person:
        if any(cell.strip() for cell in row[len(header) :]):
            raise Unusable(f"The row has {len(row)} cells, but the header only {len(header)}.")
        person = Person(line)
        cells: proofs.Cells = {}
        # A row that stops early has empty cells, not missing columns: those decide about consent.
        row = row + [""] * (len(header) - len(row))
        for (what, label), cell in zip(columns, row, strict=False):
            text = unguarded(cell)
            cells.setdefault(label.lower(), text)
            if text.strip():
                _take(person, form, what, label, text)
        person.evidence = proofs.evidence(form.name, cells, status=status, as_of=as_of)
        if form.name == "mailchimp" and (changed := moment(cells.get("last_changed", ""))):
            person.version = microseconds(changed)
        if not (person.email or person.id or phone_key(person.phone)):
            raise Unusable("The row has neither an e-mail address, a phone number nor an id.")
        return person

    return read


def places(form: ListFormat, header: list[str]) -> list[tuple[str, str]]:
    """Of each column what it is and its label; a second column of one name is a custom field."""
    known = {name.lower(): what for name, what in {**CARRIED_AS, **form.also, **form.columns}.items()}
    labels = _labels(header)
    lower = {label.lower() for label in labels}
    skipped = set(proofs.OURS)
    if form.name == "mailchimp":
        skipped |= {*proofs.MAILCHIMP, "last_changed"}
    if {"first name", "last name"} <= lower and "name" in form.columns.values():
        # Our own file: it says which part of the name is which.
        skipped.add("name")
    found, taken = [], set[str]()
    for label in labels:
        what = "consent" if label.lower() in skipped else known.get(label.lower(), "custom")
        if what == "custom" and form.tags == "columns" and label.lower().startswith("tag:"):
            what = "tag"
        if what in taken:
            what = "custom"
        taken |= {what} - {"custom", "consent", "tag"}
        found.append((what, label))
    return found


def _labels(header: list[str]) -> list[str]:
    """The second column of one name, and one without a name, get names of their own."""
    seen: dict[str, int] = {}
    labels = []
    for number, name in enumerate(header, 1):
        label = unguarded(name).strip() or f"Column {number}"
        count = seen[label.lower()] = seen.get(label.lower(), 0) + 1
        labels.append(label if count == 1 else f"{label} ({count})")
    return labels


def _take(person: Person, form: ListFormat, what: str, label: str, text: str) -> None:
    if what == "email":
        person.email = person.fields["email"] = email_key(text)
        if not person.email:
            raise Unusable(f"“{clean(text)[:60]}” is not an e-mail address.")
    elif what == "id":
        person.id = clean(text)[:320]
    elif what == "name":
        first, _, last = clean(text).partition(" ")
        person.fields |= {"first_name": first, "last_name": last.strip()}
    elif what == "tags":
        person.tags += [tag for tag in tag_list(text) if tag not in person.tags]
    elif what == "tag":
        person.tags += [label[4:].strip()] if clean(text).lower() not in NO else []
    elif what == "birthday" and birthday(text):
        person.fields["birthday"] = birthday(text)
    elif what in TEXTS and what != "birthday":
        person.fields[what] = clean(text)
        if what == "phone":
            person.phone = clean(text)
        if len(person.fields[what]) > LIMITS[what]:
            raise Unusable(f"“{label}” is longer than {LIMITS[what]} characters.")
    elif what != "consent":
        person.fields[CUSTOM + label.removesuffix(RENAMED)] = text
