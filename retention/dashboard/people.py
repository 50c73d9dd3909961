"""The customers behind a number: a page of them by keyset, or all of them, row by row, for a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from retention.dashboard.filters import Filters
from retention.metrics.months import month_of
from retention.stores.models import Store

PAGE = 50
BATCH = 2_000


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    email: str
    purchases: int
    net: int
    last_day: date
    # The number by which the shop's own system knows the person.
    known_as: str = ""

    @property
    def title(self) -> str:
        return self.name or self.email or f"Customer {self.known_as or self.id}"


@dataclass(frozen=True)
class Crowd:
    """Who is meant: a condition on `metrics_customerfact c`, built from our own words only."""

    conditions: tuple[str, ...] = ()
    given: dict[str, Any] = field(default_factory=dict)

    def narrowed(self, condition: str, **given: object) -> Crowd:
        return Crowd((*self.conditions, condition), {**self.given, **given})


KNOWN_AS = (
    "coalesce((SELECT i.external_id FROM customers_identity i WHERE i.customer_id = c.customer_id"
    " AND i.source <> 'email' ORDER BY i.id LIMIT 1), '')"
)
BOUGHT = (
    "(SELECT count(*) FROM (SELECT 1 FROM metrics_purchase p WHERE p.customer_id = c.customer_id"
    " AND p.store_id = c.store_id AND p.day > %(after)s AND p.day <= %(until)s LIMIT %(times)s) few)"
    " >= %(times)s"
)
RETURNED = (
    "EXISTS (SELECT 1 FROM metrics_purchase p WHERE p.customer_id = c.customer_id"
    " AND p.store_id = c.store_id AND p.day > %(after)s AND p.day <= %(until)s AND p.nth > 1)"
)
IN_SEGMENT = (
    "EXISTS (SELECT 1 FROM segments_membership m JOIN segments_segment s ON s.id = m.segment_id"
    " WHERE m.customer_id = c.customer_id AND m.left_at IS NULL AND m.segment_id = %(segment)s"
    " AND s.status = 'active')"
)
ACTIVE = (
    "EXISTS (SELECT 1 FROM metrics_purchase p WHERE p.customer_id = c.customer_id"
    " AND p.store_id = c.store_id AND p.month = %(month)s)"
)


def everybody(store: Store, filters: Filters) -> Crowd:
    """All who ever bought, narrowed to the chosen dimensions."""
    crowd = Crowd(("c.store_id = %(store)s",), {"store": store.pk})
    for name, value in filters.where.items():
        crowd = crowd.narrowed(f"c.{name} = %({name})s", **{name: value})
    if filters.segment:
        crowd = crowd.narrowed(IN_SEGMENT, segment=filters.segment)
    return crowd


def nobody() -> Crowd:
    return Crowd(("false",))


def bought(crowd: Crowd, *, until: date, days: int | None, times: int = 1) -> Crowd:
    """Bought so often in the days that end with `until`."""
    after = _after(until, days)
    # The first condition is what the index can use; the second is exact.
    return crowd.narrowed("c.last_day > %(after)s", after=after).narrowed(BOUGHT, until=until, times=times)


def returned(crowd: Crowd, *, until: date, days: int | None) -> Crowd:
    """Made a second or later purchase in those days."""
    after = _after(until, days)
    return crowd.narrowed("c.last_day > %(after)s", after=after).narrowed(RETURNED, until=until)


def cohort(crowd: Crowd, month: date, *, active_in: int | None = None) -> Crowd:
    """First bought in that month and, if asked, bought in the n-th month after it."""
    number = month_of(month)
    found = crowd.narrowed("c.cohort = %(cohort)s", cohort=number)
    return found if active_in is None else found.narrowed(ACTIVE, month=number + active_in)


def cohorts(crowd: Crowd, first: date, last: date) -> Crowd:
    """First bought in one of these months."""
    return crowd.narrowed(
        "c.cohort BETWEEN %(from)s AND %(to)s",
        **{"from": month_of(first), "to": month_of(last)},
    )


def listed(crowd: Crowd, *, after: str = "", size: int = PAGE) -> tuple[list[Person], str]:
    """The next people, latest buyers first, and the key to go on with; "" at the end. One query."""
    key = _key(after)
    conditions = crowd.conditions
    if key:
        conditions = (*conditions, "(c.last_day, c.customer_id) < (%(key_day)s, %(key_id)s)")
    sql = f"""
        SELECT c.customer_id, trim(u.first_name || ' ' || u.last_name), u.email,
          c.purchases, c.net, c.last_day, {KNOWN_AS}
        FROM metrics_customerfact c JOIN customers_customer u ON u.id = c.customer_id
        WHERE {" AND ".join(conditions)} ORDER BY c.last_day DESC, c.customer_id DESC LIMIT %(limit)s"""
    given = {**crowd.given, "limit": size + 1, **({"key_day": key[0], "key_id": key[1]} if key else {})}
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = [Person(*row) for row in cursor.fetchall()]
    more = len(found) > size
    people = found[:size]
    return people, f"{people[-1].last_day.isoformat()}.{people[-1].id}" if more else ""


def every(crowd: Crowd) -> Iterator[Person]:
    """All of them, a batch at a time, so that a file of a million lines needs little memory."""
    key = ""
    while True:
        with transaction.atomic():
            people, key = listed(crowd, after=key, size=BATCH)
        yield from people
        if not key:
            return


def _after(until: date, days: int | None) -> date:
    return date(1, 1, 1) if days is None else until - timedelta(days=days)


def _key(text: str) -> tuple[date, int] | None:
    day, _, number = text.partition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None
