"""One customer, whole: what they are worth, how they buy, whether we may write, which groups they are in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from retention.customers import consent
from retention.customers.asking import waiting_since
from retention.customers.duplicates import Proposal, duplicates_of
from retention.customers.merging import records_of, with_others
from retention.customers.models import (
    Channel,
    Consent,
    Customer,
    Identity,
    Merge,
    Note,
    Preference,
    Proof,
    Purpose,
    Status,
)
from retention.customers.preferences import preference_of
from retention.customers.registers import registers_of
from retention.dashboard.customers.titles import erased_title, title_of
from retention.lib.addresses import place_of
from retention.metrics import queries as metrics
from retention.metrics.models import CustomerFact, Purchase
from retention.orders.models import Line, Order, Refund
from retention.segments.explaining import explain
from retention.segments.models import Membership, Segment
from retention.segments.queries import segments_of
from retention.segments.ready import READY
from retention.stores.models import Store

ORDERS = 20
CONTACTS = {"email": "E-mail", "phone": "Phone"}
RFM = ("rfm.recency", "rfm.frequency", "rfm.money")


def title(customer: Customer) -> str:
    if customer.erased_at:
        return erased_title(customer.pk)
    known = next((i.external_id for i in customer.identities.all() if i.source != "email"), customer.pk)
    return title_of(customer.name, customer.email, customer.company, known)


@dataclass(frozen=True)
class Worth:
    """Money in minor units; `above`: the share of buyers who are worth more."""

    net: int
    purchases: int
    first: date
    last: date
    above: float

    @property
    def average(self) -> float:
        return self.net / self.purchases

    @property
    def rank(self) -> str:
        """ "top 3 %": counted from above, never zero."""
        return f"top {max(1, round((self.above) * 100 + 0.4999))}\u00a0%"


def worth(customer: Customer) -> Worth | None:
    """None for somebody who never bought. The rank walks an index over those who are worth more."""
    fact = CustomerFact.objects.filter(customer_id=customer.pk).first()
    if fact is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), (SELECT sum(customers)::bigint FROM metrics_cohortvalue"
            "  WHERE store_id = %(store)s AND dimension = 'all' AND value = '')"
            " FROM metrics_customerfact WHERE store_id = %(store)s AND net > %(net)s",
            {"store": customer.store_id, "net": fact.net},
        )
        above, everybody = cursor.fetchone()
    return Worth(fact.net, fact.purchases, fact.first_day, fact.last_day, above / max(1, everybody or 0))


@dataclass(frozen=True)
class Rhythm:
    """Days between purchases: the person's own, and what is usual in the store."""

    days: tuple[date, ...]
    gaps: tuple[int, ...]
    usual: float | None
    since: int

    @property
    def own(self) -> float | None:
        """The median of the own gaps."""
        ordered, half = sorted(self.gaps), len(self.gaps) // 2
        if not ordered:
            return None
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    @property
    def pace(self) -> tuple[str, str]:
        """Where the person is in the rhythm: words and tone."""
        step = self.own if len(self.gaps) >= 2 else self.usual
        if not step:
            return "", ""
        if self.since <= step:
            return "on time", "good"
        return ("late", "warn") if self.since <= 3 * step else ("long gone", "bad")

    @property
    def dots(self) -> list[dict[str, float]]:
        """The purchases on a line from 0 to 100, the last place being today."""
        start, end = self.days[0], self.days[-1].toordinal() + self.since
        whole = max(1, end - start.toordinal())
        return [{"x": round(4 + 192 * (day.toordinal() - start.toordinal()) / whole, 1)} for day in self.days]


def rhythm(customer: Customer) -> Rhythm | None:
    days = list(
        Purchase.objects.filter(customer_id=customer.pk).order_by("nth").values_list("day", flat=True)
    )
    if not days:
        return None
    gaps = tuple((after - before).days for before, after in zip(days, days[1:], strict=False))
    usual = metrics.time_between_purchases(customer.store).median
    since = (metrics.today(customer.store) - days[-1]).days
    return Rhythm(tuple(days[-60:]), gaps, usual, max(0, since))


@dataclass(frozen=True)
class Stand:
    """One channel: may we write?"""

    channel: str
    status: str
    label: str
    since: datetime | None
    reason: str
    # When the person was asked to confirm by mail, and has not answered yet.
    asked: datetime | None = None


def stands(customer: Customer) -> list[Stand]:
    kept = {row.channel: row for row in Consent.objects.filter(customer=customer, purpose=Purpose.MARKETING)}
    found = []
    for channel in Channel.values:
        row = kept.get(channel)
        status = row.status if row else Status.NEVER
        found.append(
            Stand(
                Channel(channel).label, status, Status(status).label.lower(), row.since if row else None,
                row.reason if row else "", waiting_since(customer) if channel == Channel.EMAIL else None,
            )
        )  # fmt: skip
    return found


