"""What the records of one person chose: the newest counts, and stands in the person's own row, so that one
read by number finds it.

What that record chose itself is kept beside it (`Preference.own`), so that undoing a merge is finding the
newest once more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from retention.customers.models import Preference, Topic

Choice = dict[str, Any]


def keep_choice(
    record: int, *, frequency: str, paused_until: datetime | None, muted: list[int], at: datetime
) -> None:
    """What this record chose. `show_choice` then brings it to the person."""
    told = _told(frequency, paused_until, muted, at)
    # A row that shows another record's choice goes on showing it until then.
    if not Preference.objects.filter(customer=record, own__isnull=False).update(own=told):
        _show(record, told, own=None)


def show_choice(root: int, records: list[int]) -> None:
    """Bring the newest choice of these records into the row of the first, which is one of them."""
    rows = Preference.objects.filter(customer__in=records).select_for_update().order_by("pk")
    chosen = {row.pk: _own(row) for row in rows}
    newest = max((one for one in chosen.values() if one), key=_moment, default=None)
    if newest is None:
        Preference.objects.filter(customer=root).delete()
    else:
        _show(root, newest, own=chosen.get(root, {}) if len(records) > 1 else None)


def _own(row: Preference) -> Choice:
    """Empty: the record itself chose nothing."""
    if row.own is not None:
        return dict(row.own)
    muted = list(row.muted.order_by("pk").values_list("pk", flat=True))
    return _told(row.frequency, row.paused_until, muted, row.changed_at)


def _told(frequency: str, paused_until: datetime | None, muted: list[int], at: datetime) -> Choice:
    return {
        "frequency": frequency,
        "paused_until": paused_until.isoformat() if paused_until else None,
        "muted": muted,
        "changed_at": at.isoformat(),
    }


def _moment(choice: Choice) -> datetime:
    return datetime.fromisoformat(choice["changed_at"])


def _show(customer: int, choice: Choice, *, own: Choice | None) -> None:
    until = choice["paused_until"]
    row, _ = Preference.objects.update_or_create(
        customer_id=customer,
        defaults={
            "frequency": choice["frequency"],
            "paused_until": datetime.fromisoformat(until) if until else None,
            "changed_at": _moment(choice),
            "own": own,
        },
    )
    row.muted.set(Topic.objects.filter(pk__in=choice["muted"]))
