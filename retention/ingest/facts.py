"""Staged orders to facts and timeline, one chunk of whole orders per transaction, all set-based."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from retention.ingest import people, registers
from retention.ingest.files.recognise import FORMATS
from retention.ingest.files.staged import Format
from retention.ingest.models import ImportRun
from retention.ingest.registers import Tally

SAVED = ["chunk", "rows_done", "accepted", "same", "facts_new", "facts_changed", "facts_same"]
GROWING = (
    *("customers_customer", "customers_identity", "catalog_product"),
    *("orders_order", "orders_line", "orders_refund"),
)
AT = "timestamptz 'epoch' + {} * interval '1 microsecond'"


def apply_chunk(run: ImportRun) -> None:
    """Write the run's next chunk of facts and move the run's position, together."""
    form = FORMATS[run.format]
    with transaction.atomic(), connection.cursor() as cursor:
        _take(cursor, run, form)
        if form.facts == "orders":
            _write(cursor, run, form)
        run.chunk += 1
        run.save(update_fields=SAVED)


def write_goods(run: ImportRun) -> None:
    """Write the products that the run's lines name, all at once: every file has far fewer than lines.

    What a file of products told of one is never overwritten by what order lines call it.
    """
    form = FORMATS[run.format]
    if form.facts != "orders":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        people.lock_store(run.store)
        cursor.execute(
            f"""
            INSERT INTO catalog_product AS p (store_id, source, external_id, sku, title, handle, category,
                vendor, tags, image_url, active, version, digest)
            SELECT %(store)s, %(source)s, product, coalesce(sku, ''), title, '', category,
                '', '[]'::jsonb, '', true, version, '' FROM {run.goods_table}
            ON CONFLICT (store_id, source, external_id) DO UPDATE SET
                title = coalesce(nullif(excluded.title, ''), p.title),
                category = coalesce(nullif(excluded.category, ''), p.category), version = excluded.version
            WHERE p.digest = '' AND (excluded.version, excluded.title, excluded.category)
                > (p.version, p.title, p.category)
            """,
            _names(run, form),
        )
        cursor.execute(
            f"UPDATE {run.goods_table} g SET id = p.id FROM catalog_product p"
            " WHERE p.store_id = %(store)s AND p.source = %(source)s AND p.external_id = g.product",
            _names(run, form),
        )
        cursor.execute(f"ANALYZE {run.goods_table}")


def write_relations(run: ImportRun) -> None:
    """What the file's goods are to each other, after the last chunk."""
    form = FORMATS[run.format]
    if form.facts == "products":
        with transaction.atomic(), connection.cursor() as cursor:
            registers.write_relations(cursor, run, _names(run, form))


def count_chunk(run: ImportRun) -> None:
    """What `apply_chunk` would do, without doing it."""
    form = FORMATS[run.format]
    with transaction.atomic(), connection.cursor() as cursor:
        _take(cursor, run, form)
        transaction.set_rollback(True)
        run.chunk += 1


def _take(cursor: Any, run: ImportRun, form: Format) -> None:
    """Take up the run's next chunk and count what is in it: orders are told apart, other facts written."""
    people.lock_store(run.store)
    if form.facts == "orders":
        _match_numbers(cursor, run, form)
        _tell(cursor, run, form)
        _count(cursor, run)
    else:
        _tally(run, registers.WRITERS[form.facts](cursor, run, _names(run, form)))


