"""Profile fields as registers: of two tellings the one with the higher (version, value) wins.

The order of arrival therefore does not matter, and neither does the number of times. Records that were
merged each keep their own registers; the person's fields are the highest of all of them, so that undoing
a merge is computing them once more.

Where somebody chose which record stays, the other one yields: its fields only fill those that are empty.
How often a record yields is kept with the person (`own["yields"]`), so that a person's fields follow from
what was told of the records and from the merges, whatever came first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from retention.customers.copying import rewrite_rows
from retention.customers.models import Customer
from retention.customers.profiles import Profile

TEXTS = (
    *("email", "phone", "first_name", "last_name", "company", "address1", "address2", "postal_code"),
    *("city", "region", "country", "birthday", "time_zone", "locale"),
)
FIELDS = (*TEXTS, "accepts_email", "tags")
CUSTOM = "custom:"
SAVED = (*FIELDS, "added_tags", "custom", "versions", "own")

# field -> (version, value)
Registers = dict[str, tuple[int, Any]]
Record = Customer | Profile


def registers_of(customer: Record) -> Registers:
    """What was told of this record alone."""
    if customer.own is not None:
        return {name: (version, value) for name, (version, value) in customer.own["registers"].items()}
    told = {name: getattr(customer, name) for name in FIELDS}
    told["tags"] = [tag for tag in customer.tags if tag not in customer.added_tags]
    told |= {CUSTOM + label: value for label, value in customer.custom.items()}
    versions = customer.versions
    return {
        name: (int(versions.get(name, 0)), value)
        for name, value in told.items()
        if name in versions or value not in ("", None, [])
    }


def added_tags_of(customer: Record) -> list[str]:
    return list(customer.added_tags if customer.own is None else customer.own["added_tags"])


def highest(records: Iterable[Registers]) -> Registers:
    found: Registers = {}
    for record in records:
        for name, register in record.items():
            if name not in found or _rank(register) > _rank(found[name]):
                found[name] = register
    return found


def filled(layers: Iterable[Registers]) -> Registers:
    """The first layer, its empty fields filled from the next, and so on."""
    found: Registers = {}
    for layer in layers:
        for name, register in layer.items():
            if name not in found or (is_empty(found[name][1]) and not is_empty(register[1])):
                found[name] = register
    return found


def is_empty(value: Any) -> bool:
    return value in ("", None, [])


def _rank(register: tuple[int, Any]) -> tuple[int, str]:
    version, value = register
    return version, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def keep_own(customer: Record) -> None:
    """From now on the fields show more than this record: keep what is its own beside them."""
    if customer.own is None:
        customer.own = {"registers": registers_of(customer), "added_tags": added_tags_of(customer)}


def keep_yielding(customer: Record, yields: Mapping[int, int]) -> None:
    """How often each of the others yields to this one; those that do not are left out."""
    if customer.own is not None:
        kept = {str(pk): times for pk, times in yields.items() if times}
        customer.own = _own(customer.own["registers"], customer.own["added_tags"], kept)


def _own(told: Registers, added: list[str], yields: Mapping[str, int]) -> dict[str, Any]:
    own: dict[str, Any] = {"registers": told, "added_tags": added}
    return {**own, "yields": dict(yields)} if yields else own


def show(customer: Record, records: Sequence[Record]) -> None:
    """Set the fields to what these records tell together; the record itself is one of them."""
    yields = (customer.own or {}).get("yields", {})
    layers: dict[int, list[Registers]] = {}
    for record in records:
        layers.setdefault(yields.get(str(record.pk), 0), []).append(registers_of(record))
    told = filled(highest(layers[times]) for times in sorted(layers))
    added = sorted({tag for record in records for tag in added_tags_of(record)})
    if len(records) == 1:
        customer.own = None
    _set(customer, told, added)


def _set(customer: Record, told: Registers, added: list[str]) -> None:
    for name in FIELDS:
        empty: Any = [] if name == "tags" else None if name == "accepts_email" else ""
        setattr(customer, name, told[name][1] if name in told else empty)
    customer.added_tags = added
    customer.tags = _union(customer.tags, added)
    customer.custom = {n.removeprefix(CUSTOM): v for n, (_, v) in told.items() if n.startswith(CUSTOM)}
    customer.versions = {name: version for name, (version, _) in told.items() if version}


def _union(tags: list[str], added: list[str]) -> list[str]:
    return [*tags, *(tag for tag in added if tag not in tags)]


def tell(customer: Record, fields: Mapping[str, Any], version: int, tags: Iterable[str] = ()) -> bool:
    """Move the registers of one record up, in memory; returns whether a field reads differently now."""
    if customer.own is None and "tags" not in fields:
        moved = _raise(customer, fields, version)
        return _add_tags(customer, tags) or moved
    before = registers_of(customer)
    told = highest([before, {name: (version, value) for name, value in fields.items()}])
    added = sorted({*added_tags_of(customer), *tags})
    if customer.own is not None:
        # The fields themselves are those of the whole person: `show` sets them.
        changed = _values(told) != _values(before) or added != added_tags_of(customer)
        customer.own = _own(told, added, customer.own.get("yields", {}))
        return changed
    shown = _shown(customer)
    _set(customer, told, added)
    return _shown(customer) != shown


def _raise(customer: Record, fields: Mapping[str, Any], version: int) -> bool:
    """The registers that were told, in place: what `highest` and `_set` do for all, for lists of people."""
    versions, custom = dict(customer.versions), dict(customer.custom)
    changed = False
    for name, value in fields.items():
        label = name.removeprefix(CUSTOM) if name.startswith(CUSTOM) else None
        before = getattr(customer, name) if label is None else custom.get(label)
        held = (int(versions.get(name, 0)), before)
        if (name in versions or before not in ("", None)) and _rank((version, value)) <= _rank(held):
            continue
        if label is None:
            changed |= before != value
            setattr(customer, name, value)
        else:
            changed |= label not in custom or before != value
            custom[label] = value
        if version:
            versions[name] = version
    if versions != customer.versions:
        customer.versions = versions
    if changed:
        customer.custom = custom
    return changed


def _add_tags(customer: Record, tags: Iterable[str]) -> bool:
    added = sorted({*customer.added_tags, *tags})
    shown = _union([tag for tag in customer.tags if tag not in customer.added_tags], added)
    changed = shown != customer.tags
    customer.added_tags, customer.tags = added, shown
    return changed


def _values(registers: Registers) -> dict[str, Any]:
    return {name: value for name, (_, value) in registers.items()}


def _shown(customer: Record) -> dict[str, Any]:
    return {**{name: getattr(customer, name) for name in FIELDS}, "custom": dict(customer.custom)}


def before_telling(cursor: Any) -> list[int]:
    """Prepare `told_of(id, field, value, version)`, what an import says of people, for being written.

    Erased people are told nothing. A telling of a merged record is also one of the person; where a record
    keeps its own registers beside the fields, they move up as well. People of whose records one was chosen
    are written here already: returns those whose values moved.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT FROM customers_customer c WHERE c.id IN (SELECT id FROM told_of) AND"
        " (erased_at IS NOT NULL OR merged_into_id IS NOT NULL OR jsonb_typeof(own) = 'object'"
        " OR added_tags <> '[]'))"
    )
    if not cursor.fetchone()[0]:
        return []
    cursor.execute(
        "DELETE FROM told_of t USING customers_customer c WHERE c.id = t.id AND c.erased_at IS NOT NULL"
    )
    changed = _tell_chosen(cursor)
    _move_own(cursor)
    cursor.execute(
        "INSERT INTO told_of SELECT c.merged_into_id, t.field, t.value, t.version"
        " FROM told_of t JOIN customers_customer c ON c.id = t.id WHERE c.merged_into_id IS NOT NULL"
    )
    cursor.execute(
        "UPDATE told_of t SET value = (SELECT jsonb_agg(tag ORDER BY tag)::text FROM ("
        "SELECT jsonb_array_elements_text(t.value::jsonb) AS tag"
        " UNION SELECT jsonb_array_elements_text(c.added_tags)) AS tags)"
        " FROM customers_customer c WHERE c.id = t.id AND t.field = 'tags' AND c.added_tags <> '[]'"
    )
    return changed


