"""Who is who: rows that share an id or an e-mail address are one person.

The caller holds the store's lock (`lock_store`) and has filled the temporary table `telling` with the
columns customer and email. Afterwards the table `person` says who each pair is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection

from retention.customers import merging
from retention.customers.models import Customer
from retention.customers.privacy import disguise_erased
from retention.customers.registers import before_telling
from retention.stores.models import Store

EMAIL = "email"
Name = tuple[str, str]
# Source's id, e-mail, the records known by each, and the record that the name itself belongs to.
Pair = tuple[str, str, int | None, int | None, int | None]


@dataclass
class Group:
    """Names that are one person: the records they already have, and the names that have none."""

    known: set[int] = field(default_factory=set)
    # The third is the record that the name itself belongs to; merging moves it to another.
    pairs: list[tuple[str, str, int | None]] = field(default_factory=list)
    id: int = 0

    def share_homes(self) -> None:
        """A name that comes for the first time belongs where the name beside it belongs."""
        if all(home for _, _, home in self.pairs):
            return
        homes = {
            (k, name): pair[2] for pair in self.pairs if pair[2] for k, name in enumerate(pair[:2]) if name
        }
        self.pairs = [
            (customer, email, home or homes.get((0, customer)) or homes.get((1, email)))
            for customer, email, home in self.pairs
        ]


def lock_store(store: Store) -> None:
    """One writer of people and orders per store, until the transaction ends."""
    merging.lock_people(store)


def resolve(store: Store, source: str, *, by: str) -> None:
    """Fill `person(customer, email, id, added)`; make and merge people as the pairs say."""
    disguise_erased(store, source)
    groups = _connected(_pairs(store, source), merging.pairs_apart(store))
    _number_new(groups)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE person (customer text, email text, id bigint, added boolean, home bigint)"
            " ON COMMIT DROP"
        )
        with cast(Any, cursor.cursor).copy("COPY person FROM STDIN") as copy:
            for group in groups:
                for customer, email, home in group.pairs:
                    copy.write_row((customer, email, group.id, not group.known, home))
        _add(cursor, store, source)
        for group in groups:
            for other in sorted(group.known - {group.id}):
                merging.merge_customers(*_records(group.id, other), by=by)


def _records(*ids: int) -> list[Customer]:
    found = Customer.objects.select_related("store").in_bulk(ids)
    return [found[pk] for pk in ids]


def note_homes(cursor: Any) -> None:
    """Facts of `telling` that came under a name of a merged record are remembered as that record's."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM telling WHERE home <> person) OR EXISTS (SELECT FROM customers_belonging)"
    )
    if not cursor.fetchone()[0]:
        return
    cursor.execute(
        """
        CREATE TEMP TABLE came ON COMMIT DROP AS
        SELECT 'order' AS fact, id, person, home FROM telling WHERE NOT note
        UNION ALL SELECT 'refund', id, person, home FROM telling WHERE note
        UNION ALL SELECT 'refund', r.id, t.person, t.home FROM telling t
            JOIN orders_refund r ON r.order_id = t.id WHERE NOT t.note
        """
    )
    cursor.execute(
        "DELETE FROM customers_belonging b USING came c"
        " WHERE b.fact = c.fact AND b.fact_id = c.id AND b.home_id IS DISTINCT FROM c.home"
    )
    cursor.execute(
        "INSERT INTO customers_belonging (fact, fact_id, home_id) SELECT fact, id, home FROM came"
        " WHERE home <> person ON CONFLICT (fact, fact_id) DO NOTHING"
    )
    cursor.execute("DROP TABLE came")