def _match_numbers(cursor: Any, run: ImportRun, form: Format) -> None:
    """An order that came without its id takes it from the file that has it; one whose id is known is found
    by its number. Only for formats whose numbers are names: elsewhere a number may be another order's id."""
    if not form.numbered:
        return
    names = _names(run, form)
    cursor.execute(
        f"""
        WITH named AS (
            UPDATE orders_order o SET external_id = s.external_id FROM {run.orders_table} s
            WHERE s.chunk = %(chunk)s AND s.external_id <> s.key AND NOT s.note
                AND o.store_id = %(store)s AND o.source = %(source)s AND o.external_id = s.key
                AND NOT EXISTS (SELECT FROM orders_order x WHERE x.store_id = %(store)s
                    AND x.source = %(source)s AND x.external_id = s.external_id)
            RETURNING o.id, o.customer_id, o.placed_at, s.external_id
        ), refund AS (
            UPDATE orders_refund r SET external_id = n.external_id || ':refund' FROM named n
            WHERE r.order_id = n.id
        )
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, customer_id, 'order.changed', placed_at, 'order:' || id,
            jsonb_build_object('order', id, 'previous_customer', NULL), %(by)s FROM named
        """,
        names,
    )
    cursor.execute(
        f"""
        UPDATE {run.orders_table} s SET external_id = o.external_id FROM (
            SELECT number, min(external_id) AS external_id FROM orders_order
            WHERE store_id = %(store)s AND source = %(source)s AND number <> external_id AND number <> ''
                -- In the words of the index orders_order_number.
                AND (ltrim(lower(number), '#')) COLLATE "C" IN (
                    SELECT (ltrim(lower(key), '#')) COLLATE "C" FROM {run.orders_table}
                    WHERE chunk = %(chunk)s AND external_id = key)
            GROUP BY number HAVING count(*) = 1) o
        WHERE s.chunk = %(chunk)s AND s.external_id = s.key AND NOT s.note AND o.number = s.key
            AND NOT EXISTS (SELECT FROM orders_order x WHERE x.store_id = %(store)s
                AND x.source = %(source)s AND x.external_id = s.key)
        """,
        names,
    )


def _tell(cursor: Any, run: ImportRun, form: Format) -> None:
    """Table `telling`: the chunk's orders beside what is known of them."""
    cursor.execute("SET LOCAL work_mem = '64MB'; DROP TABLE IF EXISTS telling, person")
    cursor.execute(
        f"""
        CREATE TEMP TABLE telling ON COMMIT DROP AS
        SELECT s.*, v.version, coalesce(o.id, r.id) AS known, coalesce(o.version, r.version) AS known_version,
            CASE WHEN s.note THEN r.customer_id ELSE o.customer_id END AS known_customer,
            CASE WHEN coalesce(o.id, r.id) IS NULL THEN 'new'
                WHEN coalesce(o.digest, r.digest) = s.digest THEN 'same'
                WHEN (v.version, s.digest) > (coalesce(o.version, r.version), coalesce(o.digest, r.digest))
                    THEN 'changed'
                ELSE 'old' END AS news,
            coalesce(o.id, r.id) AS id
        FROM {run.orders_table} s
        CROSS JOIN LATERAL (SELECT coalesce(s.updated, %(version)s) AS version) v
        LEFT JOIN orders_order o ON NOT s.note
            AND o.store_id = %(store)s AND o.source = %(source)s AND o.external_id = s.external_id
        LEFT JOIN orders_refund r ON s.note
            AND r.store_id = %(store)s AND r.source = %(source)s AND r.external_id = s.external_id
        WHERE s.chunk = %(chunk)s
        """,
        _names(run, form),
    )


def _count(cursor: Any, run: ImportRun) -> None:
    cursor.execute(
        "SELECT coalesce(sum(rows) FILTER (WHERE news IN ('new', 'changed')), 0),"
        " coalesce(sum(rows) FILTER (WHERE news IN ('same', 'old')), 0),"
        " count(*) FILTER (WHERE news = 'new'), count(*) FILTER (WHERE news = 'changed'),"
        " count(*) FILTER (WHERE news IN ('same', 'old')) FROM telling"
    )
    _tally(run, Tally(*map(int, cursor.fetchone())))


def _tally(run: ImportRun, chunk: Tally) -> None:
    accepted, same, new, changed, known = chunk
    run.accepted += accepted
    run.same += same
    run.rows_done += accepted + same
    run.facts_new += new
    run.facts_changed += changed
    run.facts_same += known


