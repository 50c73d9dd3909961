"""Every figure once more, from raw orders, by plain loops: what fact rows and rollups must equal.

Deliberately shares no SQL and no rule with `facts` and `rollups`. Walks one person at a time, so memory
grows with the rollups, not with the orders.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model

from retention.metrics import models
from retention.orders.models import Order, Refund
from retention.stores.models import Store

WINDOWS = (30, 90, 180, 365)
NAMES = ("channel", "campaign", "country", "category")
ROLLUPS: dict[type[models.Rollup], tuple[str, ...]] = {
    models.Daily: ("day",),
    models.CohortMonth: ("cohort", "month"),
    models.SecondGap: ("cohort", "gap"),
    models.Gap: ("month", "gap"),
    models.CohortValue: ("cohort",),
}
SHOWN = 20
PEOPLE_AT_ONCE = 2000


@dataclass
class Expected:
    """Sums per rollup: model -> (dimension, value, *keys) -> measure -> number."""

    sums: dict[type[models.Rollup], dict[tuple[Any, ...], Counter[str]]] = field(
        default_factory=lambda: {model: defaultdict(Counter) for model in ROLLUPS}
    )
    # Facts of the people walked since the last comparison, by key; flushed some thousands of people at once.
    people: set[int] = field(default_factory=set)
    purchases: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    refunds: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    customers: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def add(self, model: type[models.Rollup], who: dict[str, str], *key: Any, **measures: int) -> None:
        for dimension in ("all", *NAMES):
            cell = self.sums[model][(dimension, who.get(dimension, ""), *key)]
            for name, number in measures.items():
                cell[name] += number


def differences(store: Store) -> list[str]:
    """What of a store's figures is not what its orders say, in words; empty when all is right."""
    state = models.State.objects.filter(store=store).first()
    zone = ZoneInfo(state.time_zone if state else store.time_zone)
    expected, found = Expected(), list[str]()
    dated = _dated(store)
    notes = _notes(store, zone)
    seen = Counter[str]()
    for customer, orders in groupby(_orders(store), key=lambda o: o.customer_id):
        if customer is None:
            found += _guests(store, zone, list(orders), dated, notes.pop(None, []), expected, seen)
        else:
            found += _person(zone, customer, list(orders), dated, notes.pop(customer, []), expected, seen)
    for customer, credit in notes.items():
        if customer is None:
            found += _guests(store, zone, [], dated, credit, expected, seen)
        else:
            found += _person(zone, customer, [], dated, credit, expected, seen)
    found += _compare_people(expected)
    found += _left_over(store, seen)
    for model in ROLLUPS:
        found += _compare_rollup(store, model, expected)
    return found


def _orders(store: Store) -> Iterator[Order]:
    counted = Order.objects.filter(store=store, cancelled_at=None, test=False, void=False)
    return counted.order_by("customer_id").iterator(chunk_size=5000)


def _dated(store: Store) -> dict[int, list[Refund]]:
    refunds: dict[int, list[Refund]] = defaultdict(list)
    for refund in Refund.objects.filter(store=store, order__isnull=False).iterator():
        assert refund.order_id
        refunds[refund.order_id].append(refund)
    return refunds


def _notes(store: Store, zone: ZoneInfo) -> dict[int | None, list[Refund]]:
    notes: dict[int | None, list[Refund]] = defaultdict(list)
    for refund in Refund.objects.filter(store=store, order=None).iterator():
        notes[refund.customer_id].append(refund)
    return notes


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _undated(order: Order, refunds: list[Refund]) -> int:
    return max(order.refunded - sum(r.amount for r in refunds), 0)


def _guests(
    store: Store,
    zone: ZoneInfo,
    orders: list[Order],
    dated: dict[int, list[Refund]],
    notes: list[Refund],
    expected: Expected,
    seen: Counter[str],
) -> list[str]:
    rows: dict[str, tuple[Any, ...]] = {}
    refunds = list(notes)
    for order in orders:
        back = dated.pop(order.pk, [])
        refunds += back
        rows[f"order {order.pk}"] = (
            *(_day(order.placed_at, zone), 1),
            *(order.items - order.discounts, _undated(order, back)),
        )
    for refund in refunds:
        rows[f"refund {refund.pk}"] = (_day(refund.refunded_at, zone), 0, 0, refund.amount)
    daily = expected.sums[models.Daily]
    for day, count, sales, back_ in rows.values():
        daily[("all", "", day)].update(guest_orders=count, guest_sales=sales, guest_refunds=back_)
    seen["guest"] += len(rows)
    stored = models.Guest.objects.filter(store=store)
    kept = {g.key: (g.day, g.orders, g.sales, g.refunds) for g in stored.iterator()}
    return [f"guest {key}: {kept.get(key)} is {row}" for key, row in rows.items() if kept.get(key) != row]