def _pairs(store: Store, source: str) -> list[Pair]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.customer, t.email, i.customer_id, e.customer_id,
                CASE WHEN i.id IS NULL THEN coalesce(e.home, e.customer_id)
                    ELSE coalesce(i.home, i.customer_id) END
            FROM (SELECT DISTINCT coalesce(customer, '') AS customer, coalesce(email, '') AS email FROM
                telling) t
            LEFT JOIN customers_identity i ON i.store_id = %(store)s AND i.source = %(source)s
                AND i.external_id = t.customer AND t.customer <> ''
            LEFT JOIN customers_identity e ON e.store_id = %(store)s AND e.source = 'email'
                AND e.external_id = t.email AND t.email <> ''
            WHERE t.customer <> '' OR t.email <> ''
            ORDER BY 1, 2
            """,
            {"store": store.pk, "source": source},
        )
        return list(cursor.fetchall())


def _connected(pairs: list[Pair], apart: set[frozenset[int]]) -> list[Group]:
    """Connected components: names are nodes, a pair is an edge, a known record is a node as well.

    An edge that would bring together two records that a person called two people is none: the id decides.
    """
    parent: dict[object, object] = {}
    held: dict[object, set[int]] = {}

    def root(node: object) -> object:
        if parent.setdefault(node, node) == node and node not in held:
            held[node] = {node} if isinstance(node, int) else set()
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(one: object, two: object) -> None:
        one, two = root(one), root(two)
        if one == two or (apart and any(frozenset((a, b)) in apart for a in held[one] for b in held[two])):
            return
        parent[two] = one
        held[one] |= held.pop(two)

    for customer, email, by_id, by_email, _ in pairs:
        if by_id is not None:
            join(("id", customer), by_id)
        if by_email is not None:
            join(("email", email), by_email)
    for customer, email, *_ in pairs:
        if customer and email:
            join(("id", customer), ("email", email))
    groups: dict[object, Group] = {}
    for customer, email, _, _, home in pairs:
        found = root(("id", customer) if customer else ("email", email))
        group = groups.setdefault(found, Group(known=set(held[found])))
        group.pairs.append((customer, email, home))
    for group in groups.values():
        group.share_homes()
    return list(groups.values())


def _number_new(groups: list[Group]) -> None:
    new = [group for group in groups if not group.known]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('customers_customer', 'id')) FROM generate_series(1, %s)",
            [len(new)],
        )
        for group, (number,) in zip(new, cursor.fetchall(), strict=True):
            group.id = number
    for group in groups:
        # The oldest record survives a merge.
        group.id = group.id or min(group.known)


def _add(cursor: Any, store: Store, source: str) -> None:
    cursor.execute(
        """
        INSERT INTO customers_customer (id, store_id, email, phone, first_name, last_name, company, city,
            region,
            country, tags, versions, created_at)
        SELECT DISTINCT id, %s, '', '', '', '', '', '', '', '', '[]'::jsonb, '{}'::jsonb, now()
        FROM person WHERE added
        """,
        [store.pk],
    )
    cursor.execute(
        """
        INSERT INTO customers_identity (store_id, source, external_id, customer_id, home)
        SELECT DISTINCT %(store)s, %(source)s, customer, id, nullif(home, id) FROM person
            WHERE customer <> ''
        UNION (SELECT DISTINCT ON (email) %(store)s, 'email', email, id, nullif(home, id) FROM person
            WHERE email <> '' ORDER BY email, customer)
        ON CONFLICT (store_id, source, external_id) DO NOTHING
        """,
        {"store": store.pk, "source": source},
    )


# Profile fields that a file may tell; each is a register of its own.
FIELDS = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "company",
    "city",
    "region",
    "country",
    "accepts_email",
    "tags",
)


def write_latest(cursor: Any) -> None:
    """Move the registers of `told_of(id, field, value, version)` up; `changed(id)` says whose values moved.

    The highest (version, value) wins, so the order of arrival does not matter.
    """
    # Unlooked at, a table of all fields of all people is taken for a small one and read once per person.
    cursor.execute("ANALYZE told_of")
    told = before_telling(cursor)
    texts = ", ".join(f"{f} = coalesce(n.value ->> '{f}', c.{f})" for f in FIELDS[:-2])
    cursor.execute(
        f"""
        DROP TABLE IF EXISTS changed;
        CREATE TEMP TABLE changed (id bigint) ON COMMIT DROP;
        WITH latest AS (
            SELECT DISTINCT ON (id, field) id, field, value, version FROM told_of
            ORDER BY id, field, version DESC, value DESC
        ), newer AS (
            SELECT l.id, jsonb_object_agg(field, value) AS value, jsonb_object_agg(field, version) AS
                version,
                bool_or(value IS DISTINCT FROM to_jsonb(c) ->> field) AS changed
            FROM latest l JOIN customers_customer c ON c.id = l.id
            WHERE c.versions ->> field IS NULL OR version > (c.versions ->> field)::bigint
                OR (version = (c.versions ->> field)::bigint AND value > to_jsonb(c) ->> field)
            GROUP BY l.id
        ), written AS (
            UPDATE customers_customer c SET {texts},
                accepts_email = coalesce((n.value ->> 'accepts_email')::boolean, c.accepts_email),
                tags = coalesce((n.value ->> 'tags')::jsonb, c.tags),
                versions = c.versions || n.version
            FROM newer n WHERE c.id = n.id RETURNING n.id, n.changed
        )
        INSERT INTO changed SELECT id FROM written WHERE changed
        """
    )
    cursor.execute("INSERT INTO changed SELECT unnest(%s::bigint[])", [told])