def _names(run: ImportRun, form: Format) -> dict[str, Any]:
    return {
        "store": run.store_id,
        "source": run.options.get("source") or form.source,
        "version": run.as_of,
        "chunk": run.chunk,
        "currency": run.store.currency,
        "by": _by(run),
    }


def _by(run: ImportRun) -> str:
    return f"import:{run.pk}"


def _write(cursor: Any, run: ImportRun, form: Format) -> None:
    names = _names(run, form)
    _raise_versions(cursor)
    cursor.execute("DELETE FROM telling WHERE news = 'same'")
    if not _left(cursor):
        return
    cursor.execute("ANALYZE telling")
    people.resolve(run.store, str(names["source"]), by=_by(run))
    _number(cursor)
    _profiles(cursor)
    # An older telling changes no order, but who its people are counts whenever it arrives.
    cursor.execute("DELETE FROM telling WHERE news = 'old'")
    _orders(cursor, run, names)
    _lines(cursor, run, names)
    _shipments(cursor, names)
    _refunds(cursor, names)
    people.note_homes(cursor)
    _events(cursor, names)


def _left(cursor: Any) -> bool:
    cursor.execute("SELECT EXISTS (SELECT FROM telling)")
    return bool(cursor.fetchone()[0])


def _raise_versions(cursor: Any) -> None:
    for table, note in (("orders_order", "NOT note"), ("orders_refund", "note")):
        cursor.execute(
            f"UPDATE {table} o SET version = t.version FROM telling t"
            f" WHERE o.id = t.known AND {note} AND t.news = 'same' AND t.known_version < t.version"
        )


def _number(cursor: Any) -> None:
    """Give new facts their ids before they are written, so that lines and events can point to them."""
    cursor.execute(
        """
        UPDATE telling SET id = CASE WHEN note
            THEN nextval(pg_get_serial_sequence('orders_refund', 'id'))
            ELSE nextval(pg_get_serial_sequence('orders_order', 'id')) END
        WHERE known IS NULL
        """
    )
    cursor.execute("ALTER TABLE telling ADD COLUMN person bigint, ADD COLUMN home bigint")
    cursor.execute(
        "UPDATE telling t SET person = p.id, home = coalesce(p.home, p.id) FROM person p"
        " WHERE p.customer = coalesce(t.customer, '') AND p.email = coalesce(t.email, '')"
    )
    cursor.execute("CREATE INDEX ON telling (key)")
    cursor.execute("ANALYZE telling")


def _profiles(cursor: Any) -> None:
    """What an order says of its customer was true when it was placed."""
    cursor.execute(
        """
        CREATE TEMP TABLE told_of ON COMMIT DROP AS
        SELECT t.home AS id, f.field, f.value, t.placed AS version FROM telling t
        CROSS JOIN LATERAL (VALUES ('email', t.email), ('phone', left(t.phone, 40)), ('first_name',
            t.first_name),
            ('last_name', t.last_name), ('company', t.company), ('city', t.city), ('region', t.region),
            ('country', t.country)) AS f (field, value)
        WHERE t.person IS NOT NULL AND f.value <> ''
        """
    )
    people.write_latest(cursor)
    cursor.execute("DROP TABLE told_of")


