"""The builder without JavaScript: every button sends the form and gets it back with the rule changed."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.segments import drafts, rules
from retention.segments.models import Segment
from tests.dashboard.shop import count
from tests.metrics.shop import an_order
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db
NEW = "/fern-finch/segments/new/"
COUNT = {"r-0:if": "orders.count", "r-0:is": "at_least", "r-0:value": "2"}
PART = {"HX-Request": "true"}


@pytest.fixture
def web(as_user, olivia) -> Client:
    return as_user(olivia)


@pytest.fixture
def shop(store):
    """Ann bought twice, Bob once."""
    today: date = timezone.now().date()
    for name, days in (("ann", (90, 9)), ("bob", (20,))):
        person = a_customer(store, f"{name}@example.com")
        for day in days:
            an_order(person, today - timedelta(days=day), 1000)
    count(store)
    return store


def press(web, button: str, **form: str):
    return web.post(NEW, {"do": button, **form})


def fields(page: str) -> dict[str, list[str]]:
    """What the form of a page would send."""
    found: dict[str, list[str]] = {}
    form = page.partition('id="builder"')[2].partition("</form>")[0]
    for tag, inner in re.findall(r"<(?:select|textarea)([^>]*)>(.*?)</(?:select|textarea)>", form, re.DOTALL):
        name = re.search(r'name="([^"]+)"', tag)[1]
        chosen = re.findall(r'<option value="([^"]*)" selected', inner)
        if "<option" not in inner:
            chosen = [inner]
        elif not chosen and "multiple" not in tag:
            chosen = re.findall(r'<option value="([^"]*)"', inner)[:1]
        found[name] = [html.unescape(one) for one in chosen]
    for tag in re.findall(r"<input([^>]*)>", form):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and ("checkbox" not in tag or "checked" in tag):
            found.setdefault(name[1], []).append(html.unescape(value[1]) if value else "")
    return found


def rule_of(page, store):
    """The rule that the page's form stands for."""
    query = QueryDict(mutable=True)
    for name, values in fields(page.content.decode()).items():
        query.setlist(name, values)
    return drafts.to_rule(drafts.parse(query), store)[0]


def focus(page) -> str:
    found = re.search(r'id="([^"]+)"[^>]* autofocus', page.content.decode())
    if found:
        return found[1]
    verb = re.search(r'value="(\w+):([^"]+)"[^>]* autofocus', page.content.decode())
    return f"{verb[2]}-{verb[1]}" if verb else ""


def test_an_empty_page_has_one_condition_and_complains_of_nothing(web, shop):
    page = web.get(NEW).content.decode()
    assert 'name="r-0:if"' in page
    assert 'class="error"' not in page
    assert "Complete the rule" in page


def test_a_rule_is_counted_and_said_in_words(web, shop):
    page = press(web, "check", **COUNT).content.decode()
    assert "Customers for whom number of purchases is at least 2." in page
    assert "1 person" in page
    assert "ann@example.com" in page
    assert "bob@example.com" not in page


def test_add_group_move_and_remove(web, shop, store):
    page = press(web, "add:r", **COUNT)
    assert focus(page) == "r-1-if"
    form = {**COUNT, "r-1:if": "profile.country", "r-1:is": "is", "r-1:value": "NZ"}
    page = press(web, "group:r-1", **form)
    assert focus(page) == "r-1-match"
    country = {"if": "profile.country", "is": "is", "value": "NZ"}
    twice = {"if": "orders.count", "is": "at_least", "value": 2}
    assert rule_of(page, store) == {"all": [twice, {"any": [country]}]}
    page = web.post(NEW, {"do": "down:r-0", **fields(page.content.decode())})
    assert rule_of(page, store) == {"all": [{"any": [twice, country]}]}
    assert focus(page) == "r-0-0-down"
    page = web.post(NEW, {"do": "up:r-0-1", **fields(page.content.decode())})
    assert rule_of(page, store) == {"all": [{"any": [country, twice]}]}
    page = web.post(NEW, {"do": "up:r-0-0", **fields(page.content.decode())})
    assert rule_of(page, store) == {"all": [country, {"any": [twice]}]}
    page = web.post(NEW, {"do": "remove:r-1-0", **fields(page.content.decode())})
    assert rule_of(page, store) == {"all": [country]}
    assert focus(page) == "r-0-remove"


