"""What a number means, how it came about, and who is behind it: the drawer that every number opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from retention.dashboard import people, wordings
from retention.dashboard import queries as front
from retention.dashboard.cards import Estimate, Wording, interval, joined
from retention.dashboard.filters import DIMENSIONS, UNKNOWN, Filters, month_in
from retention.dashboard.people import Crowd
from retention.dashboard.queries import Freshness, Guests, When, chosen, segment_of
from retention.lib import formats
from retention.metrics import months, queries
from retention.stores.models import Store

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Question:
    """A number that somebody opened."""

    store: Store
    filters: Filters
    when: When
    # Of a cohort or a calendar month, and the month after the first purchase.
    month: date | None = None
    k: int | None = None
    # Everybody in the denominator instead of those who make the number.
    everybody: bool = False

    @property
    def crowd(self) -> Crowd:
        return people.everybody(self.store, self.filters)

    @property
    def cohort(self) -> int | None:
        return months.month_of(self.month) if self.month else None

    def number(self, value: float, digits: int = 0) -> str:
        return formats.number(value, self.store.locale, digits=digits)

    def money(self, minor: float | None) -> str:
        return formats.money(minor, self.store.currency, self.store.locale)

    def percent(self, share: float | None) -> str:
        return formats.percent(share, self.store.locale)

    def day(self, day: date) -> str:
        return formats.day(day, self.store.locale)


@dataclass(frozen=True)
class Answer:
    label: str
    definition: str
    value: str
    note: str
    formula: str
    people_title: str
    crowd: Crowd
    facts: Sequence[tuple[str, str]] = ()
    # The other people that can be looked at: words for those who make the number, and for all.
    groups: tuple[str, str] | None = None
    # The name and meaning of the computation, for those who want to check it.
    method: str = ""


def ask(store: Store, filters: Filters, when: When, query: QueryDict) -> Question:
    """What makes no sense in the address is left out."""
    k = query.get("k", "")
    return Question(
        store,
        filters,
        when,
        month=month_in(query.get("month", "")),
        k=int(k) if k.isascii() and k.isdigit() and len(k) <= 4 else None,
        everybody=query.get("who") == "all",
    )


def answer(name: str, question: Question, fresh: Freshness) -> Answer:
    """KeyError for a name that no number has."""
    made = NUMBERS[name](question)
    return replace(made, facts=[*made.facts, *_common(question, fresh)])


def _common(q: Question, fresh: Freshness) -> Facts:
    facts = [(DIMENSIONS[name], getattr(q.filters, name)) for name in DIMENSIONS if getattr(q.filters, name)]
    facts = [(name, "unknown" if value == UNKNOWN else value) for name, value in facts]
    if q.filters.segment:
        narrowed = segment_of(q.store, q.filters.segment)
        facts.append(("Segment", narrowed.name if narrowed else "one that is gone"))
    return [*facts, ("True for the end of", q.day(q.when.as_of)), ("Freshness", _freshness(q, fresh))]


def _freshness(q: Question, fresh: Freshness) -> str:
    if not fresh.waiting:
        return "all orders counted"
    up_to = formats.moment(fresh.up_to, q.store.locale, q.store.time_zone) if fresh.up_to else "—"
    waiting = formats.counted(fresh.waiting, "change", locale=q.store.locale)
    return f"counted up to {up_to}, {waiting} waiting"


def _window(q: Question) -> str:
    if q.filters.days is None:
        return "All time"
    first = q.when.as_of - timedelta(days=q.filters.days - 1)
    return f"{q.day(first)} – {q.day(q.when.as_of)}"


def _estimated(found: Estimate, words: Wording) -> tuple[str, str]:
    value = formats.NOTHING if found.value is None else words.value(found.value)
    return value, joined(interval(found, words), words.counted(found.n))


def _interval(found: Estimate, words: Wording) -> Facts:
    if found.value is None or found.low is None or found.high is None:
        return [("Likely between", "needs more data")]
    return [("Likely between", f"{words.value(found.low)} – {words.value(found.high)}")]


LIKELY = (
    "“Likely between” is the 95 % confidence interval ({}): ranges computed this way hold the true value"
    " 95 times in 100. Few {} make it wide."
)
OF_RATE = LIKELY.format("Wilson’s, for a share", "people")
OF_MEAN = LIKELY.format("of a mean, by the normal distribution", "orders")
OF_VALUE = LIKELY.format("of a mean, by the normal distribution", "customers")
AT_ZERO = " It ends at zero where no amount is below zero."


def repeat_rate(q: Question) -> Answer:
    rate = queries.repeat_purchase_rate(q.store, chosen(q.filters), q.when.as_of, q.filters.days)
    words = wordings.rate(q.store)
    found = Estimate(rate.value, rate.low, rate.high, rate.n)
    value, note = _estimated(found, words)
    times = 1 if q.everybody else 2
    facts = [("Days", _window(q)), ("Buyers", q.number(rate.n))]
    facts += _interval(found, words)
    facts.append(("Benchmark", q.percent(float(q.store.benchmark_rpr) / 100)))
    if q.store.target_rpr is not None:
        facts.append(("Target", q.percent(float(q.store.target_rpr) / 100)))
    return Answer(
        label="Repeat purchase rate",
        definition="Of the people who bought in these days, the share who bought two or more times."
        " Orders that were canceled, voided or placed without an e-mail address are left out.",
        value=value,
        note=note,
        formula=f"{q.number(rate.successes)} who bought 2 or more times ÷ {q.number(rate.n)} who bought"
        f" = {value}",
        facts=facts,
        method=OF_RATE,
        people_title="Who bought" if q.everybody else "Who bought again",
        groups=("Bought again", "All buyers"),
        crowd=people.bought(q.crowd, until=q.when.as_of, days=q.filters.days, times=times),
    )


def lifetime_value(q: Question) -> Answer:
    mean = front.lifetime_value(q.store, chosen(q.filters), q.when.as_of)
    words = wordings.lifetime_value(q.store)
    found = Estimate(mean.value, mean.low, mean.high, mean.n)
    value, note = _estimated(found, words)
    reached = months.last_complete(q.when.as_of) - 12
    last = formats.month(months.first_day(reached), q.store.locale)
    return Answer(
        label="Lifetime value, 12 months",
        definition="Net revenue per customer through the 12th month after the month of the first purchase,"
        " over everybody whose 12 months are over, buyers and lapsed alike. Net of discounts and refunds,"
        " without tax and shipping. Orders without an e-mail address are left out.",
        value=value,
        note=note,
        formula=f"{q.money((mean.value or 0) * mean.n)} ÷ {q.number(mean.n)} customers = {value}",
        facts=[
            ("Customers", q.number(mean.n)),
            *_interval(found, words),
            ("First purchase up to", last),
        ],
        method=OF_VALUE + AT_ZERO,
        people_title="Customers whose 12 months are over",
        crowd=people.cohorts(q.crowd, date(1, 1, 1), months.first_day(reached)),
    )


def order_value(q: Question) -> Answer:
    mean = front.order_value(q.store, chosen(q.filters), q.when.as_of, q.filters.days)
    words = wordings.order_value(q.store)
    found = Estimate(mean.value, mean.low, mean.high, mean.n)
    value, note = _estimated(found, words)
    return Answer(
        label="Average order value",
        definition="Net revenue of the purchases in these days, divided by their number. After discounts,"
        " without tax and shipping; a refund lowers the revenue of the day on which it was paid back."
        " Orders without an e-mail address are left out.",
        value=value,
        note=note,
        formula=f"{q.money((mean.value or 0) * mean.n)} ÷ {q.number(mean.n)} purchases = {value}",
        facts=[
            ("Days", _window(q)),
            ("Purchases", q.number(mean.n)),
            *_interval(found, words),
        ],
        method=OF_MEAN + AT_ZERO,
        people_title="Who bought",
        crowd=people.bought(q.crowd, until=q.when.as_of, days=q.filters.days),
    )


def time_between(q: Question) -> Answer:
    found = queries.time_between_purchases(q.store, chosen(q.filters), q.when.as_of)
    words = wordings.gap(q.store)
    estimate = Estimate(found.median, found.lower, found.upper, found.n)
    value, note = _estimated(estimate, words)
    return Answer(
        label="Time between purchases",
        definition="Days from one purchase of a customer to the next. Half of all repeat purchases came"
        " sooner than this, half later. All time; two purchases on the same day are 0 days apart.",
        value=value,
        note=note,
        formula=f"The middle of {formats.counted(found.n, 'wait', locale=q.store.locale)} between purchases",
        method="The number is the median, the range of half of them lies between the quartiles.",
        facts=[
            ("Repeat orders", q.number(found.n)),
            ("A quarter came within", formats.days(found.lower, q.store.locale)),
            ("Three quarters within", formats.days(found.upper, q.store.locale)),
        ],
        people_title="Who bought again",
        crowd=people.returned(q.crowd, until=q.when.as_of, days=None),
    )


def cohort(q: Question) -> Answer:
    """A cohort, or its cell of month k."""
    found = _cohort(q)
    if q.month is None or found is None:
        return _no_cohort(q)
    label = formats.month(q.month, q.store.locale)
    crowd = people.cohort(q.crowd, q.month, active_in=None if q.everybody else q.k)
    cell = found.cells[q.k] if q.k is not None and q.k < len(found.cells) else None
    if cell is None:
        return Answer(
            label=f"Cohort {label}",
            definition="Everybody whose first purchase was in this month.",
            value=q.number(found.customers),
            note="customers",
            formula="",
            facts=[("Customers", q.number(found.customers))],
            people_title="The cohort",
            crowd=people.cohort(q.crowd, q.month),
        )
    made = CELLS[q.filters.tab](q, found, cell)
    return replace(
        made,
        label=f"Cohort {label}, month {cell.k}",
        crowd=crowd,
        people_title="The whole cohort" if q.everybody else "Who bought in this month",
        groups=("Bought in this month", "Whole cohort"),
        facts=[
            *made.facts,
            ("Customers in the cohort", q.number(found.customers)),
            ("Month", formats.month(months.first_day(found.month + cell.k), q.store.locale)),
            *([("Not over", "This month still goes on: the number will grow.")] if cell.open else []),
        ],
    )


def _cohort(q: Question) -> queries.Cohort | None:
    if q.month is None:
        return None
    only = replace(chosen(q.filters), start=q.month, end=months.last_day(months.month_of(q.month)))
    if q.month > q.when.as_of:
        return None
    return next((c for c in _matrix(q, only) if c.month == q.cohort), None)


def _matrix(q: Question, part: queries.Slice) -> list[queries.Cohort]:
    return queries.cohort_matrix(q.store, part, q.when.as_of)


def _no_cohort(q: Question) -> Answer:
    return Answer(
        label="Cohort",
        definition="Nobody’s first purchase was in this month, under these filters.",
        value="",
        note="",
        formula="",
        people_title="Customers",
        crowd=people.nobody(),
    )


def _cell(definition: str, value: str, note: str, formula: str, facts: Facts, method: str = "") -> Answer:
    return Answer("", definition, value, note, formula, "", people.nobody(), facts, method=method)


def _active_cell(q: Question, of: queries.Cohort, cell: queries.Cell) -> Answer:
    rate = queries.Rate.of(cell.active, of.customers)
    words = wordings.rate(q.store)
    found = Estimate(rate.value, rate.low, rate.high, rate.n)
    value = q.percent(rate.value)
    return _cell(
        "Of everybody whose first purchase was in the cohort’s month, the share who bought in this month.",
        value,
        f"{q.number(cell.active)} of {formats.counted(of.customers, 'customer', locale=q.store.locale)}",
        f"{q.number(cell.active)} ÷ {q.number(of.customers)} = {value}",
        _interval(found, words),
        OF_RATE,
    )


def _net_cell(q: Question, of: queries.Cohort, cell: queries.Cell) -> Answer:
    return _cell(
        "Net revenue of the cohort’s customers in this month: after discounts, without tax and shipping."
        " Refunds count in the month in which they were paid back.",
        q.money(cell.net_revenue),
        formats.counted(cell.purchases, "purchase", locale=q.store.locale),
        "",
        [("Purchases", q.number(cell.purchases)), ("Active customers", q.number(cell.active))],
    )


def _clv_cell(q: Question, of: queries.Cohort, cell: queries.Cell) -> Answer:
    value = q.money(cell.cumulative / of.customers)
    return _cell(
        "Net revenue of the cohort’s customers from their first purchase through this month, divided by"
        " all customers of the cohort, also those who never came back.",
        value,
        "per customer so far",
        f"{q.money(cell.cumulative)} ÷ {q.number(of.customers)} customers = {value}",
        [("Net revenue so far", q.money(cell.cumulative))],
    )


CELLS: dict[str, Callable[[Question, queries.Cohort, queries.Cell], Answer]] = {
    "activity": _active_cell,
    "net": _net_cell,
    "clv": _clv_cell,
}


def second_order(q: Question) -> Answer:
    """A curve: the cohort's, or that of all customers."""
    points = queries.repeat_curve(
        q.store, chosen(q.filters), q.when.as_of, q.cohort, days=(30, 60, 90, 180, 365)
    )
    whose = f"cohort {formats.month(q.month, q.store.locale)}" if q.month else "all customers"
    last = points[-1] if points else None
    crowd = people.cohort(q.crowd, q.month) if q.month else q.crowd
    return Answer(
        label=f"Second order, {whose}",
        definition="How likely a customer has bought a second time within so many days of the first"
        " purchase. Who has not had that long yet counts for as long as they have been"
        " customers, so young cohorts compare fairly with old ones.",
        value=q.percent(last.value) if last else "",
        note=f"within {formats.days(last.time, q.store.locale)}" if last else "",
        formula="",
        method="Kaplan–Meier: 1 − the product over all days of (1 − second orders on that day ÷ people still"
        " waiting). In brackets the 95 % confidence interval: ranges computed this way hold the true value 95"
        " times in 100.",
        facts=[
            (
                f"Within {formats.days(p.time, q.store.locale)}",
                f"{q.percent(p.value)} ({q.percent(p.low)} – {q.percent(p.high)}),"
                f" {q.number(p.at_risk)} customers still without one",
            )
            for p in points
        ],
        people_title="Who came back" if not q.everybody else "Everybody in the curve",
        groups=("Came back", "Everybody"),
        crowd=crowd if q.everybody else people.returned(crowd, until=q.when.as_of, days=None),
    )