def _orders(cursor: Any, run: ImportRun, names: dict[str, object]) -> None:
    values = f"""
        coalesce(t.number, t.external_id), t.person, {AT.format("t.placed")}, {AT.format("t.cancelled")},
        coalesce(t.test, false), coalesce(t.void, false) OR NOT t.sold, t.items, t.discounts,
        coalesce(t.shipping, 0), coalesce(t.tax, 0), coalesce(t.channel, ''), coalesce(t.campaign, ''),
        coalesce(t.coupon, ''), coalesce(t.country, ''),
        coalesce(nullif(t.own_category, ''), nullif(p.category, ''), ''), coalesce(t.status, ''),
        t.version, t.digest
    """
    columns = (
        "number, customer_id, placed_at, cancelled_at, test, void, items, discounts, shipping, tax, channel,"
        " campaign, coupon, country, first_category, status, version, digest"
    )
    # Only a file of products may name the category of an order whose lines name none. It is asked now,
    # because it may have come in since this run began.
    source = f"""
        FROM telling t LEFT JOIN {run.goods_table} g ON g.product = t.first_product
            LEFT JOIN catalog_product p ON p.id = g.id AND p.digest <> ''
        WHERE NOT t.note AND t.news =
    """
    cursor.execute(
        f"INSERT INTO orders_order (id, store_id, source, external_id, refunded, {columns})"
        f" SELECT t.id, %(store)s, %(source)s, t.external_id, 0, {values} {source} 'new'",
        names,
    )
    cursor.execute(
        f"UPDATE orders_order SET ({columns})"
        " = (n.number, n.customer_id, n.placed_at, n.cancelled_at, n.test,"
        " n.void, n.items, n.discounts, n.shipping, n.tax, n.channel, n.campaign, n.coupon, n.country,"
        " n.first_category, n.status, n.version, n.digest)"
        f" FROM (SELECT t.id, {values} {source} 'changed') AS n (id, {columns}) WHERE orders_order.id = n.id",
        names,
    )


def _lines(cursor: Any, run: ImportRun, names: dict[str, object]) -> None:
    # As values, not as a subquery: the planner then knows how many lines to expect.
    cursor.execute("SELECT min(first_row), max(last_row) FROM telling")
    first, last = cursor.fetchone()
    cursor.execute(
        "DELETE FROM orders_line"
        " WHERE order_id IN (SELECT id FROM telling WHERE NOT note AND news = 'changed')"
    )
    cursor.execute(
        f"""
        INSERT INTO orders_line (order_id, position, product_id, sku, title, quantity, unit_price,
            discount, total, gift_card)
        SELECT t.id, row_number() OVER (PARTITION BY l.key ORDER BY l.row) - 1, g.id, coalesce(l.sku, ''),
            coalesce(l.title, ''), coalesce(l.quantity, 1), coalesce(l.price, 0), coalesce(l.discount, 0),
            l.total, coalesce(l.gift, false)
        FROM {run.lines_table} l JOIN telling t USING (key)
            LEFT JOIN {run.goods_table} g ON g.product = l.product
        WHERE l.row BETWEEN %(first)s AND %(last)s AND NOT t.note AND l.total IS NOT NULL
            AND (NOT coalesce(l.credit, false) OR NOT t.sold)
        """,
        {**names, "first": first, "last": last},
    )


def _shipments(cursor: Any, names: dict[str, object]) -> None:
    # Taken back by the newest telling: had that one come first, the parcel would never have been there.
    cursor.execute(
        "DELETE FROM orders_shipment s USING telling t WHERE s.order_id = t.id"
        " AND s.external_id = 'fulfilled' AND NOT t.note AND t.news = 'changed' AND t.shipped IS NULL"
    )
    cursor.execute(
        f"""
        WITH sent AS (
            INSERT INTO orders_shipment AS s (order_id, external_id, carrier, tracking_number,
                shipped_at, version,
                digest)
            SELECT id, 'fulfilled', '', '', {AT.format("shipped")}, version, '' FROM telling
            WHERE NOT note AND shipped IS NOT NULL
            ON CONFLICT (order_id, external_id) DO UPDATE
                SET shipped_at = excluded.shipped_at, version = excluded.version
                WHERE s.shipped_at IS DISTINCT FROM excluded.shipped_at AND excluded.version >= s.version
            RETURNING order_id, shipped_at
        )
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, t.person, 'order.shipped', s.shipped_at, 'order:' || t.id,
            jsonb_build_object('order', t.id), %(by)s
        FROM sent s JOIN telling t ON t.id = s.order_id AND NOT t.note
        """,
        names,
    )