def _person(
    zone: ZoneInfo,
    customer: int,
    orders: list[Order],
    dated: dict[int, list[Refund]],
    notes: list[Refund],
    expected: Expected,
    seen: Counter[str],
) -> list[str]:
    orders.sort(key=lambda o: (o.placed_at, o.source, o.external_id))
    days = [_day(o.placed_at, zone) for o in orders]
    first = orders[0] if orders else None
    who = {
        "channel": first.channel if first else "",
        "campaign": first.campaign if first else "",
        "country": first.country if first else "",
        "category": first.first_category if first else "",
    }
    cohort = _month(days[0]) if days else 0
    own = (*(who[name] for name in NAMES), cohort)
    backs = [dated.pop(o.pk, []) for o in orders]
    refunds = [*notes, *(r for back in backs for r in back)]
    rows = {}
    for i, order in enumerate(orders):
        row = {
            "placed_at": order.placed_at,
            "day": days[i],
            "nth": i + 1,
            "previous_day": days[i - 1] if i else None,
            "next_day": days[i + 1] if i + 1 < len(days) else None,
            "first_day": days[0],
            "month": _month(days[i]),
            "first_in_month": _month(days[i]) not in {_month(d) for d in days[:i]},
            "sales": order.items - order.discounts,
            "discounts": order.discounts,
            "undated": _undated(order, backs[i]),
            "kept": order.items - order.discounts - max(order.refunded, sum(r.amount for r in backs[i])),
        }
        rows[order.pk] = (*row.values(), *own)
    back_rows = {
        r.pk: (r.order_id, (d := _day(r.refunded_at, zone)), _month(d), r.amount, *own) for r in refunds
    }
    _add_person(expected, who, cohort, days, list(rows.values()), list(back_rows.values()))
    seen.update(purchase=len(rows), refund=len(back_rows), customer=bool(rows))
    expected.people.add(customer)
    expected.purchases.update(rows)
    expected.refunds.update(back_rows)
    if rows:
        expected.customers[customer] = _customer(list(rows.values()), list(back_rows.values()), own)
    return _compare_people(expected) if len(expected.people) >= PEOPLE_AT_ONCE else []


def _add_person(
    expected: Expected,
    who: dict[str, str],
    cohort: int,
    days: list[date],
    purchases: list[tuple[Any, ...]],
    refunds: list[tuple[Any, ...]],
) -> None:
    add = expected.add
    net_12 = 0
    for i, (day, row) in enumerate(zip(days, purchases, strict=True)):
        sales, undated, kept = row[8], row[10], row[11]
        money = {"sales": sales, "refunds": undated}
        add(models.Daily, who, day, purchases=1, **money, kept=kept, squares=kept * kept)
        add(models.CohortMonth, who, cohort, _month(day), purchases=1, **money)
        net_12 += sales - undated if _month(day) <= cohort + 12 else 0
        if i:
            gap = (day - days[i - 1]).days
            for month in (0, _month(day)):
                add(models.Gap, who, month, gap, pairs=1)
    for _, day, month, amount, *_rest in refunds:
        add(models.Daily, who, day, refunds=amount)
        if days:
            add(models.CohortMonth, who, cohort, month, refunds=amount)
            net_12 -= amount if month <= cohort + 12 else 0
    if days:
        add(models.Daily, who, days[0], new_customers=1)
        add(models.CohortValue, who, cohort, customers=1, net=net_12, squares=net_12 * net_12)
    if len(days) > 1:
        add(models.Daily, who, days[0], returned=1)
        add(models.Daily, who, days[1], seconds=1)
        for group in (0, cohort):
            add(models.SecondGap, who, group, (days[1] - days[0]).days, customers=1)
    for month in {_month(d) for d in days}:
        add(models.CohortMonth, who, cohort, month, active=1)
    for window in WINDOWS:
        _add_window(expected, who, days, window)


