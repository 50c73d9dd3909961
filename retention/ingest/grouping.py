"""Staged lines to staged orders: one row per order, cut into chunks of whole orders."""

from __future__ import annotations

from typing import Any

from django.db import connection

from retention.ingest.files.staged import Format
from retention.ingest.models import ImportRun

# Lines per transaction: about a second of work.
CHUNK = 40_000

# How an order's one value comes from its rows. `min` ignores rows that do not know.
KEYS = ("external", "number", "customer", "email", "status", "channel", "campaign", "coupon", "country")
PROFILE = ("first_name", "last_name", "phone", "company", "city", "region")
SUMS = ("subtotal", "order_discount", "shipping", "tax", "included_tax", "order_total", "refunded")
SINGLE = {
    **dict.fromkeys((*KEYS, *PROFILE, "placed", "cancelled", "shipped"), "min"),
    **dict.fromkeys(("updated", "refunded_at", *SUMS), "max"),
    **dict.fromkeys(("test", "void"), "bool_or"),
}
# Not content: when the source last changed an order is its version.
NOT_CONTENT = ("key", "opens", "updated")
TYPES = {
    **dict.fromkeys(("placed", "updated", "cancelled", "shipped", "refunded_at"), "bigint"),
    **dict.fromkeys(SUMS, "bigint"),
    **dict.fromkeys(("test", "void"), "boolean"),
}


def group(run: ImportRun, form: Format, columns: tuple[str, ...]) -> int:
    """Make the run's other tables; returns the number of chunks."""
    with connection.cursor() as cursor:
        # Sorts of a large file stay in memory; only this transaction may take so much.
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL maintenance_work_mem = '128MB'")
        if "key" in columns and form.name == "lines" and not _has_order(run):
            _number_duplicates(cursor, run)
        if "opens" in columns:
            _blank_earlier(cursor, run, columns)
        if form.facts != "orders":
            cursor.execute(_numbered(run))
        else:
            cursor.execute(_grouped(run, columns))
            cursor.execute(_goods(run, columns))
            cursor.execute(f"CREATE INDEX ON {run.goods_table} (product); ANALYZE {run.goods_table}")
        cursor.execute(f"CREATE INDEX ON {run.orders_table} (chunk); ANALYZE {run.orders_table}")
        # Lines lie in the order of their rows, so a thousandth of a full index finds a chunk's.
        cursor.execute(f"CREATE INDEX ON {run.lines_table} USING brin (row) WITH (pages_per_range = 16)")
        cursor.execute(f"ANALYZE {run.lines_table} (row, key)")
        cursor.execute(f"SELECT coalesce(max(chunk) + 1, 0) FROM {run.orders_table}")
        return int(cursor.fetchone()[0])


def _has_order(run: ImportRun) -> bool:
    return "order" in run.mapping or bool(run.options.get("one_order_per"))


def _number_duplicates(cursor: object, run: ImportRun) -> None:
    """Equal rows without an order number are purchases of their own: the nth of them is order `...-n`."""
    table = run.lines_table
    cursor.execute(  # type: ignore[attr-defined]
        f"CREATE UNLOGGED TABLE {table}_n AS"
        f" SELECT l.*, row_number() OVER (PARTITION BY key ORDER BY row) AS nth FROM {table} l;"
        f"UPDATE {table}_n SET key = key || '-' || nth;"
        f"ALTER TABLE {table}_n DROP COLUMN nth; DROP TABLE {table}; ALTER TABLE {table}_n RENAME TO {table}"
    )


def _blank_earlier(cursor: Any, run: ImportRun, columns: tuple[str, ...]) -> None:
    """An order that comes again, as in exports put one after the other, is told anew: its earlier rows still
    count as rows of it, but say nothing. Of an order with its cells on every row, lines may lie apart because
    the file was sorted: there only a line that comes again is an earlier one."""
    table = run.lines_table
    cursor.execute(
        f"CREATE TEMP TABLE retold ON COMMIT DROP AS SELECT key, max(row) FILTER (WHERE opens) AS row,"
        f" bool_and(opens IS NOT NULL) AS filled FROM {table} GROUP BY key"
        " HAVING count(*) FILTER (WHERE opens) > 1; ANALYZE retold"
    )
    blank = ", ".join(f'"{name}" = NULL' for name in columns if name != "key")
    cursor.execute(
        f"UPDATE {table} l SET {blank} FROM retold t WHERE l.key = t.key AND NOT t.filled AND l.row < t.row"
    )
    goods = ", ".join(f'{{0}}."{name}"' for name in ("sku", "title", "price", "quantity"))
    cursor.execute(
        f"UPDATE {table} l SET {blank} FROM retold t WHERE l.key = t.key AND t.filled AND EXISTS"
        f" (SELECT FROM {table} o WHERE o.key = l.key AND o.row > l.row"
        f" AND ({goods.format('o')}) IS NOT DISTINCT FROM ({goods.format('l')}))"
    )
    cursor.execute("DROP TABLE retold")


