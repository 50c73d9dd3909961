"""The meaning of rules, once more and slowly: plain Python over plain rows, one person at a time.

Shares no code with the compiler: dates are walked day by day where that says more than arithmetic.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from hashlib import md5
from zoneinfo import ZoneInfo

from retention.catalog.models import Product
from retention.customers.models import Consent, Customer, Identity, Preference
from retention.orders.models import Order, Refund
from retention.segments.models import Membership
from retention.timeline.models import Event

DAY = timedelta(days=1)


@dataclass
class Person:
    customer: Customer
    orders: list = field(default_factory=list)
    refunds: list = field(default_factory=list)
    shipments: list = field(default_factory=list)
    events: list = field(default_factory=list)
    sources: set = field(default_factory=set)
    consents: list = field(default_factory=list)
    preference: Preference | None = None
    segments: set = field(default_factory=set)


@dataclass
class Bought:
    order: Order
    day: date
    nth: int
    sales: int
    kept: int
    undated: int
    lines: list


class Shop:
    """All of a store's rows, by person."""

    def __init__(self, store, benchmarks):
        self.zone, self.benchmarks = ZoneInfo(store.time_zone), benchmarks
        everybody = list(Customer.objects.filter(store=store))
        now_of = {c.pk: c.merged_into_id or c.pk for c in everybody}
        self.people = {c.pk: Person(c) for c in everybody if not c.merged_into_id}
        self.products = {p.pk: p for p in Product.objects.filter(store=store)}
        refunds = list(Refund.objects.filter(store=store))
        for order in Order.objects.filter(store=store).prefetch_related("lines", "shipments"):
            if order.customer_id and not (order.cancelled_at or order.test or order.void):
                person = self.people[order.customer_id]
                person.orders.append(order)
                person.refunds += [r for r in refunds if r.order_id == order.pk]
                person.shipments += list(order.shipments.all())
        for refund in refunds:
            if refund.order_id is None and refund.customer_id:
                self.people[refund.customer_id].refunds.append(refund)
        for event in Event.objects.filter(store=store, customer_id__isnull=False):
            if not event.kind.startswith("segment."):
                self.people[now_of[event.customer_id]].events.append(event)
        for identity in Identity.objects.filter(store=store):
            self.people[identity.customer_id].sources.add(identity.source.lower())
        for consent in Consent.objects.filter(store=store):
            self.people[consent.customer_id].consents.append(consent)
        for preference in Preference.objects.filter(customer__store=store):
            self.people[preference.customer_id].preference = preference
        for stay in Membership.objects.filter(segment__store=store, left_at=None):
            self.people[stay.customer_id].segments.add(stay.segment_id)
        self.positions = self._positions()
        self.bought = {pk: self._bought(person) for pk, person in self.people.items()}

    def _positions(self):
        found = {}
        for product in self.products.values():
            prices = [
                p.price
                for p in self.products.values()
                if p.category == product.category and p.price is not None
            ]
            if product.price is not None:
                cheaper = sum(1 for price in prices if price < product.price)
                share = 100 * cheaper / (len(prices) - 1) if len(prices) > 1 else 0.0
                found[product.pk] = Decimal(str(share)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return found

    def _bought(self, person):
        rows = sorted(person.orders, key=lambda o: (o.placed_at, o.source, o.external_id))
        found = []
        for nth, order in enumerate(rows, 1):
            dated = sum(r.amount for r in person.refunds if r.order_id == order.pk)
            sales = order.items - order.discounts
            found.append(
                Bought(
                    order, order.placed_at.astimezone(self.zone).date(), nth, sales,
                    sales - max(order.refunded, dated), max(order.refunded - dated, 0), list(order.lines.all()),
                )
            )  # fmt: skip
        return found

    def members(self, rule, now):
        return {pk for pk in self.people if self.holds(rule, pk, now)}

    def holds(self, node, pk, now):
        if "all" in node:
            return all(self.holds(child, pk, now) for child in node["all"])
        if "any" in node:
            return any(self.holds(child, pk, now) for child in node["any"])
        if "not" in node:
            return not self.holds(node["not"], pk, now)
        return Asked(self, node, pk, now).answer()


def months_before(day, n):
    month = day.year * 12 + day.month - 1 - n
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def kept_anniversary(day, of):
    """Is `day` an anniversary of `of`?"""
    same = (day.month, day.day) == (of.month, of.day)
    short = (of.month, of.day) == (2, 29) and (day.month, day.day) == (2, 28) and not isleap(day.year)
    return (same or short) and day > of


class Asked:
    """One condition about one person at one moment."""

    def __init__(self, shop, node, pk, now):
        self.shop, self.node, self.now = shop, node, now
        self.person, self.purchases = shop.people[pk], shop.bought[pk]
        self.today = now.astimezone(shop.zone).date()

    def answer(self):
        family, _, name = self.node["if"].partition(".")
        return bool(getattr(self, f"{family}_")(name))

    # Operators

    def date_is(self, when, node=None):
        node = node or self.node
        op, value = node["is"], node.get("value")
        if op == "set":
            return when is not None
        if op == "not_set":
            return when is None
        if op == "not_in_last":
            return when is None or not self.in_window("in_last", value, when)
        if when is None:
            return False
        day = self.local(when)
        if op == "month":
            return day.month in value
        if op.startswith("anniversary"):
            ahead = 1 if op == "anniversary_today" else value["n"]
            return any(kept_anniversary(self.today + i * DAY, day) for i in range(ahead))
        return self.in_window(op, value, when)

    def local(self, when):
        return when.astimezone(self.shop.zone).date() if isinstance(when, datetime) else when

    def in_window(self, op, value, when):
        if isinstance(value, dict) and value["unit"] == "hours":
            return self.in_hours(op, value, when)
        day, today = self.local(when), self.today
        if op == "today":
            return day == today
        if op in ("on", "before", "after"):
            other = date.fromisoformat(value)
            return {"on": day == other, "before": day < other, "after": day > other}[op]
        if op == "between":
            first, last = sorted(date.fromisoformat(one) for one in value)
            return first <= day <= last
        if op in ("this", "previous"):
            return self.in_period(op, value, day)
        return self.in_days(op, value, day)

    def in_days(self, op, value, day):
        today = self.today

        def ago(n):
            if value["unit"] == "months":
                return months_before(today, n)
            return today - n * (7 if value["unit"] == "weeks" else 1) * DAY

        if op == "in_last":
            return ago(value["n"]) < day <= today
        if op == "more_than_ago":
            return day < ago(value["n"])
        if op == "exactly_ago":
            return day == ago(value["n"])
        if op == "in_next":
            return today <= day < ago(-value["n"])
        near, far = sorted((value["from"], value["to"]))
        return ago(far) <= day <= ago(near)

    def in_hours(self, op, value, when):
        age = self.now - when
        hour = timedelta(hours=1)
        if op == "in_last":
            return timedelta(0) <= age < value["n"] * hour
        if op == "more_than_ago":
            return age >= value["n"] * hour
        if op == "in_next":
            return timedelta(0) < -age <= value["n"] * hour
        near, far = sorted((value["from"], value["to"]))
        return near * hour <= age < far * hour

    def in_period(self, op, unit, day):
        today = self.today
        if unit == "week":
            monday = today - today.weekday() * DAY
            monday -= 7 * DAY if op == "previous" else 0 * DAY
            return monday <= day < monday + 7 * DAY
        size = {"month": 1, "quarter": 3, "year": 12}[unit]
        number = lambda d: (d.year * 12 + d.month - 1) // size  # noqa: E731
        return number(day) == number(today) - (op == "previous")

    def number_is(self, number, node=None):
        node = node or self.node
        op, value = node["is"], node.get("value")
        if op == "set":
            return number is not None
        if op == "not_set":
            return number is None
        if number is None:
            return False
        number = Fraction(number)
        if op == "between":
            low, high = sorted(Fraction(str(one)) for one in value)
            return low <= number <= high
        other = Fraction(str(value))
        return {
            "equals": number == other, "not_equals": number != other, "at_least": number >= other,
            "more_than": number > other, "at_most": number <= other, "less_than": number < other,
        }[op]  # fmt: skip

    def text_is(self, text, node=None):
        node = node or self.node
        op, value = node["is"], node.get("value")
        text = (text or "").lower()
        if op in ("set", "not_set"):
            return bool(text) == (op == "set")
        if op in ("is_any_of", "is_none_of"):
            return (text in [one.lower() for one in value]) == (op == "is_any_of")
        value = value.lower()
        positive = op.removeprefix("not_")
        if positive in ("is", "is_not"):
            return (text == value) == (positive == "is")
        found = {
            "contains": value in text, "starts_with": text.startswith(value), "ends_with": text.endswith(value),
        }[positive]  # fmt: skip
        return found != op.startswith("not_")

    def list_is(self, items):
        op, value = self.node["is"], self.node.get("value")
        items = {item.lower() for item in items}
        if op in ("empty", "not_empty"):
            return bool(items) == (op == "not_empty")
        if op == "count_at_least":
            return len(items) >= value
        if op == "count_at_most":
            return len(items) <= value
        wanted = {one.lower() for one in ([value] if isinstance(value, str) else value)}
        return {
            "has": wanted <= items, "has_not": not wanted <= items, "has_any_of": bool(wanted & items),
            "has_all_of": wanted <= items, "has_none_of": not wanted & items,
        }[op]  # fmt: skip

    def yes_or_no(self, value):
        return {
            "yes": value is True,
            "no": value is False,
            "set": value is not None,
            "not_set": value is None,
        }[self.node["is"]]

    # Families

    def profile_(self, name):
        customer = self.person.customer
        if name == "tags":
            return self.list_is(customer.tags)
        if name == "source":
            return self.list_is(self.person.sources)
        if name == "known_since":
            return self.date_is(customer.created_at)
        if name == "accepts_email":
            return self.yes_or_no(customer.accepts_email)
        if name == "custom":
            return self.text_is(str(customer.custom.get(self.node["field"], "")))
        if name == "birthday":
            return self.birthday(customer.birthday)
        return self.text_is(getattr(customer, name))

    def birthday(self, text):
        day = (
            date.fromisoformat(text.replace("--", "1904-") if text.startswith("-") else text)
            if text
            else None
        )
        op = {"today": "anniversary_today", "in_next": "anniversary_in_next"}.get(
            self.node["is"], self.node["is"]
        )
        return self.date_is(day, {**self.node, "is": op})

    def orders_(self, name):
        return getattr(self, f"orders_{name}")()

    def matching(self):
        fields = {
            "channel": lambda b: b.order.channel, "campaign": lambda b: b.order.campaign,
            "coupon": lambda b: b.order.coupon, "country": lambda b: b.order.country,
            "source": lambda b: b.order.source, "total": lambda b: b.kept, "discount": lambda b: b.order.discounts,
            "shipping": lambda b: b.order.shipping, "nth": lambda b: b.nth,
        }  # fmt: skip
        found = [b for b in self.purchases if self.during(b.day)]
        for one in self.node.get("where", []):
            of = fields[one["field"]]
            ask = self.number_is if isinstance(of(found[0]) if found else 0, int) else self.text_is
            found = [b for b in found if ask(of(b), one)]
        return found

    def during(self, when):
        frame = self.node.get("during")
        return frame is None or self.in_window(frame["is"], frame.get("value"), when)

    @property
    def narrowed(self):
        return bool(self.node.get("during") or self.node.get("where"))

    def net(self):
        sales = sum(b.sales - b.undated for b in self.purchases)
        return sales - sum(r.amount for r in self.person.refunds) if self.purchases else 0

    def orders_count(self):
        return self.number_is(len(self.matching()))

    def orders_spend(self):
        return self.number_is(sum(b.kept for b in self.matching()) if self.narrowed else self.net())

    def orders_average(self):
        found = self.matching()
        total = sum(b.kept for b in found) if self.narrowed else self.net()
        return self.number_is(Fraction(total, len(found)) if found else None)

    def orders_largest(self):
        return self.number_is(max((b.kept for b in self.matching()), default=None))

    def orders_last(self):
        return self.date_is(max((b.day for b in self.matching()), default=None))

    def orders_first(self):
        return self.date_is(min((b.day for b in self.matching()), default=None))

    def orders_second(self):
        return self.date_is(self.purchases[1].day if len(self.purchases) > 1 else None)

    def orders_share(self):
        base = [b for b in self.purchases if self.during(b.day)]
        return self.number_is(Fraction(100 * len(self.matching()), len(base)) if base else None)

    def orders_discount_share(self):
        given, sales = sum(b.order.discounts for b in self.purchases), sum(b.sales for b in self.purchases)
        return self.number_is(Fraction(100 * given, sales + given) if sales + given else None)

    def usual_gap(self, purchases):
        if len(purchases) >= 3 and purchases[-1].day > purchases[0].day:
            return Fraction((purchases[-1].day - purchases[0].day).days, len(purchases) - 1)
        return Fraction(self.shop.benchmarks.gap)

    def orders_rhythm(self):
        if not self.purchases:
            return self.number_is(None)
        age = (self.today - self.purchases[-1].day).days
        return self.number_is(100 * age / self.usual_gap(self.purchases))

    def orders_comeback(self):
        if len(self.purchases) < 2:
            return self.number_is(None)
        *before, last = self.purchases
        return self.number_is(100 * (last.day - before[-1].day).days / self.usual_gap(before))

    def orders_gap(self):
        bought = self.purchases
        return self.number_is(
            Fraction((bought[-1].day - bought[0].day).days, len(bought) - 1) if len(bought) > 1 else None
        )

    def orders_refunds(self):
        return self.number_is(sum(1 for r in self.person.refunds if self.during(self.local(r.refunded_at))))

    def orders_refunded(self):
        return self.number_is(sum(b.sales for b in self.purchases) - self.net())

    def orders_refund_share(self):
        sales = sum(b.sales for b in self.purchases)
        return self.number_is(Fraction(100 * (sales - self.net()), sales) if sales else None)

    def __getattr__(self, name):
        if name.startswith("orders_first_"):
            column = {"category": "first_category"}.get(
                name.removeprefix("orders_first_"), name.removeprefix("orders_first_")
            )
            return lambda: self.text_is(getattr(self.purchases[0].order, column) if self.purchases else "")
        if name in ("orders_channels", "orders_campaigns", "orders_coupons"):
            column = name.removeprefix("orders_").removesuffix("s")
            return lambda: self.list_is({getattr(b.order, column) for b in self.purchases} - {""})
        raise AttributeError(name)

    def rfm_(self, name):
        usual = self.shop.benchmarks
        if not self.purchases:
            return self.number_is(None)
        if name == "recency":
            age = (self.today - self.purchases[-1].day).days
            return self.number_is(1 + sum(1 for cut in usual.recency if age <= cut))
        number = len(self.purchases) if name == "frequency" else self.net()
        return self.number_is(1 + sum(1 for cut in getattr(usual, name) if number > cut))

    def lines(self, only=True):
        for b in self.purchases:
            for line in b.lines:
                counts = line.product_id and line.quantity > 0 and not line.gift_card
                if counts and (not only or (self.of(line) and self.during(b.day))):
                    yield b, line

    def of(self, line):
        product = self.shop.products[line.product_id]
        for kind, values in (self.node.get("of") or {}).items():
            if kind == "tag":
                return bool(set(values) & set(product.tags))
            return {
                "product": product.pk,
                "category": product.category,
                "vendor": product.vendor,
                "sku": product.sku,
            }[kind] in values
        return True

    def products_(self, name):
        lines = list(self.lines())
        spend = lambda rows: sum(line.total - line.discount for _, line in rows)  # noqa: E731
        everything = list(self.lines(only=False))
        if name == "bought":
            return self.yes_or_no(bool(lines))
        if name == "quantity":
            return self.number_is(sum(line.quantity for _, line in lines))
        if name == "spend":
            return self.number_is(spend(lines))
        if name in ("last_bought", "first_bought"):
            return self.date_is(
                (max if name == "last_bought" else min)((b.day for b, _ in lines), default=None)
            )
        if name == "share":
            whole = spend(everything)
            return self.number_is(Fraction(100 * spend(lines), whole) if whole else None)
        if name == "price_position":
            priced = [line for _, line in everything if line.product_id in self.shop.positions]
            total = sum(Fraction(self.shop.positions[x.product_id]) * x.quantity for x in priced)
            return self.number_is(total / sum(x.quantity for x in priced) if priced else None)
        shelves = {}
        for row in everything:
            shelves.setdefault(self.shop.products[row[1].product_id].category, []).append(row)
        if not shelves:
            return self.text_is("") if name == "favorite" else self.number_is(None)
        best = min(shelves, key=lambda category: (-spend(shelves[category]), category.encode()))
        if name == "favorite":
            return self.text_is(best)
        whole = spend(everything)
        return self.number_is(Fraction(100 * spend(shelves[best]), whole) if whole else None)

    def shipments_(self, name):
        parcels = self.person.shipments
        if name == "in_transit":
            return self.yes_or_no(any(p.shipped_at and not p.delivered_at for p in parcels))
        if name == "late":
            return self.yes_or_no(
                any(p.due_at and p.due_at <= self.now and not p.delivered_at for p in parcels)
            )
        times = [getattr(p, f"{name}_at") for p in parcels]
        return self.date_is(max((t for t in times if t), default=None))

    def events_(self, name):
        mine = [e for e in self.person.events if e.kind == self.node["kind"]]
        if name in ("last", "first"):
            return self.date_is((max if name == "last" else min)((e.occurred_at for e in mine), default=None))
        mine = [e for e in mine if self.during(e.occurred_at)]
        for one in self.node.get("where", []):
            mine = [e for e in mine if self.payload(e.data.get(one["field"]), one)]
        return self.number_is(len(mine))

    def payload(self, value, one):
        if one["is"] in ("equals", "not_equals", "at_least", "more_than", "at_most", "less_than", "between"):
            return isinstance(value, int) and not isinstance(value, bool) and self.number_is(value, one)
        return self.text_is("" if value is None else str(value), one)

    def consent_(self, name):
        mine = [
            c for c in self.person.consents
            if (c.channel, c.purpose) == (self.node.get("channel"), self.node.get("purpose"))
        ]  # fmt: skip
        if name == "status":
            return self.choice_is(mine[0].status if mine else "never_subscribed")
        if name == "since":
            return self.date_is(mine[0].since if mine else None)
        preference = self.person.preference
        if name == "frequency":
            return self.choice_is(preference.frequency if preference else "all")
        until = preference.paused_until if preference else None
        return self.yes_or_no(bool(until and until > self.now))

    def choice_is(self, value):
        named = self.node["value"] if isinstance(self.node["value"], list) else [self.node["value"]]
        return (value in named) == (self.node["is"] in ("is", "is_any_of"))

    def segments_(self, name):
        return (self.node["value"] in self.person.segments) == (self.node["is"] == "in")

    lists_ = segments_

    def random_(self, name):
        text = f"{self.node['salt']}:{self.person.customer.pk}"
        bucket = int(md5(text.encode()).hexdigest()[:8], 16) % 10_000
        return (bucket < round(self.node["value"] * 100)) == (self.node["is"] == "in")
