"""Whatever happens to orders, in whatever order, the figures are what the orders say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.metrics import check, models, reactions
from retention.metrics.rebuild import FOLLOWER, rebuild
from retention.metrics.report import build_report
from retention.orders.models import Order, Refund
from retention.stores.models import Store
from retention.timeline import follow
from tests import world
from tests.metrics.shop import a_customer, a_store, import_file, tell

numbers = count(1)
PEOPLE = 4
START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = datetime(2025, 12, 31, tzinfo=UTC).date()
ROLLUPS = (models.Daily, models.CohortMonth, models.SecondGap, models.Gap, models.CohortValue)
slow = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
# Whole days mostly, but also the minutes around midnight; days close together, so that ties are common.
moments = st.builds(
    lambda day, minute: START + timedelta(days=day, minutes=minute),
    st.one_of(st.integers(0, 40), st.integers(0, 700)),
    st.sampled_from([0, 1, 299, 300, 301, 720, 1439]),
)
person = st.one_of(st.integers(0, PEOPLE - 1), st.none())
amounts = st.integers(0, 50_000)
word = st.sampled_from(["", "a", "b"])
steps = st.one_of(
    st.tuples(st.just("place"), person, moments, amounts, word, word),
    st.tuples(st.just("refund"), st.integers(0, 9), moments, amounts),
    st.tuples(st.just("note"), person, moments, amounts),
    st.tuples(st.just("amount"), st.integers(0, 9), amounts),
    st.tuples(st.just("date"), st.integers(0, 9), moments),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("restore"), st.integers(0, 9)),
    st.tuples(st.just("channel"), st.integers(0, 9), word),
    st.tuples(st.just("refunded"), st.integers(0, 9), amounts),
    st.tuples(st.just("give"), st.integers(0, 9), person),
    st.tuples(st.just("forget"), st.integers(0, 9)),
    st.tuples(st.just("merge"), st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1)),
)


class Shop:
    """Does to a store's facts what sources do, and tells the follower as they do."""

    def __init__(self) -> None:
        self.store = a_store(f"shop-{next(numbers)}", time_zone="America/New_York")
        self.people = [a_customer(self.store).pk for _ in range(PEOPLE)]
        rebuild(self.store)

    def do(self, what, *given) -> None:
        getattr(self, what)(*given)

    def order(self, nth) -> Order | None:
        orders = list(Order.objects.filter(store=self.store).order_by("pk"))
        return orders[nth % len(orders)] if orders else None

    def change(self, nth, **fields) -> None:
        if order := self.order(nth):
            before = order.customer_id
            Order.objects.filter(pk=order.pk).update(**fields)
            order.refresh_from_db()
            tell(self.store, "order.changed", order.customer_id, order=order.pk, previous_customer=before)

    def place(self, who, at, amount, channel, category) -> None:
        order = Order.objects.create(
            store=self.store, source="test", external_id=str(next(numbers)), placed_at=at, items=amount,
            customer_id=None if who is None else self.people[who], channel=channel, first_category=category,
        )  # fmt: skip
        tell(self.store, "order.placed", order.customer_id, order=order.pk)

    def refund(self, nth, at, amount) -> None:
        if order := self.order(nth):
            self.give_back(at, amount, order=order, customer_id=order.customer_id)

    def note(self, who, at, amount) -> None:
        self.give_back(at, amount, customer_id=None if who is None else self.people[who])

    def give_back(self, at, amount, order=None, customer_id=None) -> None:
        refund = Refund.objects.create(
            store=self.store, source="test", external_id=str(next(numbers)), refunded_at=at, amount=amount,
            order=order, customer_id=customer_id,
        )  # fmt: skip
        tell(
            self.store, "order.refunded", customer_id, refund=refund.pk, order=order.pk if order else None,
            previous_customer=None,
        )  # fmt: skip

    def amount(self, nth, amount) -> None:
        self.change(nth, items=amount)

    def date(self, nth, at) -> None:
        self.change(nth, placed_at=at)

    def cancel(self, nth) -> None:
        self.change(nth, cancelled_at=START)

    def restore(self, nth) -> None:
        self.change(nth, cancelled_at=None)

    def channel(self, nth, channel) -> None:
        self.change(nth, channel=channel)

    def refunded(self, nth, amount) -> None:
        """A refund that the source tells without a date."""
        self.change(nth, refunded=amount)

    def give(self, nth, who) -> None:
        self.change(nth, customer_id=None if who is None else self.people[who])

    def forget(self, nth) -> None:
        """What was an order turns out to be a test."""
        self.change(nth, test=True)

    def merge(self, survivor, other) -> None:
        one, two = self.people[survivor], self.people[other]
        if one != two:
            Order.objects.filter(customer_id=two).update(customer_id=one)
            Refund.objects.filter(customer_id=two).update(customer_id=one)
            self.people[other] = one
            tell(self.store, "customer.merged", one, other=two)