def test_the_last_condition_leaves_an_empty_one(web, shop, store):
    page = press(web, "remove:r-0", **COUNT)
    assert rule_of(page, store) == {"all": [{"if": "orders.count", "is": "equals"}]}


def test_another_condition_takes_no_value_over(web, shop, store):
    page = press(web, "", **{**COUNT, "r-0:if": "orders.spend", "r-0:was": "orders.count|at_least"})
    assert rule_of(page, store) == {"all": [{"if": "orders.spend", "is": "equals"}]}


def test_another_comparison_keeps_a_value_of_its_own_shape(web, shop, store):
    page = press(web, "", **{**COUNT, "r-0:is": "less_than", "r-0:was": "orders.count|at_least"})
    assert rule_of(page, store)["all"][0]["value"] == 2
    page = press(web, "", **{**COUNT, "r-0:is": "between", "r-0:was": "orders.count|at_least"})
    assert "value" not in rule_of(page, store)["all"][0]


def test_money_is_typed_as_on_a_price_tag(web, shop):
    form = {"r-0:if": "orders.spend", "r-0:is": "more_than", "r-0:value": "19.99"}
    press(web, "save", name="Spenders", **form)
    assert Segment.objects.get().rule["all"][0]["value"] == 1999


def test_a_yen_has_no_cents(web, shop):
    shop.currency = "JPY"
    shop.save()
    press(web, "save", name="S", **{"r-0:if": "orders.spend", "r-0:is": "more_than", "r-0:value": "500"})
    assert Segment.objects.get().rule["all"][0]["value"] == 500


def test_saving_names_the_faulty_condition_beside_it(web, shop):
    form = {**COUNT, "r-1:if": "orders.count", "r-1:is": "between", "r-1:value.0": "3"}
    page = press(web, "save", name="Wrong", **form)
    assert page.status_code == 422
    beside = page.content.decode().partition('id="r-1-errors"')[2].partition("</div>")[0]
    assert "needs two values" in beside
    assert not Segment.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"r-0:is": "at_least", "r-0:value": "-5"},
        {"r-0:is": "between", "r-0:value.0": "-5", "r-0:value.1": "2"},
    ],
)
def test_what_is_counted_is_not_below_zero(web, shop, given):
    page = press(web, "save", name="Nobody", **{"r-0:if": "orders.count", **given})
    assert page.status_code == 422
    assert "“Number of purchases” cannot be below zero." in html.unescape(page.content.decode())
    assert not Segment.objects.exists()


def test_money_may_be_below_zero(web, shop):
    press(web, "save", name="Losses", **{"r-0:if": "orders.spend", "r-0:is": "less_than", "r-0:value": "-5"})
    assert Segment.objects.get().rule["all"][0]["value"] == -500


def test_lines_are_counted_from_one_for_those_who_hear_the_page(web, shop):
    page = press(web, "add-group:r", **COUNT).content.decode()
    for name in ("Condition 1", "Group 2", "Condition 2.1"):
        assert name in page
    assert "Remove Condition 2.1" in page
    assert not re.search(r"(Condition|Group) [\d.]*0", page)


def test_a_taken_name_is_said_beside_the_name(web, shop):
    for _ in range(2):
        page = press(web, "save", name="Twice", **COUNT)
    assert page.status_code == 422
    assert "There is a segment “Twice” already." in page.content.decode()


