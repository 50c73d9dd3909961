"""Files of customers and of products to facts: every row says what is true of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from retention.ingest import consents, people
from retention.ingest.models import ImportRun

AT = "timestamptz 'epoch' + {} * interval '1 microsecond'"


class Tally(NamedTuple):
    """What became of a chunk: rows, then people, products or orders."""

    accepted: int
    same: int
    new: int
    changed: int
    known: int


def write_people(cursor: Any, run: ImportRun, names: dict[str, Any]) -> Tally:
    _chunk(cursor, run, ", ".join(("customer", *people.FIELDS)), names)
    people.resolve(run.store, str(names["source"]), by=str(names["by"]))
    cursor.execute(
        """
        ALTER TABLE telling ADD COLUMN person bigint, ADD COLUMN added boolean, ADD COLUMN home bigint;
        UPDATE telling t SET person = p.id, added = p.added, home = coalesce(p.home, p.id) FROM person p
            WHERE p.customer = coalesce(t.customer, '') AND p.email = coalesce(t.email, '')
        """
    )
    fields = ", ".join(f"('{field}', {field})" for field in people.FIELDS if field != "tags")
    cursor.execute(
        f"""
        CREATE TEMP TABLE told_of ON COMMIT DROP AS
        SELECT home AS id, f.field, f.value, %(version)s::bigint AS version FROM telling
        CROSS JOIN LATERAL (VALUES {fields}, ('tags', tags::jsonb::text)) AS f (field, value)
        WHERE f.value <> ''
        """,
        names,
    )
    people.write_latest(cursor)
    cursor.execute(
        f"""
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT DISTINCT %(store)s, person, 'customer.added', {AT.format("%(version)s")},
            'customer:' || person, '{{}}'::jsonb, %(by)s FROM telling WHERE added
        """,
        names,
    )
    consents.hear(cursor, run.store, names)
    return _tally(
        cursor,
        "SELECT person AS id, count(*) AS rows, CASE WHEN bool_or(added) THEN 'new'"
        " WHEN person IN (SELECT id FROM changed) THEN 'changed' ELSE 'same' END AS news"
        " FROM telling GROUP BY person",
    )


# What a row of a product file tells, as SQL over the staged columns.
TOLD = {
    "sku": "coalesce(sku, '')",
    "title": "coalesce(title, '')",
    "handle": "coalesce(handle, '')",
    "category": "coalesce(category, '')",
    "vendor": "coalesce(vendor, '')",
    "tags": "coalesce(tags, '[]')::jsonb",
    "image_url": "coalesce(image, '')",
    "price": "price",
    "cost": "cost",
    "stock": "stock",
    "active": "coalesce(active, true)",
}


def write_products(cursor: Any, run: ImportRun, names: dict[str, Any]) -> Tally:
    told = ", ".join(f"{sql} AS {name}" for name, sql in TOLD.items())
    digest = f"md5(concat_ws('|', {', '.join(TOLD.values())}))"
    _chunk(cursor, run, f"coalesce(product, '') AS product, {told}, {digest} AS digest", names)
    cursor.execute(
        """
        CREATE TEMP TABLE offered ON COMMIT DROP AS
        SELECT t.*, p.id, p.category AS known_category, CASE WHEN p.id IS NULL THEN 'new'
                WHEN p.digest = t.digest THEN 'same'
                WHEN p.digest = '' OR (%(version)s, t.digest) > (p.version, p.digest) THEN 'changed'
                ELSE 'same' END AS news
        FROM (SELECT DISTINCT ON (product) *, count(*) OVER (PARTITION BY product) AS rows
            FROM telling WHERE product <> '' ORDER BY product, digest DESC) t
        LEFT JOIN catalog_product p
            ON p.store_id = %(store)s AND p.source = %(source)s AND p.external_id = t.product
        """,
        names,
    )
    _upsert_products(cursor, names)
    _name_categories(cursor, names)
    tally = _tally(cursor, "SELECT news, rows FROM offered")
    cursor.execute("SELECT count(*) FROM telling WHERE product = ''")
    # Rows that only hold one more picture say nothing that is kept.
    return tally._replace(same=tally.same + int(cursor.fetchone()[0]))


def _upsert_products(cursor: Any, names: dict[str, Any]) -> None:
    columns = ", ".join(TOLD)
    # What the file does not know may have been set by hand.
    kept = ("price", "cost", "stock")
    moved = ", ".join(
        f"{name} = coalesce(excluded.{name}, p.{name})" if name in kept else f"{name} = excluded.{name}"
        for name in TOLD
    )
    cursor.execute(
        f"""
        INSERT INTO catalog_product AS p (store_id, source, external_id, version, digest, {columns})
        SELECT %(store)s, %(source)s, product, %(version)s, digest, {columns} FROM offered
        ON CONFLICT (store_id, source, external_id) DO UPDATE
            SET {moved}, version = excluded.version, digest = excluded.digest
        WHERE p.digest = '' OR (excluded.version, excluded.digest) > (p.version, p.digest)
        """,
        names,
    )


def write_relations(cursor: Any, run: ImportRun, names: dict[str, Any]) -> None:
    """What the file's products are to each other, once all of them are there. Only adds: a relation that
    the file does not name may have been set by hand."""
    cursor.execute(
        f"""
        INSERT INTO catalog_productrelation (product_id, other_id, kind)
        SELECT DISTINCT p.id, o.id, named.kind FROM {run.lines_table} l
        CROSS JOIN LATERAL (SELECT 'upgrade' AS kind, regexp_split_to_table(l.upsells, ' *, *') AS name
            UNION ALL SELECT 'complement', regexp_split_to_table(l.cross_sells, ' *, *')) AS named
        LEFT JOIN {run.lines_table} n ON named.name = 'id:' || n.external
        JOIN catalog_product p ON p.store_id = %(store)s AND p.source = %(source)s
            AND p.external_id = l.product
        JOIN catalog_product o ON o.store_id = %(store)s AND o.source = %(source)s
            AND o.external_id = coalesce(n.product, named.name)
        WHERE p.id <> o.id
        ON CONFLICT DO NOTHING
        """,
        names,
    )


def _name_categories(cursor: Any, names: dict[str, Any]) -> None:
    """Orders whose first product has another category now: they came in before the product did."""
    cursor.execute(
        """
        WITH moved AS (
            UPDATE orders_order o SET first_category = f.category
            FROM offered f JOIN catalog_product p ON p.store_id = %(store)s AND p.source = %(source)s
                AND p.external_id = f.product
            JOIN orders_line l ON l.product_id = p.id AND l.position = 0
            WHERE o.id = l.order_id AND f.news IN ('new', 'changed') AND o.first_category <> f.category
                AND o.first_category IN ('', coalesce(f.known_category, ''))
            RETURNING o.id, o.customer_id, o.placed_at
        )
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, customer_id, 'order.changed', placed_at, 'order:' || id,
            jsonb_build_object('order', id, 'previous_customer', NULL), %(by)s FROM moved
        """,
        names,
    )


def _chunk(cursor: Any, run: ImportRun, columns: str, names: dict[str, Any]) -> None:
    cursor.execute(
        f"""
        DROP TABLE IF EXISTS telling, person, told_of, offered;
        CREATE TEMP TABLE telling ON COMMIT DROP AS SELECT {columns} FROM {run.lines_table}
        WHERE row BETWEEN (SELECT min(first_row) FROM {run.orders_table} WHERE chunk = %(chunk)s)
            AND (SELECT max(last_row) FROM {run.orders_table} WHERE chunk = %(chunk)s)
        """,
        names,
    )


def _tally(cursor: Any, query: str) -> Tally:
    cursor.execute(
        "SELECT coalesce(sum(rows) FILTER (WHERE news <> 'same'), 0),"
        " coalesce(sum(rows) FILTER (WHERE news = 'same'), 0), count(*) FILTER (WHERE news = 'new'),"
        f" count(*) FILTER (WHERE news = 'changed'), count(*) FILTER (WHERE news = 'same') FROM ({query}) t"
    )
    return Tally(*map(int, cursor.fetchone()))


WRITERS: dict[str, Callable[[Any, ImportRun, dict[str, Any]], Tally]] = {
    "customers": write_people,
    "products": write_products,
}