def _numbered(run: ImportRun) -> str:
    return (
        f"CREATE UNLOGGED TABLE {run.orders_table} AS SELECT row AS first_row, row AS last_row, 1 AS rows,"
        f" (row_number() OVER (ORDER BY row) - 1) / {CHUNK // 2} AS chunk FROM {run.lines_table}"
    )


def _goods(run: ImportRun, columns: tuple[str, ...]) -> str:
    """Products as the lines name them. The words are those of the latest sale; a line without a price (a
    stock correction) is believed last."""
    title, category = (name if name in columns else "NULL" for name in ("title", "category"))
    words = f"coalesce({title}, ''), coalesce({category}, '')"
    return f"""
        CREATE UNLOGGED TABLE {run.goods_table} AS
        SELECT product, sku, told[1]::bigint AS version, told[2] AS title, told[3] AS category,
            NULL::bigint AS id
        FROM (SELECT product, min(sku) AS sku,
                max(ARRAY[lpad((CASE WHEN sale THEN placed ELSE 0 END)::text, 20, '0'), {words}]) AS told
            FROM {run.lines_table} WHERE product <> '' GROUP BY product) AS latest
    """


def _grouped(run: ImportRun, columns: tuple[str, ...]) -> str:
    singles = ", ".join(
        f'{how}("{name}") AS "{name}"' if name in columns else f'NULL::{TYPES.get(name, "text")} AS "{name}"'
        for name, how in SINGLE.items()
    )
    category = "(array_agg(category ORDER BY row))[1]" if "category" in columns else "NULL::text"
    # Two orders of one file never share an id, or the second would stop the whole file.
    external = "key"
    if "external" in columns:
        first = "row_number() OVER (PARTITION BY external ORDER BY first_row) = 1"
        external = f"CASE WHEN external <> '' AND {first} THEN external ELSE key END"
    told = ", '|', ".join(f'"{name}"' for name in columns if name not in NOT_CONTENT)
    return f"""
        CREATE UNLOGGED TABLE {run.orders_table} AS
        WITH told AS (
            SELECT key, count(*) FILTER (WHERE row % 1000 = 0) AS rows, count(*) AS lines,
                min(row) AS first_row, max(row) AS last_row, {singles},
                coalesce(bool_or(sale), false) AS sold,
                coalesce(sum(total) FILTER (
                    WHERE NOT coalesce(credit, false) AND NOT coalesce(gift, false)), 0) AS items,
                coalesce(sum(total) FILTER (WHERE NOT coalesce(credit, false)), 0) AS all_items,
                coalesce(sum(discount) FILTER (WHERE NOT coalesce(credit, false)), 0) AS line_discounts,
                coalesce(-sum(CASE WHEN total > 0 THEN -total ELSE total END) FILTER (WHERE credit), 0)
                    AS credited,
                (array_agg(product ORDER BY row) FILTER (WHERE total IS NOT NULL
                    AND NOT coalesce(credit, false)))[1] AS first_product, {category} AS own_category,
                md5(string_agg(concat({told}), E'\\n' ORDER BY row)
                    FILTER (WHERE placed IS NOT NULL)) AS digest
            FROM {run.lines_table} GROUP BY key
        ), netted AS (
            SELECT *, {external} AS external_id,
                least(greatest(CASE WHEN subtotal IS NOT NULL THEN all_items - subtotal
                    ELSE line_discounts + coalesce(order_discount, 0) END, 0),
                    items - coalesce(included_tax, 0)) AS discounts,
                NOT sold AND credited <> 0 AS note
            FROM told
        )
        SELECT {", ".join(f'"{name}"' for name in SINGLE)}, key, rows, first_row, last_row, sold,
            items - coalesce(included_tax, 0) AS items, credited, first_product, own_category, digest,
            external_id, discounts, note,
            (sum(lines) OVER (ORDER BY first_row, key) - 1)::bigint / {CHUNK} AS chunk
        FROM netted
    """