def test_a_segment_asks_not_about_itself(web, shop):
    press(web, "save", name="Twice", **COUNT)
    made = Segment.objects.get()
    form = {"r-0:if": "segments.member", "r-0:is": "in", "r-0:value": str(made.pk)}
    page = web.post(f"/fern-finch/segments/{made.pk}/edit/", {"do": "save", "name": "Twice", **form})
    assert page.status_code == 422
    assert "asks about this segment itself" in page.content.decode()


def test_a_saved_rule_is_changed(web, shop):
    press(web, "save", name="Twice", **COUNT)
    made = Segment.objects.get()
    url = f"/fern-finch/segments/{made.pk}/edit/"
    form = fields(web.get(url).content.decode())
    web.post(url, {**form, "do": "save", "name": "Once", "r-0:value": "1"})
    made.refresh_from_db()
    assert (made.name, made.rule["all"][0]["value"], made.version) == ("Once", 1, 2)
    web.post(url, {**form, "do": "save", "name": "Once", "r-0:value": "1"})
    made.refresh_from_db()
    assert made.version == 2


def test_the_preview_comes_alone_with_every_lines_errors(web, shop):
    form = {**COUNT, "r-1:if": "orders.count", "r-1:is": "at_least", "r-1:value": "many"}
    part = web.post(NEW, {"do": "preview", **form}, headers={**PART, "HX-Target": "preview"}).content.decode()
    assert "<form" not in part
    assert 'id="r-0-errors" hx-swap-oob="true"></div>' in part
    assert "needs a number" in part.partition('id="r-1-errors"')[2].partition("</div>")[0]


def test_a_changed_form_asks_for_its_count_afterwards(web, shop):
    part = web.post(NEW, {"do": "check", **COUNT}, headers={**PART, "HX-Target": "builder"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="load"' in part


def test_a_rule_in_the_address_opens_in_the_builder(web, shop, store):
    rule = {"all": [{"not": {"if": "orders.count", "is": "at_least", "value": 5}}]}
    page = web.get(NEW, {"rule": json.dumps(rule), "name": "Few"})
    assert rule_of(page, store) == rule
    assert 'value="Few"' in page.content.decode()


@pytest.mark.parametrize("rule", ["{", "[]", '{"if": "x"}', "[" * 5000, '{"all": []}', "1" * 5000])
def test_nonsense_in_the_address_opens_an_empty_builder(web, shop, rule):
    assert web.get(NEW, {"rule": rule}).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"r-0:if": "nonsense"},
        {"r-0:if": "orders.count", "r-0:is": "nonsense", "r-0:value": "x" * 600},
        {"r-0:if": "orders.count", "r-0:where.0.field": "nonsense", "r-0:where.0.is": "is"},
        {"r-0:if": "products.bought", "r-0:of.kind": "product", "r-0:of.value": "x\x00y"},
        {"r-0:if": "events.count", "r-0:kind": "nonsense", "r-0:value": "1e999"},
        {"r-0:if": "orders.last", "r-0:is": "on", "r-0:value": "9999-99-99"},
        {"r-0:if": "segments.member", "r-0:value": "9" * 30},
        {"r-5-7:if": "orders.count", "r:match": "nonsense"},
        {"r-0:match": "all", "r-0-0:match": "any"},
        {"r-0:if": "profile.birthday", "r-0:is": "month", "r-0:value": "13"},
        {"do": "up:r-9"},
        {"do": "widen:r-0.x"},
        {"do": "add:r-0"},
    ],
)
@pytest.mark.parametrize("do", ["check", "save"])
def test_no_form_breaks_the_page(web, shop, form, do):
    assert web.post(NEW, {"do": do, **form}).status_code in (200, 422)


def test_too_slow_a_rule_can_still_be_saved(web, shop, monkeypatch):
    from retention.segments import builder

    monkeypatch.setattr(builder, "PATIENCE", "1ms")
    crowd = {"if": "events.count", "is": "at_least", "value": 1, "kind": "order.placed"}
    slow = {
        "any": [
            {**crowd, "where": [{"field": "order", "is": "contains", "value": str(n)}]} for n in range(60)
        ]
    }
    page = web.get(NEW, {"rule": json.dumps(slow)})
    assert "Counting takes too long" in page.content.decode()


