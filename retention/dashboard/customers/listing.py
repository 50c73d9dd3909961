"""The list of customers: a page of it by keyset, all of it batch by batch, or how many they are.

An order has up to two stretches: those who bought by what they bought, then those who never did, newest
first. Each page walks an index and stops, so that the last page costs what the first does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from retention.customers.models import Channel, Customer, Purpose
from retention.dashboard.customers import search
from retention.dashboard.customers.titles import erased_title, title_of
from retention.dashboard.customers.wanted import Wanted, minor
from retention.ingest.files import values
from retention.lib.addresses import id_of
from retention.metrics.queries import today
from retention.stores.models import Store

PAGE = 50
BATCH = 2_000

KNOWN_AS = (
    "coalesce((SELECT i.external_id FROM customers_identity i WHERE i.customer_id = u.id"
    " AND i.source <> 'email' ORDER BY i.id LIMIT 1), '')"
)
STATUS = (
    "coalesce((SELECT s.status FROM customers_consent s WHERE s.customer_id = u.id"
    f" AND s.channel = '{{channel}}' AND s.purpose = '{Purpose.MARKETING}'), 'never_subscribed')"
)
BUYERS = "metrics_customerfact c JOIN customers_customer u ON u.id = c.customer_id"
PEOPLE = "customers_customer u LEFT JOIN metrics_customerfact c ON c.customer_id = u.id"
NEVER_BOUGHT = "NOT EXISTS (SELECT 1 FROM metrics_customerfact f WHERE f.customer_id = u.id)"


@dataclass(frozen=True)
class Row:
    id: int
    name: str
    email: str
    phone: str
    company: str
    city: str
    country: str
    tags: list[str]
    added: datetime
    erased: bool
    purchases: int
    net: int
    first_day: date | None
    last_day: date | None
    known_as: str
    email_status: str
    sms_status: str

    @property
    def title(self) -> str:
        if self.erased:
            return erased_title(self.id)
        return title_of(self.name, self.email, self.company, self.known_as or self.id)


@dataclass(frozen=True)
class Stretch:
    """Part of an order: `by` is what the rows are ordered by, `down` whether from the highest."""

    tables: str
    by: str
    cast: str
    down: bool = True
    conditions: tuple[str, ...] = ()
    buyers: bool = False


NEWEST = Stretch(PEOPLE, "u.id", "bigint")
REST = replace(NEWEST, conditions=(NEVER_BOUGHT,))
ORDERS: dict[str, tuple[Stretch, ...]] = {
    "last": (Stretch(BUYERS, "c.last_day", "date", buyers=True), REST),
    "net": (Stretch(BUYERS, "c.net", "bigint", buyers=True), REST),
    "name": (
        Stretch(PEOPLE, search.NAME, 'text COLLATE "C"', down=False, conditions=(f"{search.NAME} > ' '",)),
        replace(NEWEST, conditions=(f"{search.NAME} <= ' '",)),
    ),
    "added": (NEWEST,),
}


@dataclass(frozen=True)
class Crowd:
    """Who is meant, as conditions on `u` and `c` built from our own words only."""

    conditions: tuple[str, ...]
    given: dict[str, Any]
    # True: only those who bought; False: only those who never did; None: either.
    bought: bool | None = None
    cut: bool = False

    def and_(self, condition: str, **given: object) -> Crowd:
        return replace(self, conditions=(*self.conditions, condition), given={**self.given, **given})


def crowd(store: Store, wanted: Wanted, *, whole: bool = False) -> Crowd:
    """`whole`: everybody whom the search finds, however many."""
    found = Crowd(("u.store_id = %(store)s", "u.merged_into_id IS NULL"), {"store": store.pk})
    found = _bought(found, store, wanted)
    if wanted.country:
        found = _living(found, store, values.country(wanted.country))
    if wanted.tag:
        found = found.and_("u.tags @> jsonb_build_array(%(tag)s::text) AND u.tags <> '[]'", tag=wanted.tag)
    if wanted.consent:
        found = _consent(found, *wanted.consent.split("-", 1))
    if wanted.segment:
        found = found.and_(
            "u.id IN (SELECT m.customer_id FROM segments_membership m JOIN segments_segment g"
            " ON g.id = m.segment_id WHERE g.id = %(segment)s AND g.store_id = %(store)s"
            " AND m.left_at IS NULL)",
            segment=int(wanted.segment),
        )
    return _searched(found, store, wanted, whole) if wanted.q else found


def _living(found: Crowd, store: Store, country: str) -> Crowd:
    """In this country. Its code in small letters, as it came once, is asked for only where somebody has it:
    the index is in order for one spelling."""
    small = country.lower()
    people = Customer.objects.filter(store=store, merged_into=None)
    if len(country) == 2 and people.filter(country=small).exists():
        return found.and_("u.country = ANY(%(country)s) AND u.country <> ''", country=[country, small])
    return found.and_("u.country = %(country)s AND u.country <> ''", country=country)


def _searched(found: Crowd, store: Store, wanted: Wanted, whole: bool) -> Crowd:
    most = None if whole else search.MANY if wanted.narrowed else search.FEW
    hits = search.find(store, wanted.q, most=most)
    return replace(found.and_("u.id = ANY(%(found)s)", found=hits.ids), cut=hits.cut)


def _bought(found: Crowd, store: Store, wanted: Wanted) -> Crowd:
    least, most = wanted.purchases_from, wanted.purchases_to
    if most and int(most) == 0:
        return replace(found, bought=False)
    conditions: list[tuple[str, dict[str, object]]] = []
    if least and int(least) > 0:
        conditions.append(("c.purchases >= %(least)s", {"least": int(least)}))
    if wanted.spend_from:
        conditions.append(("c.net >= %(spent)s", {"spent": minor(wanted.spend_from, store.currency)}))
    if wanted.spend_to:
        conditions.append(("c.net <= %(spent_most)s", {"spent_most": minor(wanted.spend_to, store.currency)}))
    if wanted.last:
        way, _, days = wanted.last.partition("-")
        since = today(store) - timedelta(days=int(days))
        conditions.append((f"c.last_day {'>' if way == 'in' else '<'} %(since)s", {"since": since}))
    for condition, given in conditions:
        found = replace(found.and_(condition, **given), bought=True)
    if most:
        found = found.and_("coalesce(c.purchases, 0) <= %(most_times)s", most_times=int(most))
    return found


def _consent(found: Crowd, channel: str, status: str) -> Crowd:
    stands = (
        "EXISTS (SELECT 1 FROM customers_consent k WHERE k.customer_id = u.id AND k.store_id = %(store)s"
        f" AND k.channel = %(channel)s AND k.purpose = '{Purpose.MARKETING}' AND k.status"
    )
    if status == "never_subscribed":
        return found.and_(f"NOT {stands} <> 'never_subscribed')", channel=channel)
    return found.and_(f"{stands} = %(status)s)", channel=channel, status=status)


def listed(whom: Crowd, sort: str, *, after: str = "", size: int = PAGE) -> tuple[list[Row], str]:
    """The next people and the key to go on with, "" at the end. One query, two where the stretches meet."""
    stretches = _stretches(whom, sort)
    place, key = _key(after, stretches)
    found: list[tuple[int, Any, Row]] = []
    for number in range(place, len(stretches)):
        found += [
            (number, value, row) for value, row in _rows(whom, stretches[number], key, size + 1 - len(found))
        ]
        key = None
        if len(found) > size:
            break
    rows = [row for _, _, row in found[:size]]
    if len(found) <= size:
        return rows, ""
    number, value, last = found[size - 1]
    return rows, f"{number}:{value}:{last.id}"


def _stretches(whom: Crowd, sort: str) -> tuple[Stretch, ...]:
    stretches = ORDERS[sort]
    if whom.bought is False:
        never = tuple(one for one in stretches if not one.buyers)
        return tuple(replace(one, conditions=(*one.conditions, NEVER_BOUGHT)) for one in never)
    return tuple(one for one in stretches if whom.bought is None or one.conditions != (NEVER_BOUGHT,))


def _key(after: str, stretches: tuple[Stretch, ...]) -> tuple[int, tuple[str, int] | None]:
    number, _, rest = after.partition(":")
    value, _, last = rest.rpartition(":")
    place, pk = id_of(number), id_of(last)
    if place is None or place >= len(stretches) or pk is None or not _fits(value, stretches[place].cast):
        return 0, None
    return place, (value, pk)


def _fits(value: str, cast: str) -> bool:
    """Whether PostgreSQL reads it as well: Python also takes other digits, spaces and days of a week."""
    if cast == "bigint":
        return id_of(value.removeprefix("-")) is not None
    if cast != "date":
        return len(value) < 500 and "\x00" not in value
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _rows(
    whom: Crowd, stretch: Stretch, key: tuple[str, int] | None, limit: int
) -> Iterator[tuple[Any, Row]]:
    conditions, given = (*whom.conditions, *stretch.conditions), {**whom.given, "limit": limit}
    number = "c.customer_id" if stretch.buyers else "u.id"
    if stretch.buyers:
        conditions = (*conditions, "c.store_id = %(store)s")
    if key:
        sign = "<" if stretch.down else ">"
        conditions = (*conditions, f"({stretch.by}, {number}) {sign} (%(at)s::{stretch.cast}, %(id)s)")
        given |= {"at": key[0], "id": key[1]}
    way = "DESC" if stretch.down else "ASC"
    sql = f"""
        SELECT {stretch.by}, u.id, trim(u.first_name || ' ' || u.last_name), u.email, u.phone, u.company,
          u.city, u.country, u.tags, u.created_at, u.erased_at IS NOT NULL,
          coalesce(c.purchases, 0), coalesce(c.net, 0), c.first_day, c.last_day, {KNOWN_AS},
          {STATUS.format(channel=Channel.EMAIL)}, {STATUS.format(channel=Channel.SMS)}
        FROM {stretch.tables} WHERE {" AND ".join(conditions)}
        ORDER BY {stretch.by} {way}, {number} {way} LIMIT %(limit)s"""
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        for value, *row in cursor.fetchall():
            row[7] = _tags(row[7])
            yield value, Row(*row)


def _tags(value: Any) -> list[str]:
    found = json.loads(value) if isinstance(value, str) else value
    return [str(tag) for tag in found] if isinstance(found, list) else []


def every(whom: Crowd, sort: str) -> Iterator[Row]:
    """All of them, a batch at a time, so that a file of a million lines needs little memory."""
    key = ""
    while True:
        with transaction.atomic():
            rows, key = listed(whom, sort, after=key, size=BATCH)
        yield from rows
        if not key:
            return


def count(whom: Crowd) -> int:
    """How many they are. Reads them all: a page asks for it afterwards."""
    with connection.cursor() as cursor:
        sql, given = _chosen(whom, "count(*)")
        cursor.execute(sql, given)
        return int(cursor.fetchone()[0])


def ids(whom: Crowd, most: int) -> list[int]:
    """Their numbers, at most so many."""
    with connection.cursor() as cursor:
        sql, given = _chosen(whom, "u.id")
        cursor.execute(f"{sql} LIMIT %(limit)s", {**given, "limit": most})
        return [row[0] for row in cursor.fetchall()]


def _chosen(whom: Crowd, what: str) -> tuple[str, dict[str, Any]]:
    conditions = whom.conditions
    # The tables that no condition needs are not read.
    needs = any(re.search(r"\bc\.", condition) for condition in conditions)
    tables = BUYERS if whom.bought else PEOPLE if needs else "customers_customer u"
    if whom.bought is False:
        conditions = (*conditions, NEVER_BOUGHT)
    return f"SELECT {what} FROM {tables} WHERE {' AND '.join(conditions)}", whom.given


def countries(store: Store) -> list[str]:
    """Those in which somebody lives; a look-up per country, not a pass over all people."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE k AS (
                (SELECT country FROM customers_customer WHERE store_id = %(store)s AND country <> ''
                    AND merged_into_id IS NULL ORDER BY country LIMIT 1)
                UNION ALL
                SELECT (SELECT u.country FROM customers_customer u WHERE u.store_id = %(store)s
                    AND u.country > k.country AND u.country <> '' AND u.merged_into_id IS NULL
                    ORDER BY u.country LIMIT 1)
                FROM k WHERE k.country IS NOT NULL
            ) SELECT country FROM k WHERE country IS NOT NULL LIMIT 300
            """,
            {"store": store.pk},
        )
        return sorted({values.country(row[0]) for row in cursor.fetchall()})