def _refunds(cursor: Any, names: dict[str, object]) -> None:
    """Credit notes, and what orders say was given back. An export tells the whole refund with tax and
    shipping in it, so items get their share: a full refund brings the order's net revenue to 0 exactly."""
    cursor.execute(
        """
        CREATE TEMP TABLE given_back ON COMMIT DROP AS
        SELECT CASE WHEN note THEN id END AS id, CASE WHEN NOT note THEN id END AS order_id, person,
            version, digest, known,
            CASE WHEN note THEN external_id ELSE external_id || ':refund' END AS external_id,
            coalesce(refunded_at, placed) AS at,
            credited + CASE WHEN coalesce(refunded, 0) = 0 THEN 0
                WHEN refunded >= order_total OR order_total IS NULL OR order_total = 0 THEN
                    least(refunded, items - discounts)
                ELSE least(round(refunded::numeric * (items - discounts) / order_total)::bigint, items -
                    discounts)
                END AS amount
        FROM telling WHERE (note OR credited <> 0 OR coalesce(refunded, 0) > 0 OR known IS NOT NULL)
        """
    )
    cursor.execute(
        """
        DELETE FROM given_back g WHERE amount = 0 AND NOT EXISTS (SELECT FROM orders_refund r
            WHERE r.store_id = %(store)s AND r.source = %(source)s AND r.external_id = g.external_id)
        """,
        names,
    )
    cursor.execute(
        f"""
        WITH before AS (
            SELECT r.* FROM orders_refund r JOIN given_back g
                ON r.store_id = %(store)s AND r.source = %(source)s AND r.external_id = g.external_id
        ), written AS (
            INSERT INTO orders_refund AS r (id, store_id, source, external_id, order_id, customer_id,
                refunded_at, amount, version, digest)
            SELECT coalesce(id, nextval(pg_get_serial_sequence('orders_refund', 'id'))), %(store)s,
                %(source)s, external_id, order_id, person, {AT.format("at")}, amount, version, digest
            FROM given_back
            ON CONFLICT (store_id, source, external_id) DO UPDATE SET customer_id = excluded.customer_id,
                refunded_at = excluded.refunded_at, amount = excluded.amount, version = excluded.version,
                digest = excluded.digest
            RETURNING id, order_id, customer_id, refunded_at, amount
        )
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, w.customer_id, 'order.refunded', w.refunded_at, 'refund:' || w.id,
            jsonb_build_object('refund', w.id, 'order', w.order_id, 'previous_customer',
                CASE WHEN b.customer_id IS DISTINCT FROM w.customer_id THEN b.customer_id END), %(by)s
        FROM written w LEFT JOIN before b ON b.id = w.id
        WHERE b.id IS NULL OR (b.amount, b.refunded_at, b.customer_id)
            IS DISTINCT FROM (w.amount, w.refunded_at, w.customer_id)
        """,
        names,
    )
    cursor.execute(
        """
        UPDATE orders_order o SET refunded = s.amount FROM (
            SELECT order_id, sum(amount) AS amount FROM orders_refund
            WHERE order_id IN (SELECT order_id FROM given_back) GROUP BY 1) s
        WHERE o.id = s.order_id AND o.refunded <> s.amount
        """
    )
    cursor.execute("DROP TABLE given_back")


def _events(cursor: Any, names: dict[str, object]) -> None:
    cursor.execute(
        f"""
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, p.id, 'customer.added', {AT.format("min(t.placed)")}, 'customer:' || p.id,
            '{{}}', %(by)s
        FROM person p JOIN telling t ON t.person = p.id WHERE p.added GROUP BY p.id ORDER BY p.id
        """,
        names,
    )
    cursor.execute(
        f"""
        INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)
        SELECT %(store)s, person, CASE news WHEN 'new' THEN 'order.placed' ELSE 'order.changed' END,
            {AT.format("placed")}, 'order:' || id,
            CASE news WHEN 'new' THEN jsonb_build_object('order', id)
                ELSE jsonb_build_object('order', id, 'previous_customer',
                    CASE WHEN known_customer IS DISTINCT FROM person THEN known_customer END) END, %(by)s
        FROM telling WHERE NOT note ORDER BY placed, id
        """,
        names,
    )