def preference(customer: Customer) -> Preference | None:
    return preference_of(customer)


def proofs(customer: Customer) -> list[Proof]:
    return consent.history(customer)


@dataclass(frozen=True)
class Group:
    segment: Segment
    since: datetime


@dataclass(frozen=True)
class Groups:
    """`stage` and `rfm` come from the ready-made segments and scores; the rest is listed."""

    stage: str
    rfm: str
    listed: list[Group]


def groups(customer: Customer) -> Groups:
    stays = list(segments_of(customer))
    stage = next((s.segment.name for s in stays if _family(s) == "Lifecycle"), "")
    listed = [Group(stay.segment, stay.entered_at) for stay in stays]
    return Groups(stage, _scores(customer), listed)


def _family(stay: Membership) -> str:
    one = READY.get(stay.segment.ready)
    return one.family if one else ""


def _scores(customer: Customer) -> str:
    """ "5-4-5": recency, frequency and money, each from 1 to 5."""
    asked = {"all": [{"if": name, "is": "between", "value": [1, 5]} for name in RFM]}
    explained = explain(customer.store, asked, customer.pk, timezone.now())
    values = [one.value for one in explained.conditions()] if explained else []
    return "-".join(str(int(value)) for value in values) if values and None not in values else ""


def notes(customer: Customer) -> list[Note]:
    kept = Note.objects.filter(customer=customer, deleted_at=None).exclude(text="")
    return list(kept.select_related("author").order_by("-written_at", "-pk"))


@dataclass(frozen=True)
class Bought:
    order: Order
    lines: list[Line]
    refunds: list[Refund]


def orders(customer: Customer, *, before: str = "", size: int = ORDERS) -> tuple[list[Bought], str]:
    """Newest first, with what is in them, and the key to go on with."""
    found: QuerySet[Order] = Order.objects.filter(customer=customer).order_by("-placed_at", "-pk")
    if place := place_of(before):
        found = found.extra(where=["(placed_at, orders_order.id) < (%s, %s)"], params=list(place))
    lines = Line.objects.order_by("position", "pk")
    refunds = Refund.objects.order_by("refunded_at", "pk")
    whole = list(
        found.prefetch_related(
            Prefetch("lines", lines, to_attr="its_lines"),
            Prefetch("refunds", refunds, to_attr="its_refunds"),
            "shipments",
        )[: size + 1]
    )
    shown = whole[:size]
    key = f"{shown[-1].placed_at.isoformat()}~{shown[-1].pk}" if len(whole) > size else ""
    return [Bought(o, getattr(o, "its_lines"), getattr(o, "its_refunds")) for o in shown], key  # noqa: B009


def merges(customer: Customer) -> list[Merge]:
    """The records that are in this one directly, and can be taken out."""
    return list(Merge.objects.filter(survivor=customer, undone_at=None).select_related("other"))


@dataclass(frozen=True)
class Contact:
    """An address or a number, and by which of the person's records it is known."""

    label: str
    value: str
    record: int
    # What the outside world calls that record: "shop 4711".
    known_as: str


def contacts(customer: Customer) -> list[Contact]:
    """All of them, those of the record itself first. Nothing where the heading tells all there is."""
    if customer.erased_at:
        return []
    names = list(customer.identities.all())
    told = [("email", one.external_id, one.home or customer.pk) for one in names if one.source == "email"]
    for record in with_others(customer):
        registers = registers_of(record)
        own = [(name, str(registers[name][1]), record.pk) for name in CONTACTS if name in registers]
        # As it was written, before the same in lower case.
        told = [*own, *told] if record.pk == customer.pk else [*told, *own]
    found: dict[tuple[str, str], Contact] = {}
    for name, value, pk in sorted(
        told, key=lambda one: (list(CONTACTS).index(one[0]), one[2] != customer.pk)
    ):
        if value:
            known = next((f"{n.source} {n.external_id}" for n in names if _names(n, pk, customer)), "")
            found.setdefault((name, value.casefold()), Contact(CONTACTS[name], value, pk, known))
    several = len(found) > len({contact.label for contact in found.values()})
    return list(found.values()) if several or customer.own is not None else []


def _names(name: Identity, record: int, customer: Customer) -> bool:
    return name.source != "email" and (name.home or customer.pk) == record


def suspects(customer: Customer) -> list[Proposal]:
    return [] if customer.erased_at else duplicates_of(customer)


def counted(customers: Iterable[Customer]) -> dict[int, CustomerFact]:
    return CustomerFact.objects.in_bulk([customer.pk for customer in customers])


def ids_of(customer: Customer) -> list[int]:
    """The numbers under which the timeline knows the person."""
    return [one.pk for one in records_of(customer)]


def by_order(rows: Iterable[Any], name: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def segments_named(store: Store, ids: Iterable[int]) -> dict[int, str]:
    return dict(Segment.objects.filter(store=store, pk__in=list(ids)).values_list("pk", "name"))
