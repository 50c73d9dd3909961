"""Every condition with every operator means in SQL what it means in plain Python, now and later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.segments import rules
from retention.segments.compiling import compiled
from retention.segments.conditions import CONDITIONS
from retention.segments.members import Surroundings, answers
from retention.segments.models import Segment
from retention.segments.schema import published
from retention.segments.types import DateOperator
from retention.segments.windows import NEVER
from retention.stores.models import Store
from tests.segments import shop
from tests.segments.oracle import Shop

pytestmark = pytest.mark.django_db
UNHURRIED = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def shops(django_db_setup, django_db_blocker):
    """One random store per time zone, gone after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield [Shop_(shop.a_random_store(zone, seed)) for seed, zone in enumerate(shop.ZONES)]
        transaction.set_rollback(True)


class Shop_(Shop):
    def __init__(self, store: Store):
        super().__init__(store, shop.BENCHMARKS)
        self.store = store
        self.groups = {kind: Segment.objects.get(store=store, kind=kind).pk for kind in ("rule", "list")}


moments = st.builds(
    lambda day, seconds, more: datetime(day.year, day.month, day.day, tzinfo=UTC)
    + timedelta(hours=seconds, microseconds=more),
    st.sampled_from(shop.DAYS),
    st.sampled_from([-13, -12.001, -5.5, -5.4999, 0, 4, 5, 6.5, 12, 18.5, 30, 200]),
    st.sampled_from([0, 1, -1]),
)
words = st.sampled_from(
    [*shop.WORDS[:3], "NZ", "bern", "ana", "VIP", "vip2", "shopify", "XL", "Tea", "%", "élodie"]
)
days = st.sampled_from(shop.DAYS).map(lambda day: day.isoformat())
NUMBERS = [0, 1, 2, 3, 5, 20, 33.33, 50, 100, 150, 200, 300, 700, 1000, 1400, 2500, 4000, -500]


@st.composite
def values(draw, schema):
    """A value that the schema allows, near the data."""
    if schema is None:
        return None
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kind = schema["type"]
    if kind == "object" and "minProperties" in schema:
        name = draw(st.sampled_from(sorted(schema["properties"])))
        return {name: draw(values(schema["properties"][name]))}
    if kind == "object":
        return {
            name: draw(values(one))
            for name, one in schema["properties"].items()
            if name in schema["required"]
        }
    if kind == "array":
        size = schema.get("minItems", 1)
        return draw(st.lists(values(schema["items"]), min_size=size, max_size=max(size, 2)))
    if kind == "string":
        return draw(days if schema.get("format") == "date" else words)
    low, high = schema.get("minimum", -500), schema.get("maximum", 5000)
    fitting = [n for n in NUMBERS if low <= n <= high and (kind == "number" or isinstance(n, int))]
    return draw(
        st.sampled_from(
            fitting + ([7, 14, 28, 29, 30, 31, 40, 90, 365] if kind == "integer" and high >= 365 else [])
        )
    )


@st.composite
def nodes(draw, name, operator, found):
    """A condition of this name and operator, with some of what may stand beside it."""
    condition = CONDITIONS[name]
    node = {"if": name, "is": operator}
    schema = condition.type.operator(operator).value
    if schema is not None:
        node["value"] = draw(values(schema))
    if name in ("segments.member", "lists.member"):
        node["value"] = found.groups["rule" if name == "segments.member" else "list"]
    for extra, schema in condition.extras.items():
        if extra in condition.required or draw(st.booleans()):
            node[extra] = draw(EXTRA[extra](name, found) if extra in EXTRA else values(schema))
    if (
        not condition.type.moment
        and isinstance(node.get("value"), dict)
        and node["value"].get("unit") == "hours"
    ):
        node["value"]["unit"] = "days"
    return node


@st.composite
def frames(draw, name, found):
    from retention.segments.types import WINDOWS

    operator = draw(st.sampled_from(sorted(WINDOWS)))
    frame = {"is": operator}
    if WINDOWS[operator].value is not None:
        frame["value"] = draw(values(WINDOWS[operator].value))
    if (
        not name.startswith("events")
        and isinstance(frame.get("value"), dict)
        and frame["value"]["unit"] == "hours"
    ):
        frame["value"]["unit"] = "weeks"
    return frame


@st.composite
def narrowings(draw, name, found):
    if name.startswith("events"):
        number = draw(st.booleans())
        text = {
            "field": "note",
            "is": draw(st.sampled_from(["is", "not_contains", "starts_with"])),
            "value": "Hello",
        }
        return [
            {"field": "order", "is": "at_least", "value": draw(st.sampled_from([5, 6]))} if number else text
        ]
    field = draw(st.sampled_from(["channel", "coupon", "total", "shipping", "nth"]))
    if field in ("channel", "coupon"):
        return [
            {
                "field": field,
                "is": draw(st.sampled_from(["is", "not_contains", "ends_with"])),
                "value": draw(words),
            }
        ]
    return [
        {
            "field": field,
            "is": draw(st.sampled_from(["at_least", "equals"])),
            "value": draw(st.sampled_from([1, 2, 1200, 2500])),
        }
    ]