def month_of_trend(q: Question, name: str, definition: str) -> Answer:
    month = q.month or months.first_day(months.month_of(q.when.as_of))
    number = months.month_of(month)
    until = min(months.last_day(number), q.when.as_of)
    points = queries.trend(q.store, chosen(q.filters), until, count=1) if month <= until else []
    days = max((until - month).days + 1, 0)
    guests = front.guests(q.store, until, days) if points and not q.filters.narrowed else Guests(0, 0)
    values = {
        "purchases": lambda p: q.number(p.purchases),
        # As tall as the bar that was clicked.
        "net-revenue": lambda p: q.money(p.net_revenue + guests.net),
        "new-customers": lambda p: q.number(p.new_customers),
    }
    bought = people.bought(q.crowd, until=until, days=days)
    new = name == "new-customers"
    return Answer(
        label=f"{TREND_LABELS[name]}, {formats.month(month, q.store.locale)}",
        definition=definition,
        value=values[name](points[-1]) if points else formats.NOTHING,
        note="so far, the month is not over" if until < months.last_day(number) else "",
        formula="",
        facts=_month_facts(q, name, points[-1], guests) if points else [],
        people_title="Who came for the first time" if new else "Who bought in this month",
        crowd=people.cohort(q.crowd, month) if new else bought,
    )