def _tell_chosen(cursor: Any) -> list[int]:
    """Here the highest version does not decide alone, so each record is told, and the person shown again."""
    cursor.execute(
        "DELETE FROM told_of t USING customers_customer c, customers_customer p WHERE c.id = t.id"
        " AND p.id = coalesce(c.merged_into_id, c.id) AND p.own ? 'yields'"
        " RETURNING p.id, t.id, t.field, t.value, t.version"
    )
    told = cursor.fetchall()
    roots = {row[0] for row in told}
    if not roots:
        return []
    families = Customer.objects.filter(Q(pk__in=roots) | Q(merged_into__in=roots))
    people = {one.pk: one for one in families.select_for_update().order_by("pk")}
    before = {pk: _shown(people[pk]) for pk in roots}
    changed = {root for root, pk, *said in told if _tell_text(people[pk], *said)}
    for root in roots:
        show(people[root], [one for one in people.values() if root in (one.pk, one.merged_into_id)])
    rows = [{"id": pk, **{name: getattr(one, name) for name in SAVED}} for pk, one in people.items()]
    rewrite_rows("customers_customer", SAVED, rows)
    return sorted(changed | {pk for pk in roots if _shown(people[pk]) != before[pk]})


def _tell_text(customer: Record, name: str, text: str, version: int) -> bool:
    value = json.loads(text) if name in ("accepts_email", "tags") else text
    return tell(customer, {name: value}, version)


def _move_own(cursor: Any) -> None:
    cursor.execute(
        "SELECT t.id, t.field, t.value, t.version FROM told_of t"
        " JOIN customers_customer c ON c.id = t.id WHERE jsonb_typeof(c.own) = 'object'"
    )
    told = cursor.fetchall()
    people = Customer.objects.in_bulk({row[0] for row in told})
    for customer, name, text, version in told:
        _tell_text(people[customer], name, text, version)
    rewrite_rows("customers_customer", ["own"], [{"id": pk, "own": one.own} for pk, one in people.items()])