@pytest.mark.django_db
@settings(slow, max_examples=40)
@given(st.lists(steps, min_size=1, max_size=12))
def test_following_step_by_step_equals_a_recount_from_raw_orders(found):
    shop = Shop()
    for step in found:
        shop.do(*step)
    assert check.differences(shop.store) == []
    followed = rollups(shop.store)
    rebuild(shop.store)
    assert check.differences(shop.store) == []
    assert rollups(shop.store) == followed


def rollups(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows that say something, without the store."""
    found = {}
    for model in ROLLUPS:
        names = [f.name for f in model._meta.concrete_fields if f.name != "store"]
        keys = ("dimension", "value", *check.ROLLUPS[model])
        measures = [name for name in names if name not in keys]
        rows = model._default_manager.filter(store=store).values_list(*keys, *measures)
        found[model.__name__] = sorted((r for r in rows if any(r[len(keys) :])), key=str)
    return found


HEADER = "order,date,customer,email,sku,category,channel,quantity,unit_price\n"
lines = st.builds(
    lambda order, day, customer, email, goods, channel, quantity, price: (
        f"{order},{START + timedelta(days=day):%Y-%m-%d %H:%M},{customer},{email},{goods},cat {goods},"
        f"{channel},{quantity},{price}\n"
    ),
    st.sampled_from(["1", "2", "3", "4", "C5", "C6"]),
    st.integers(0, 90),
    st.sampled_from(["", "anna", "bert", "cleo"]),
    st.sampled_from(["", "a@example.com", "b@example.com"]),
    st.sampled_from(["mug", "fern"]),
    word,
    st.sampled_from([1, 2, -1]),
    st.sampled_from(["9.99", "5", "0"]),
)
tellings = st.lists(st.lists(lines, min_size=1, max_size=3), min_size=2, max_size=4)


@pytest.mark.django_db(transaction=True)
@settings(slow, max_examples=8)
@given(told=tellings, data=st.data())
def test_the_order_in_which_files_arrive_does_not_matter(tmp_path_factory, told, data):
    """Each file is a telling with a time of its own: new orders, changed ones, other days, other people,
    credit notes, and people who turn out to be one."""
    folder = tmp_path_factory.mktemp("files")
    turns = data.draw(st.permutations(range(len(told))))
    one = arrive(folder, told, range(len(told)))
    two = arrive(folder, told, turns)
    assert check.differences(one) == []
    assert check.differences(two) == []
    assert rollups(one) == rollups(two)
    assert {**build_report(one, AS_OF), "store": ""} == {**build_report(two, AS_OF), "store": ""}


def arrive(folder, told, turns) -> Store:
    slug = f"shop-{next(numbers)}"
    for turn in turns:
        path = folder / f"{slug}-{turn}.csv"
        path.write_text(HEADER + "".join(told[turn]))
        as_of = f"2025-12-{turn + 1:02d}T00:00"
        import_file(path, slug, "--as-of", as_of, "--map", "cancel_prefix=C")
    return Store.objects.get(slug=slug)


@pytest.mark.django_db(transaction=True)
def test_what_a_rebuild_has_taken_in_is_not_counted_again_and_what_follows_is(monkeypatch):
    """An import in many batches must not rebuild a growing store at each of them."""
    rounds = []
    applied = reactions.apply
    monkeypatch.setattr(reactions, "apply", lambda *a, **k: (rounds.append(1), applied(*a, **k)))
    store = world.a_store()
    customer = world.a_customer(store)
    world.an_order(customer)
    world.an_order(customer)
    while follow.advance(FOLLOWER, batch=1):
        pass
    assert len(rounds) == 1
    world.an_order(customer)
    follow.catch_up(FOLLOWER)
    assert len(rounds) == 2
    assert models.CustomerFact.objects.get(customer_id=customer.pk).purchases == 3
    assert check.differences(store) == []
