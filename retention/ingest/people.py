"""Who is who: rows that share an id or an e-mail address are one person.

The caller holds the store's lock (`lock_store`) and has filled the temporary table `telling` with the
columns customer and email. Afterwards the table `person` says who each pair is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection

from retention.stores.models import Store

EMAIL = "email"
Name = tuple[str, str]


@dataclass
class Group:
    """Names that are one person: the records they already have, and the names that have none."""

    known: set[int] = field(default_factory=set)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    id: int = 0


def lock_store(store: Store) -> None:
    """One writer of people and orders per store, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"facts:{store.pk}"])


def resolve(store: Store, source: str, *, by: str) -> None:
    """Fill `person(customer, email, id, added)`; make and merge people as the pairs say."""
    groups = _connected(_pairs(store, source))
    _number_new(groups)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE person (customer text, email text, id bigint, added boolean) ON COMMIT DROP"
        )
        with cast(Any, cursor.cursor).copy("COPY person FROM STDIN") as copy:
            for group in groups:
                for customer, email in group.pairs:
                    copy.write_row((customer, email, group.id, not group.known))
        _add(cursor, store, source)
        for group in groups:
            for other in sorted(group.known - {group.id}):
                _merge(cursor, store, group.id, other, by=by)


def _pairs(store: Store, source: str) -> list[tuple[str, str, int | None, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.customer, t.email, i.customer_id, e.customer_id
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


def _connected(pairs: list[tuple[str, str, int | None, int | None]]) -> list[Group]:
    """Connected components: names are nodes, a pair is an edge, a known record is a node as well."""
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for customer, email, by_id, by_email in pairs:
        nodes: list[object] = [("id", customer)] if customer else []
        nodes += [("email", email)] if email else []
        nodes += [known for known in (by_id, by_email) if known is not None]
        for node in nodes[1:]:
            parent[root(node)] = root(nodes[0])
    groups: dict[object, Group] = {}
    for customer, email, by_id, by_email in pairs:
        group = groups.setdefault(root(("id", customer) if customer else ("email", email)), Group())
        group.pairs.append((customer, email))
        group.known |= {known for known in (by_id, by_email) if known is not None}
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
        INSERT INTO customers_identity (store_id, source, external_id, customer_id)
        SELECT DISTINCT %(store)s, %(source)s, customer, id FROM person WHERE customer <> ''
        UNION SELECT DISTINCT %(store)s, 'email', email, id FROM person WHERE email <> ''
        ON CONFLICT (store_id, source, external_id) DO NOTHING
        """,
        {"store": store.pk, "source": source},
    )


def _merge(cursor: Any, store: Store, survivor: int, other: int, *, by: str) -> None:
    """Both records are one verified person: facts move to the survivor, each field keeps its latest value."""
    for table in ("orders_order", "orders_refund", "customers_identity"):
        cursor.execute(
            f"UPDATE {table} SET customer_id = %s WHERE customer_id = %s AND store_id = %s",
            [survivor, other, store.pk],
        )
    cursor.execute(
        "CREATE TEMP TABLE told_of (id bigint, field text, value text, version bigint) ON COMMIT DROP;"
        "INSERT INTO told_of SELECT %(survivor)s, v.key, to_jsonb(c) ->> v.key, v.value::bigint"
        " FROM customers_customer c, jsonb_each_text(c.versions) v WHERE c.id = %(other)s".replace(
            "%(survivor)s", str(int(survivor))
        ).replace("%(other)s", str(int(other)))
    )
    write_latest(cursor)
    cursor.execute("DROP TABLE told_of")
    cursor.execute(
        "UPDATE customers_customer SET merged_into_id = %(survivor)s"
        " WHERE id = %(other)s OR merged_into_id = %(other)s",
        {"survivor": survivor, "other": other},
    )
    cursor.execute(
        "INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)"
        " VALUES (%s, %s, 'customer.merged', now(), %s, jsonb_build_object('other', %s::bigint), %s)",
        [store.pk, survivor, f"customer:{survivor}", other, by],
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


def write_latest(cursor: Any) -> int:
    """Move the registers of `told_of(id, field, value, version)` up; returns how many people changed.

    The highest (version, value) wins, so the order of arrival does not matter.
    """
    texts = ", ".join(f"{f} = coalesce(n.value ->> '{f}', c.{f})" for f in FIELDS[:-2])
    cursor.execute(
        f"""
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
            FROM newer n WHERE c.id = n.id RETURNING n.changed
        )
        SELECT count(*) FILTER (WHERE changed) FROM written
        """
    )
    return int(cursor.fetchone()[0])