def _month_facts(q: Question, name: str, point: queries.TrendPoint, guests: Guests) -> Facts:
    if name == "net-revenue" and guests.orders:
        known = formats.counted(point.purchases, "order", locale=q.store.locale)
        unknown = formats.counted(guests.orders, "order", locale=q.store.locale)
        return [
            ("From known customers", f"{q.money(point.net_revenue)}, {known}"),
            ("Without an e-mail address", f"{q.money(guests.net)}, {unknown}"),
        ]
    facts = [("Purchases", q.number(point.purchases))]
    if name == "purchases" and guests.orders:
        facts.append(("Left out, without an e-mail address", q.number(guests.orders)))
    return facts


TREND_LABELS = {"purchases": "Purchases", "net-revenue": "Net revenue", "new-customers": "New customers"}


def purchases(q: Question) -> Answer:
    return month_of_trend(
        q,
        "purchases",
        "Orders of known customers that were not canceled, not voided and not tests. Same-day orders are"
        " separate purchases. Orders without an e-mail address are left out.",
    )


def net_revenue(q: Question) -> Answer:
    whose = (
        "Only orders of the customers you chose."
        if q.filters.narrowed
        else "Orders without an e-mail address count too."
    )
    return month_of_trend(
        q,
        "net-revenue",
        f"Items minus discounts minus refunds, without tax, shipping and gift-card sales. {whose}",
    )