@st.composite
def goods(draw, name, found):
    kind = draw(st.sampled_from(["product", "category", "vendor", "sku", "tag"]))
    several = {
        "product": sorted(found.products), "category": shop.CATEGORIES[:2] + ["tea {x}"], "vendor": ["Acme", "Other"],
        "sku": ["SKU0", "SKU3"], "tag": ["new", "gift"],
    }[kind]  # fmt: skip
    return {kind: draw(st.lists(st.sampled_from(several), min_size=1, max_size=2))}


EXTRA = {
    "during": frames,
    "where": narrowings,
    "of": goods,
    "kind": lambda name, found: st.sampled_from(["order.shipped", "order.delivered", "customer.added"]),
    "field": lambda name, found: st.sampled_from(["Size", "Likes", "100%"]),
    "purpose": lambda name, found: st.just("marketing"),
    "channel": lambda name, found: st.sampled_from(["email", "sms"]),
}


def compare(found: Shop, rule, now: datetime) -> None:
    """Members, their columns, the next turn, and what may come to hold: all against the oracle."""
    rules.check(rule)
    around = Surroundings(found.store.pk, found.store.time_zone, shop.BENCHMARKS)
    statement = around.statement()
    one = compiled(rule, statement)
    expected = found.members(rule, now)
    with connection.cursor() as cursor:
        cursor.execute(statement.at(one.ids(), now))
        assert {row[0] for row in cursor.fetchall()} == expected
        columns = answers([(1, one)])
        _, holds, turn = columns.rules[0]
        everybody = "customers_customer c LEFT JOIN metrics_customerfact f ON f.customer_id = c.id"
        everybody += " WHERE c.store_id = {store} AND c.merged_into_id IS NULL"
        cursor.execute(
            statement.at(
                f"SELECT x.id, ({holds}) IS TRUE, nullif({turn}, {NEVER}) FROM"
                f" (SELECT c.id, {', '.join(columns.columns)} FROM {everybody} OFFSET 0) x",
                now,
            )
        )
        told = {pk: (held, turns) for pk, held, turns in cursor.fetchall()}
        cursor.execute(statement.at(f"SELECT c.id FROM {one.people(later=True)}", now))
        possible = {row[0] for row in cursor.fetchall()}
    assert {pk for pk, (held, _) in told.items() if held} == expected
    for later in (
        timedelta(hours=1),
        timedelta(days=1),
        timedelta(days=13),
        timedelta(days=40),
        timedelta(days=400),
    ):
        later_members = found.members(rule, now + later)
        assert later_members <= possible
        for pk, (held, turns) in told.items():
            if turns is None or turns > now + later:
                assert (pk in later_members) == held, (pk, turns, later)
    for pk, (held, turns) in told.items():
        if turns is not None:
            assert turns > now
            assert found.holds(rule, pk, turns - timedelta(microseconds=1)) == held


CASES = [(name, operator) for name in sorted(CONDITIONS) for operator in CONDITIONS[name].type.names()]


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_a_condition_means_what_it_says(shops, name):
    for operator in CONDITIONS[name].type.names():
        _check_operator(shops, name, operator)


def _check_operator(shops, name, operator):
    @UNHURRIED
    @given(st.data())
    def check(data):
        found = data.draw(st.sampled_from(shops))
        compare(found, data.draw(nodes(name, operator, found)), data.draw(moments))

    check()


@st.composite
def trees(draw, found, depth=3):
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(nodes(*draw(st.sampled_from(CASES)), found))
    kind = draw(st.sampled_from(["all", "any", "not"]))
    if kind == "not":
        return {"not": draw(trees(found, depth - 1))}
    return {kind: draw(st.lists(trees(found, depth - 1), min_size=1, max_size=3))}


@settings(UNHURRIED, max_examples=60)
@given(st.data())
def test_groups_nest_as_they_read(shops, data):
    found = data.draw(st.sampled_from(shops))
    compare(found, data.draw(trees(found)), data.draw(moments))


def test_single_moves_by_time_are_never_late(shops):
    """A date condition alone turns exactly when its answer changes: not earlier, not later."""
    found = shops[0]
    now = datetime(2026, 3, 1, 3, tzinfo=UTC)
    for operator in (o for o in CONDITIONS["orders.last"].type.dates.values() if isinstance(o, DateOperator)):
        value = {"n": 30, "unit": "days", "from": 20, "to": 40} if operator.value else None
        if operator.name not in ("in_last", "more_than_ago"):
            continue
        rule = {"if": "orders.last", "is": operator.name, "value": {"n": value["n"], "unit": "days"}}
        compare(found, rule, now)


def test_the_published_schema_names_every_condition():
    text = str(published())
    assert all(f"'{name}'" in text for name in CONDITIONS)
