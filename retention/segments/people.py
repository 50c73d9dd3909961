"""The people of a segment: a page of them by keyset, all of them for a file, and finding one by name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from retention.customers.models import Customer, Identity
from retention.lib import formats
from retention.lib.addresses import id_of
from retention.lib.spreadsheets import Cell
from retention.segments.models import Segment
from retention.stores.models import Store

PAGE, BATCH, MOST_FOUND = 25, 2_000, 8
HEAD = ("email", "first_name", "last_name", "phone", "purchases", "net_revenue", "last_purchase", "since")
MOST_ADDRESSES = 200_000


@dataclass(frozen=True)
class Member:
    id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    purchases: int
    net: int
    last_day: date | None
    since: datetime

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"Customer {self.id}"


def members(segment: Segment, *, after: str = "", size: int = PAGE) -> tuple[list[Member], str]:
    """The next people, latest to come first, and the key to go on with; "" at the end. One query."""
    key = _key(after)
    sql = f"""
        SELECT c.id, c.first_name, c.last_name, c.email, c.phone, coalesce(f.purchases, 0),
            coalesce(f.net, 0), f.last_day, m.entered_at
        FROM segments_membership m JOIN customers_customer c ON c.id = m.customer_id
        LEFT JOIN metrics_customerfact f ON f.customer_id = m.customer_id
        WHERE m.segment_id = %(segment)s AND m.left_at IS NULL
            {"AND (m.entered_at, m.customer_id) < (%(at)s, %(id)s)" if key else ""}
        ORDER BY m.entered_at DESC, m.customer_id DESC LIMIT %(limit)s"""
    given = {"segment": segment.pk, "limit": size + 1, "at": key and key[0], "id": key and key[1]}
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = [Member(*row) for row in cursor.fetchall()]
    people = found[:size]
    more = len(found) > size
    return people, f"{people[-1].since.isoformat()}_{people[-1].id}" if more else ""


def _key(text: str) -> tuple[datetime, int] | None:
    moment, _, number = text.partition("_")
    try:
        at, pk = datetime.fromisoformat(moment), int(number)
    except ValueError:
        return None
    return (at, pk) if at.tzinfo and abs(pk) < 2**62 and 1970 <= at.year < 3000 else None


def lines(segment: Segment) -> Iterator[list[Cell]]:
    """Everybody, a batch at a time, for a file. Money in major units."""
    store, key = segment.store, ""
    while True:
        with transaction.atomic():
            some, key = members(segment, after=key, size=BATCH)
        for one in some:
            last = one.last_day.isoformat() if one.last_day else ""
            net = round(formats.major(one.net, store.currency), 4)
            since = one.since.astimezone(store.tz).isoformat(timespec="seconds")
            yield [one.email, one.first_name, one.last_name, one.phone, one.purchases, net, last, since]
        if not key:
            return


def written(segment: Segment, found: Iterable[Member]) -> list[dict[str, object]]:
    store = segment.store
    return [
        {
            "id": one.id,
            "name": one.name,
            "email": one.email if one.name != one.email else "",
            "purchases": formats.number(one.purchases, store.locale),
            "net": formats.money(one.net, store.currency, store.locale),
            "last": formats.day(one.last_day, store.locale),
            "since": formats.day(one.since.astimezone(store.tz).date(), store.locale),
        }
        for one in found
    ]


def of_store(store: Store) -> QuerySet[Customer]:
    return Customer.objects.filter(store=store, merged_into=None)


def found_by(store: Store, words: str) -> list[Customer]:
    """By e-mail address or number exactly, else by the beginning of a name."""
    words = words.strip().replace("\x00", "")
    if not words:
        return []
    names = Identity.objects.filter(store=store, external_id=words.lower())
    exact = Q(pk__in=names.values("customer_id")) | Q(email__iexact=words)
    if (pk := id_of(words)) is not None:
        exact |= Q(pk=pk)
    if people := list(of_store(store).filter(exact)[:MOST_FOUND]):
        return people
    first, _, last = words.partition(" ")
    named = Q(first_name__istartswith=first, last_name__istartswith=last) | Q(last_name__istartswith=words)
    return list(of_store(store).filter(named).order_by("last_name", "first_name", "pk")[:MOST_FOUND])


# Lists from files


@dataclass(frozen=True)
class Addresses:
    """Whom addresses name, and how many of them nobody here has."""

    people: set[int]
    unknown: int


def addressed(store: Store, emails: Iterable[str]) -> Addresses:
    wanted = {email.strip().lower() for email in emails if "@" in email}
    known: dict[str, int] = {}
    ordered = sorted(wanted)
    for start in range(0, len(ordered), BATCH):
        some = Identity.objects.filter(
            store=store, source="email", external_id__in=ordered[start : start + BATCH]
        )
        known.update(some.values_list("external_id", "customer_id"))
    left = [email for email in ordered if email not in known]
    for start in range(0, len(left), BATCH):
        rows = of_store(store).filter(email__in=left[start : start + BATCH]).values_list("email", "pk")
        known.update(rows)
    return Addresses(set(known.values()), len(wanted - known.keys()))


class Unreadable(Exception):
    """The file has no addresses; the message is what the merchant reads."""


def addresses_in(file: IO[bytes]) -> list[str]:
    """What a CSV file has in the column of e-mail addresses, or in its only one; of several without such a
    name, all that look like an address."""
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("This is not a text file in UTF-8.") from None
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=mark))
    except csv.Error as error:
        raise Unreadable(f"This CSV file cannot be read: {error}.") from None
    head = [cell.strip().lower().replace("-", "").replace("_", " ") for cell in rows[0]] if rows else []
    column = next((i for i, cell in enumerate(head) if cell.startswith(("email", "mail"))), None)
    if column is None and max(map(len, rows), default=0) == 1:
        column = 0
    cells = (row[column : column + 1] if column is not None else row for row in rows)
    told = [(n, one) for n, row in enumerate(cells) for cell in row if (one := cell.strip().lstrip("'"))]
    # The first line is a header, unless there is an address in it.
    found = [one for n, one in told if "@" in one or (n and column is not None)]
    if not any("@" in one for one in found):
        raise Unreadable("There is no e-mail address in this file.")
    if len(found) > MOST_ADDRESSES:
        raise Unreadable(f"A list takes {MOST_ADDRESSES:,} addresses at a time.")
    return found