def new_customers(q: Question) -> Answer:
    return month_of_trend(q, "new-customers", "People whose first purchase was in this month.")


NUMBERS: dict[str, Callable[[Question], Answer]] = {
    "repeat-rate": repeat_rate,
    "lifetime-value": lifetime_value,
    "order-value": order_value,
    "time-between": time_between,
    "cohort": cohort,
    "second-order": second_order,
    "purchases": purchases,
    "net-revenue": net_revenue,
    "new-customers": new_customers,
}


def written_people(store: Store, found: Sequence[people.Person]) -> list[dict[str, Any]]:
    return [
        {
            "name": person.title,
            "link": reverse("customers:person", args=[store.slug, person.id]),
            "email": person.email if person.name else "",
            "purchases": formats.number(person.purchases, store.locale),
            "net": formats.money(person.net, store.currency, store.locale),
            "last": formats.day(person.last_day, store.locale),
        }
        for person in found
    ]


PEOPLE_HEAD = ("customer", "name", "email", "purchases", "net_revenue", "last_purchase")


def people_lines(store: Store, found: Sequence[people.Person] | Any) -> Any:
    """One line per person, for a file. Money in major units."""
    return (
        [
            *(person.known_as or person.id, person.name, person.email, person.purchases),
            *(round(formats.major(person.net, store.currency), 4), person.last_day.isoformat()),
        ]
        for person in found
    )