# Every condition and comparison survives the form


def values(schema) -> st.SearchStrategy:
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "object":
        return st.fixed_dictionaries({k: values(v) for k, v in schema["properties"].items()})
    if kind == "array":
        low, high = schema["minItems"], min(schema["maxItems"], 4)
        return st.lists(values(schema["items"]), min_size=low, max_size=high, unique=low != high)
    if kind == "integer":
        return st.integers(max(schema["minimum"], -999), min(schema["maximum"], 999))
    if kind == "number":
        low, high = max(schema["minimum"], -9999), min(schema["maximum"], 9999)
        return st.integers(low, high) | st.sampled_from([0.5, 12.25]).filter(lambda n: low <= n <= high)
    if schema.get("format") == "date":
        return st.dates(date(1950, 1, 1), date(2100, 1, 1)).map(date.isoformat)
    return st.text("abcÄ ,'\"<&%{}", min_size=1, max_size=8).filter(lambda text: text == text.strip())


@st.composite
def conditions(draw):
    condition = draw(st.sampled_from([rules.CONDITIONS[name] for name in sorted(rules.CONDITIONS)]))
    operator = condition.type.operator(draw(st.sampled_from(condition.type.names())))
    node = {"if": condition.name, "is": operator.name}
    if operator.value is not None:
        node["value"] = draw(values(operator.value))
    for name, schema in condition.extras.items():
        if name in ("during", "where") or (name not in condition.required and draw(st.booleans())):
            continue
        if name == "of":
            goods = draw(st.sampled_from(sorted(schema["properties"])))
            node["of"] = {goods: draw(values(schema["properties"][goods]))}
        else:
            node[name] = "order.placed" if name == "kind" else draw(values(schema))
    if "during" in condition.extras and draw(st.booleans()):
        frame = drafts.WINDOWS[draw(st.sampled_from(sorted(drafts.WINDOWS)))]
        value = {"value": draw(values(frame.value))} if frame.value is not None else {}
        node["during"] = {"is": frame.name, **value}
    if "where" in condition.extras:
        known = sorted(getattr(condition.rows, "fields", {})) or ["note"]
        rows = [_row(draw, condition, draw(st.sampled_from(known))) for _ in range(draw(st.integers(0, 2)))]
        node |= {"where": rows} if rows else {}
    return node


def _row(draw, condition, name):
    kind = drafts.type_of(condition, name)
    operator = kind.operator(draw(st.sampled_from(kind.names())))
    value = {"value": draw(values(operator.value))} if operator.value is not None else {}
    return {"field": name, "is": operator.name, **value}


trees = st.recursive(
    conditions(),
    lambda inner: st.builds(
        lambda name, children, denied: {"not": {name: children}} if denied else {name: children},
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=3),
        st.booleans(),
    )
    | conditions().map(lambda one: {"not": one}),
    max_leaves=5,
)


@pytest.fixture
def shop_of_yen(db):
    return a_store(currency="JPY")


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees)
def test_any_rule_goes_through_the_form_unchanged(shop_of_yen, rule):
    try:
        rules.check(rule)
    except rules.RuleError:
        return
    draft = drafts.from_rule(rule, shop_of_yen)
    sent = QueryDict(mutable=True)
    for key, node, _ in draft.walk():
        if node.match:
            sent.setlist(f"{key}:match", [node.match])
        for name, told in node.fields.items():
            sent.setlist(f"{key}:{name}", told)
    again, _ = drafts.to_rule(drafts.parse(sent), shop_of_yen)
    assert again == (rule if "if" not in rule and rule.get("not", {}).get("if") is None else {"all": [rule]})
