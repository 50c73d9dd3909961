"""Moving to another server: transaction ids do not survive dump and restore.

Events get new positions in the order of their old ones, below any transaction id the new server will
hand out, and every cursor moves to the new position of the last event that it had read.
"""

from __future__ import annotations

from django.db import connection, transaction


@transaction.atomic
def renumber_after_restore() -> None:
    """Renumber events and cursors together. Run once, right after a restore, before followers start.

    All events take xid 3 (the lowest normal id, older than any running transaction on any server),
    ordered among themselves by new ids, so a follower goes on without losing or repeating one.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE timeline_event DISABLE TRIGGER USER")
        cursor.execute(
            "CREATE TEMP TABLE renumbered ON COMMIT DROP AS"
            " SELECT id AS old_id, xid AS old_xid, row_number() OVER (ORDER BY xid, id) AS new_id"
            " FROM timeline_event"
        )
        cursor.execute(
            "UPDATE timeline_follower f SET xid = '3', event_id = coalesce("
            "(SELECT max(r.new_id) FROM renumbered r WHERE (r.old_xid, r.old_id) <= (f.xid, f.event_id)), 0)"
        )
        # Through negative numbers, because a new id may still be another row's old one.
        cursor.execute(
            "UPDATE timeline_event e SET xid = '3', id = -r.new_id FROM renumbered r WHERE e.id = r.old_id"
        )
        cursor.execute("UPDATE timeline_event SET id = -id")
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('timeline_event', 'id'), coalesce(max(id), 0) + 1, false)"
            " FROM timeline_event"
        )
        cursor.execute("ALTER TABLE timeline_event ENABLE TRIGGER USER")