def _add_window(expected: Expected, who: dict[str, str], days: list[date], window: int) -> None:
    """Count purchases in the window day by day of change: only when one enters or leaves."""
    changes: Counter[date] = Counter(days)
    changes.update({day + timedelta(days=window): 0 for day in days})
    for day in days:
        changes[day + timedelta(days=window)] -= 1
    inside = 0
    for day in sorted(changes):
        after = inside + changes[day]
        for name, least in (("buyers", 1), ("repeaters", 2)):
            step = (after >= least) - (inside >= least)
            if step:
                expected.add(models.Daily, who, day, **{f"{name}_{window}": step})
        inside = after


PURCHASE_FIELDS = (
    *("placed_at", "day", "nth", "previous_day", "next_day", "first_day", "month", "first_in_month"),
    *("sales", "discounts", "undated", "kept", *NAMES, "cohort"),
)
REFUND_FIELDS = ("order_id", "day", "month", "amount", *NAMES, "cohort")
CUSTOMER_FIELDS = ("purchases", "first_day", "second_day", "last_day", "sales", "discounts", "net", "net_12")


def _compare_people(expected: Expected) -> list[str]:
    """Compare the facts of the people walked so far, and forget them."""
    mine = {"customer_id__in": sorted(expected.people)}
    bought = models.Purchase.objects.filter(**mine).values_list("order_id", *PURCHASE_FIELDS)
    found = _unequal("purchase", expected.purchases, {p[0]: p[1:] for p in bought})
    back = models.RefundFact.objects.filter(**mine).values_list("refund_id", *REFUND_FIELDS)
    found += _unequal("refund", expected.refunds, {r[0]: r[1:] for r in back})
    people = models.CustomerFact.objects.filter(**mine)
    held = {c[0]: c[1:] for c in people.values_list("customer_id", *CUSTOMER_FIELDS, *NAMES, "cohort")}
    found += _unequal("customer", expected.customers, held)
    for done in (expected.people, expected.purchases, expected.refunds, expected.customers):
        done.clear()
    return found


def _customer(
    rows: list[tuple[Any, ...]], refunds: list[tuple[Any, ...]], own: tuple[Any, ...]
) -> tuple[Any, ...]:
    days = [row[1] for row in rows]
    nets = [(row[6], row[8] - row[10]) for row in rows] + [(row[2], -row[3]) for row in refunds]
    return (
        len(rows),
        days[0],
        days[1] if len(days) > 1 else None,
        days[-1],
        sum(row[8] for row in rows),
        sum(row[9] for row in rows),
        sum(net for _, net in nets),
        sum(net for month, net in nets if month <= own[-1] + 12),
        *own,
    )


def _unequal(
    what: str, expected: dict[int, tuple[Any, ...]], stored: dict[int, tuple[Any, ...]]
) -> list[str]:
    return [
        f"{what} {key}: {stored.get(key)} should be {expected.get(key)}"
        for key in sorted(expected.keys() | stored.keys())
        if expected.get(key) != stored.get(key)
    ]


def _left_over(store: Store, seen: Counter[str]) -> list[str]:
    """Fact rows of people or orders that no longer are: counted, since nothing asks for them by name."""
    tables: Iterable[tuple[str, type[Model]]] = (
        ("purchase", models.Purchase),
        ("refund", models.RefundFact),
        ("customer", models.CustomerFact),
        ("guest", models.Guest),
    )
    counts = {name: model._default_manager.filter(store=store).count() for name, model in tables}
    return [
        f"{name} facts: {n} stored, {seen[name]} expected" for name, n in counts.items() if n != seen[name]
    ]


def _compare_rollup(store: Store, model: type[models.Rollup], expected: Expected) -> list[str]:
    keys = ("dimension", "value", *ROLLUPS[model])
    measures = [f.name for f in model._meta.concrete_fields if f.name not in ("store", *keys)]
    stored = {
        row[: len(keys)]: {m: int(v) for m, v in zip(measures, row[len(keys) :], strict=True) if v}
        for row in model._default_manager.filter(store=store).values_list(*keys, *measures)
    }
    sums = {key: {m: n for m, n in cell.items() if n} for key, cell in expected.sums[model].items()}
    name = model._meta.model_name
    return [
        f"{name} {key}: {stored.get(key, {})} should be {sums.get(key, {})}"
        for key in sorted(stored.keys() | sums.keys(), key=str)
        if stored.get(key, {}) != sums.get(key, {})
    ]
