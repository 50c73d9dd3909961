"""A random store whose dates lie where time is difficult: clock changes, month ends, 29 February, midnight."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from retention.catalog.models import Product
from retention.customers.models import Consent, Customer, Identity, Preference
from retention.metrics.rebuild import rebuild as rebuild_metrics
from retention.orders.models import Line, Order, Refund, Shipment
from retention.segments import facts
from retention.segments.benchmarks import Benchmarks
from retention.segments.models import Membership, Segment, Usual
from retention.stores.models import Store
from retention.timeline.models import Event, Follower

ZONES = ("Pacific/Auckland", "America/New_York", "Asia/Kolkata")
# Clock changes of Auckland and New York, ends of short and long months, a leap day and its anniversaries.
DAYS = [
    *(date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 12, 31), date(2025, 1, 1)),
    *(date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 9), date(2025, 3, 31), date(2025, 4, 6)),
    *(date(2025, 9, 28), date(2025, 11, 2), date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 31)),
    *(date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5)),
]
WORDS = ["email", "Paid Search", "search", "", "SMS", "spring_10%", "Spring"]
CATEGORIES = ["Tea", "Mugs", "", "tea {x}"]
BENCHMARKS = Benchmarks(40, (20, 60, 150, 400), (1, 1, 2, 3), (1_000, 3_000, 6_000, 9_000))
PEOPLE = 40


def moment(rng: random.Random, zone: ZoneInfo) -> datetime:
    """Mostly at the edges of a local day."""
    day = rng.choice(DAYS) + timedelta(days=rng.choice([-1, 0, 0, 1, rng.randint(-40, 40)]))
    clock = rng.choice([0, 1, 2 * 3600, 2 * 3600 + 1800, 3 * 3600, 86_399, rng.randint(0, 86_399)])
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (start + timedelta(seconds=clock)).astimezone(ZoneInfo("UTC"))


def a_random_store(zone_name: str, seed: int) -> Store:
    rng, zone = random.Random(seed), ZoneInfo(zone_name)
    store = Store.objects.create(name=zone_name, slug=f"random-{seed}", time_zone=zone_name)
    Usual.objects.create(store=store, day=date(2999, 1, 1), numbers=BENCHMARKS.kept())
    products = [a_product(store, rng, i) for i in range(9)]
    people = [a_person(store, rng, zone, i) for i in range(PEOPLE)]
    for person in people:
        buy(person, products, rng, zone)
        tell(person, rng, zone)
    for loser, survivor in ((people[-1], people[0]), (people[-2], people[1])):
        merge(loser, survivor)
    for number, kind in enumerate(("rule", "list")):
        group = Segment.objects.create(
            store=store, name=kind, kind=kind, rule={"not": {"any": []}} if kind == "rule" else None
        )
        for person in people[number : PEOPLE - 2 : 3]:
            left = None if rng.random() < 0.8 else datetime.now(zone)
            Membership.objects.create(
                segment=group,
                customer_id=person.pk,
                entered_at=datetime(2024, 1, 1, tzinfo=zone),
                left_at=left,
                cause="rule",
            )
    rebuild_metrics(store)
    Follower.objects.update_or_create(name="segments", defaults={"xid": str(2**62), "event_id": 0})
    facts.rebuild(store)
    return store


def a_product(store: Store, rng: random.Random, i: int) -> Product:
    return Product.objects.create(
        store=store, source="test", external_id=str(i), sku=f"SKU{i % 5}", category=rng.choice(CATEGORIES),
        vendor=rng.choice(["Acme", "Other", ""]), tags=rng.sample(["new", "gift", "old"], rng.randint(0, 2)),
        price=rng.choice([None, 500, 500, 900, 1500, 4000]),
    )  # fmt: skip


def a_person(store: Store, rng: random.Random, zone: ZoneInfo, i: int) -> Customer:
    person = Customer.objects.create(
        store=store, email=rng.choice(["", f"p{i}@Example.com"]), first_name=rng.choice(["Ana", "ana", "Élodie", ""]),
        last_name=rng.choice(["O'Neil", "100%", ""]), city=rng.choice(["Bern", "bern", ""]),
        country=rng.choice(["NZ", "US", ""]), region=rng.choice(["Otago", ""]), phone=rng.choice(["", "+64 1"]),
        company=rng.choice(["", "Fern {Co}"]), postal_code=rng.choice(["", "9010"]),
        birthday=rng.choice(["", "--02-29", "1988-02-29", "--12-31", "1990-03-01", "2001-02-28", "--01-01", "1970-04-05"]),
        time_zone=rng.choice(["", *ZONES]), locale=rng.choice(["", "en-US", "de"]),
        accepts_email=rng.choice([True, False, None]), tags=rng.sample(["VIP", "vip2", "Wholesale"], rng.randint(0, 3)),
        custom=rng.choice([{}, {"Size": "XL"}, {"Size": "s", "Likes": "Tea"}]),
    )  # fmt: skip
    Customer.objects.filter(pk=person.pk).update(created_at=moment(rng, zone))
    for source in rng.sample(["shopify", "email", "CSV"], rng.randint(0, 3)):
        Identity.objects.create(store=store, source=source, external_id=f"{source}{i}", customer=person)
    for channel in rng.sample(["email", "sms"], rng.randint(0, 2)):
        status = rng.choice(["subscribed", "unsubscribed", "never_subscribed", "suppressed"])
        Consent.objects.create(
            store=store,
            customer=person,
            channel=channel,
            purpose="marketing",
            status=status,
            since=moment(rng, zone),
        )
    if rng.random() < 0.4:
        Preference.objects.create(
            customer=person, frequency=rng.choice(["all", "weekly", "monthly"]), changed_at=moment(rng, zone),
            paused_until=rng.choice([None, moment(rng, zone)]),
        )  # fmt: skip
    return person


def buy(person: Customer, products: list[Product], rng: random.Random, zone: ZoneInfo) -> None:
    for number in range(rng.choice([0, 1, 1, 2, 3, 3, 5])):
        lines = [
            (rng.choice(products), rng.choice([1, 1, 2, -1]), rng.random() < 0.1)
            for _ in range(rng.randint(0, 3))
        ]
        at = moment(rng, zone)
        order = Order.objects.create(
            store=person.store, source=rng.choice(["shopify", "woo"]), external_id=f"{person.pk}-{number}", customer=person,
            placed_at=at, items=rng.choice([0, 1000, 2500, 5000]), discounts=rng.choice([0, 0, 500, 1000]),
            shipping=rng.choice([0, 500, 1200]), channel=rng.choice(WORDS), campaign=rng.choice(WORDS),
            coupon=rng.choice(WORDS), country=rng.choice(["NZ", "US", ""]), first_category=rng.choice(CATEGORIES),
            cancelled_at=at if rng.random() < 0.1 else None, test=rng.random() < 0.05,
        )  # fmt: skip
        for position, (product, quantity, gift) in enumerate(lines):
            Line.objects.create(
                order=order, position=position, product=product, quantity=quantity, unit_price=700, total=700 * quantity,
                discount=rng.choice([0, 100]), gift_card=gift,
            )  # fmt: skip
        refund(person, order, rng, zone)
        for parcel in range(rng.choice([0, 0, 1, 2])):
            Shipment.objects.create(
                order=order, external_id=str(parcel), shipped_at=rng.choice([None, moment(rng, zone)]),
                due_at=rng.choice([None, moment(rng, zone)]), delivered_at=rng.choice([None, None, moment(rng, zone)]),
            )  # fmt: skip


def refund(person: Customer, order: Order, rng: random.Random, zone: ZoneInfo) -> None:
    if rng.random() < 0.3:
        amount = rng.choice([100, 1000])
        Refund.objects.create(
            store=person.store, source="test", external_id=f"r{order.pk}", refunded_at=moment(rng, zone), amount=amount,
            order=order if rng.random() < 0.7 else None, customer=person,
        )  # fmt: skip
        order.refunded = rng.choice([0, amount, amount + 300])
        order.save()


def tell(person: Customer, rng: random.Random, zone: ZoneInfo) -> None:
    for _ in range(rng.choice([0, 1, 2, 4, 6])):
        data = rng.choice([{}, {"order": 5}, {"order": 7, "note": "Hello"}, {"order": "5", "note": ""}])
        kind = rng.choice(["order.shipped", "order.delivered", "customer.added", "segment.entered"])
        Event.objects.create(
            store=person.store, customer_id=person.pk, kind=kind, occurred_at=moment(rng, zone), data=data
        )


def merge(loser: Customer, survivor: Customer) -> None:
    for model in (Order, Refund, Identity):
        model.objects.filter(customer=loser).update(customer=survivor)
    Consent.objects.filter(customer=loser).delete()
    Preference.objects.filter(customer=loser).delete()
    Customer.objects.filter(pk=loser.pk).update(merged_into=survivor)
