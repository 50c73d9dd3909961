"""What a shop's file of customers says about e-mail, as consent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from retention.customers.consent import Evidence, record_consents
from retention.customers.models import Channel, Proof, Status
from retention.ingest.files.values import EPOCH
from retention.stores.models import Store

# A file tells that they accept, not when they said so.
UNDATED = "import_undated"


def hear(cursor: Any, store: Store, names: dict[str, Any]) -> None:
    """Evidence of what the people of `telling` accept. Needs `person` there, and their registers written.

    A "no" is the absence of an answer, and says that somebody unsubscribed only after a "yes" of the same
    shop; the register of the newest telling says which came last, so the order of the files does not matter.
    """
    cursor.execute(
        "SELECT DISTINCT t.person, t.accepts_email = 'true', c.accepts_email IS FALSE,"
        " (c.versions ->> 'accepts_email')::bigint"
        " FROM telling t JOIN customers_customer c ON c.id = t.person"
        " WHERE t.accepts_email <> '' AND c.erased_at IS NULL ORDER BY 1",
        names,
    )
    rows = cursor.fetchall()
    source = str(names["source"])
    yes = [person for person, accepts, _, _ in rows if accepts]
    told = [(person, _said(Status.SUBSCRIBED, source, _moment(names["version"]))) for person in yes]
    before = Proof.objects.filter(
        customer__in=[person for person, _, _, _ in rows],
        channel=Channel.EMAIL,
        source=source,
        status=Status.SUBSCRIBED,
    )
    accepted = {*yes, *before.values_list("customer_id", flat=True)}
    told += [
        (person, _said(Status.UNSUBSCRIBED, source, _moment(version)))
        for person, _, refuses, version in rows
        if refuses and person in accepted
    ]
    if told:
        record_consents(store, told, by=str(names["by"]))


def _said(status: str, source: str, at: datetime) -> Evidence:
    return Evidence(
        channel=Channel.EMAIL,
        status=status,
        source=source,
        method=UNDATED,
        at=at,
        dated=False,
        imported=True,
    )


def _moment(version: int) -> datetime:
    return EPOCH + timedelta(microseconds=version)
