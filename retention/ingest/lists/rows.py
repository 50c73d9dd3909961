"""A row of a mailing list as a person: fields, tags, custom fields and consent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from retention.customers.consent import Evidence
from retention.customers.models import Customer
from retention.customers.registers import CUSTOM, TEXTS
from retention.ingest.files.values import Unusable, clean, country, email_key, microseconds, remembered
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


Name = tuple[str, str]


@dataclass(slots=True)
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
    # By what the person may be known.
    names: list[Name] = field(default_factory=list)
    # A text was too long for its field: what fits is there, and all of it is a custom field.
    cut: bool = False


def phone_key(phone: str) -> str:
    """The name of somebody who is known by a phone only; empty if it is none."""
    digits = re.sub(r"\D", "", phone)
    return ("+" if phone.lstrip().startswith("+") else "") + digits if 5 <= len(digits) <= 20 else ""


def reader(
    form: ListFormat, header: list[str], *, status: str, as_of: datetime
) -> Callable[[int, list[str]], Person]:
    """Looks at the header once; the reader of a row raises Unusable."""
    takers = [_taker(form, what, label) for what, label in places(form, header)]
    heard = _places_of_consent(header)

    def read(line: int, row: list[str]) -> Person:
        # A row that stops early has empty cells, not missing columns: those decide about consent.
        short = len(takers) - len(row)
        if short < 0 and any(map(str.strip, row[short:])):
            raise Unusable(f"The row has {len(row)} cells, but the header only {len(header)}.")
        texts = [*map(unguarded, row), *[""] * short]
        person = Person(line)
        for take, text in zip(takers, texts, strict=False):
            if take and text and not text.isspace():
                take(person, text)
        cells = {name: texts[place] for name, place in heard}
        person.evidence = proofs.evidence(form.name, cells, status=status, as_of=as_of)
        if form.name == "mailchimp" and (changed := moment(cells.get("last_changed", ""))):
            person.version = microseconds(changed)
        person.names = _names(person, form)
        return person

    return read


def _places_of_consent(header: list[str]) -> list[tuple[str, int]]:
    """Where the row says what counts for consent; the first of two columns of one name does."""
    labels = [label.lower() for label in _labels(header)]
    return [(name, labels.index(name)) for name in {*proofs.ASKED_FOR, "last_changed"}.intersection(labels)]


def _names(person: Person, form: ListFormat) -> list[Name]:
    """By what the row's person may be known; a phone only where there is nothing better, because families
    share one."""
    names = [(source, value) for source, value in (("email", person.email), (form.name, person.id)) if value]
    if not names:
        if not (phone := phone_key(person.phone)):
            raise Unusable("The row has neither an e-mail address, a phone number nor an id.")
        names.append(("phone", phone))
    return names


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


Taker = Callable[[Person, str], None]


def _taker(form: ListFormat, what: str, label: str) -> Taker | None:
    """What a filled cell of this column does to its person."""
    if what == "consent":
        return None
    if what == "tag":
        return partial(_take_tag, label[4:].strip())
    custom = partial(_take_custom, CUSTOM + label.removesuffix(RENAMED))
    if what == "name":
        return partial(_take_name, custom)
    if what in TAKERS:
        return TAKERS[what]
    if what == "birthday":
        return partial(_take_birthday, custom)
    return partial(_take_text, what, custom, LIMITS[what]) if what in TEXTS else custom


def _take_email(person: Person, text: str) -> None:
    person.email = person.fields["email"] = email_key(text)
    if not person.email:
        raise Unusable(f"“{clean(text)[:60]}” is not an e-mail address.")


def _take_id(person: Person, text: str) -> None:
    person.id = clean(text)[:320]


def _take_name(custom: Taker, person: Person, text: str) -> None:
    first, _, last = clean(text).partition(" ")
    last, limit = last.strip(), LIMITS["first_name"]
    if len(first) > limit or len(last) > limit:
        person.cut = True
        custom(person, text)
    person.fields |= {"first_name": first[:limit], "last_name": last[:limit]}


def _take_tags(person: Person, text: str) -> None:
    person.tags += [tag for tag in TAGS(text) if tag not in person.tags]


def _take_tag(tag: str, person: Person, text: str) -> None:
    person.tags += [tag] if clean(text).lower() not in NO else []


def _take_birthday(custom: Taker, person: Person, text: str) -> None:
    """A cell that is no birthday is kept as it is."""
    if day := BIRTHDAY(text):
        person.fields["birthday"] = day
    else:
        custom(person, text)


def _take_text(what: str, custom: Taker, limit: int, person: Person, text: str) -> None:
    """A text that is too long is kept whole as a custom field; half a name is one, half a phone is none."""
    found = clean(text)
    if len(found) > limit:
        person.cut = True
        custom(person, text)
        if what not in READABLE:
            return
        found = found[:limit].rstrip()
    person.fields[what] = country(found) if what == "country" else found
    if what == "phone":
        person.phone = found


def _take_custom(name: str, person: Person, text: str) -> None:
    person.fields[name] = text


# They repeat down a column.
TAGS, BIRTHDAY = remembered(tag_list), remembered(birthday)
TAKERS: dict[str, Taker] = {"email": _take_email, "id": _take_id, "tags": _take_tags}
READABLE = {"first_name", "last_name", "company", "address1", "address2", "city", "region"}
