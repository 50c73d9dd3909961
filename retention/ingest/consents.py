"""What a shop's file of customers says about e-mail, as consent."""

from __future__ import annotations

from typing import Any

from retention.customers.consent import record_consents
from retention.customers.models import Channel, Proof, Status
from retention.ingest.files.values import instant
from retention.ingest.lists.proofs import imported
from retention.stores.models import Store


def hear(cursor: Any, store: Store, names: dict[str, Any]) -> None:
    """Evidence of what the people of `telling` accept. Needs `home` there, and their registers written.

    It stays with the record of which it was told, also while that one is merged into another.
    A "no" is the absence of an answer, and says that somebody unsubscribed only after a "yes" of the same
    shop; the register of the newest telling says which came last, so the order of the files does not matter.
    """
    cursor.execute(
        # Once others were merged into a record, its fields show the whole person: `own` is what is its own.
        "SELECT DISTINCT t.home, t.accepts_email = 'true', o.told ->> 1 = 'false', (o.told ->> 0)::bigint"
        " FROM telling t JOIN customers_customer c ON c.id = t.home"
        " CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(c.own) = 'object'"
        " THEN c.own #> '{registers,accepts_email}'"
        " ELSE jsonb_build_array(c.versions -> 'accepts_email', c.accepts_email) END AS told) o"
        " WHERE t.accepts_email <> '' AND c.erased_at IS NULL ORDER BY 1",
        names,
    )
    rows = cursor.fetchall()
    source = str(names["source"])
    yes = [person for person, accepts, _, _ in rows if accepts]
    # A file tells that they accept, not when they said so.
    at = instant(names["version"])
    told = [(person, one) for person in yes for one in imported(source, Status.SUBSCRIBED, at)]
    before = Proof.objects.filter(
        customer__in=[person for person, _, _, _ in rows],
        channel=Channel.EMAIL,
        source=source,
        status=Status.SUBSCRIBED,
    )
    accepted = {*yes, *before.values_list("customer_id", flat=True)}
    told += [
        (person, one)
        for person, _, refuses, version in rows
        if refuses and person in accepted
        for one in imported(source, Status.UNSUBSCRIBED, instant(version))
    ]
    if told:
        record_consents(store, told, by=str(names["by"]))
