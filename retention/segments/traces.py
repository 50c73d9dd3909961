"""What segments keep of a person: a name or an address in what somebody called them, or in their rules."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from retention.customers.facts import names_people
from retention.customers.naming import ERASED, names, without
from retention.segments import living
from retention.segments.members import lock
from retention.segments.models import Segment
from retention.stores.models import Store


def erase(store_id: int, words: list[str]) -> None:
    """Cross the words out. A rule asks for another value then, so its people are found anew."""
    with connection.cursor() as cursor:
        lock(cursor)
    changed = {segment.pk for segment in Segment.objects.filter(store=store_id) if _blank(segment, words)}
    rules = set(Segment.objects.filter(pk__in=changed).live().values_list("pk", flat=True))
    if rules:
        store = Store.objects.get(pk=store_id)
        living.refresh_with_dependents(store, rules, timezone.now(), cause="rule", told=False)


def _blank(segment: Segment, words: list[str]) -> bool:
    """Returns whether the rule changed."""
    name, description = without(segment.name, words), without(segment.description, words)
    rule = _crossed_out(segment.rule, words)
    changed = bool(rule != segment.rule)
    if changed:
        segment.rule, segment.version = rule, segment.version + 1
    if changed or (name, description) != (segment.name, segment.description):
        if name != segment.name:
            # Two may have been called after one person, by name and by address.
            others = Segment.objects.filter(store=segment.store_id).active().exclude(pk=segment.pk)
            segment.name = others.free_name(name)
        segment.description = description
        segment.save(update_fields=["name", "description", "rule", "version"])
    return changed


def _crossed_out(node: Any, words: list[str]) -> Any:
    if isinstance(node, dict):
        return {key: _crossed_out(part, words) for key, part in node.items()}
    if isinstance(node, list):
        return [_crossed_out(part, words) for part in node]
    return ERASED if isinstance(node, str) and names(node, words) else node


def register() -> None:
    names_people("segments", erase)
