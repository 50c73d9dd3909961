"""What the rule language refuses, and in which words; and how it reads."""

from __future__ import annotations

import pytest

from retention.segments import rules
from retention.segments.conditions import CONDITIONS, Known, declare
from retention.stores.models import Store

GOOD = {"if": "orders.count", "is": "at_least", "value": 2}


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ({}, (), "A group is “all”, “any” or “not”."),
        ([], (), "This is not a condition."),
        ({"all": []}, (), "A group needs at least one condition."),
        ({"all": [GOOD], "any": [GOOD]}, (), "A group is"),
        ({"if": "orders.cuont", "is": "at_least", "value": 2}, (), "There is no condition “orders.cuont”."),
        ({"all": [GOOD, {**GOOD, "is": "contains"}]}, ("all", 1), "“Number of purchases” cannot be compared by “contains”."),
        ({"not": {**GOOD, "value": "2"}}, ("not",), "“Number of purchases” needs a number."),
        ({**GOOD, "value": True}, (), "needs a number"),
        ({**GOOD, "value": float("nan")}, (), "needs a number"),
        ({**GOOD, "valeu": 3}, (), "does not know “valeu”"),
        ({**GOOD, "during": {"is": "in_last", "value": {"n": 2, "unit": "hours"}}}, (), "knows its day, not its hour"),
        ({**GOOD, "during": {"is": "in_last"}}, (), "is not complete"),
        ({**GOOD, "where": [{"field": "weather", "is": "is", "value": "x"}]}, (), "must be one of"),
        ({**GOOD, "where": [{"field": "channel", "is": "at_least", "value": 1}]}, (), "“Channel” cannot be compared"),
        ({"if": "profile.city", "is": "is", "value": "a\x00"}, (), "“City” needs a text."),
        ({"if": "profile.city", "is": "is_any_of", "value": []}, (), "“City” needs at least one value."),
        ({"if": "orders.last", "is": "on", "value": "2026-02-30"}, (), "needs a date"),
        ({"if": "orders.last", "is": "in_last", "value": {"n": 0, "unit": "days"}}, (), "needs a number from 1"),
        ({"if": "events.count", "is": "equals", "value": 1}, (), "needs “kind”"),
        ({"if": "events.count", "is": "equals", "value": 1, "kind": "made.up"}, (), "knows no event “made.up”"),
        ({"if": "events.count", "is": "equals", "value": 1, "kind": "segment.left"}, (), "cannot ask about segments"),
        ({"if": "products.bought", "is": "yes", "of": {"sku": ["a"], "vendor": ["b"]}}, (), "exactly one kind"),
        ({"if": "consent.status", "is": "is", "value": "yes", "channel": "email", "purpose": "marketing"}, (), "must be one of"),
    ],
)  # fmt: skip
def test_a_faulty_condition_is_named(rule, path, message):
    with pytest.raises(rules.RuleError) as error:
        rules.check(rule)
    [problem] = error.value.problems
    assert problem.path == path
    assert message in problem.message


def test_every_faulty_condition_is_named_at_once():
    with pytest.raises(rules.RuleError) as error:
        rules.check({"any": [{**GOOD, "value": "x"}, GOOD, {"not": {"if": "?", "is": "?"}}]})
    assert [problem.path for problem in error.value.problems] == [("any", 0), ("any", 2, "not")]


def test_depth_and_size_have_limits():
    deep = GOOD
    for _ in range(10):
        deep = {"not": deep}
    with pytest.raises(rules.RuleError, match="nested"):
        rules.check(deep)
    with pytest.raises(rules.RuleError, match="at most 100"):
        rules.check({"all": [GOOD] * 101})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (GOOD, "number of purchases is at least 2"),
        ({"if": "orders.spend", "is": "more_than", "value": 12_000}, "net revenue is more than $120.00"),
        (
            {"all": [GOOD, {"any": [{"if": "orders.last", "is": "between_ago", "value": {"from": 30, "to": 90, "unit": "days"}}, {"not": {"if": "profile.city", "is": "set"}}]}]},
            "number of purchases is at least 2, and (last purchase was 30 to 90 days ago, or not (city is known))",
        ),
        ({**GOOD, "during": {"is": "in_last", "value": {"n": 1, "unit": "months"}}, "where": [{"field": "channel", "is": "is", "value": "email"}]},
         "number of purchases is at least 2 in the last 1 month, channel is email"),
        ({"if": "products.bought", "is": "no", "of": {"category": ["Tea"]}}, "no purchase of category Tea exists"),
        ({"if": "profile.birthday", "is": "in_next", "value": {"n": 7, "unit": "days"}}, "birthday is in the next 7 days"),
    ],
)  # fmt: skip
def test_a_rule_reads_as_a_sentence(rule, said):
    rules.check(rule)
    assert rules.sentence(rule, Store(currency="USD", locale="en_US")) == f"Customers for whom {said}."


def test_an_app_above_can_add_a_condition():
    from retention.segments import types

    mine = Known("test.city", "Test", types.text, ("customer.",), what="c.city")
    declare(mine)
    try:
        rules.check({"if": "test.city", "is": "is", "value": "Bern"})
        with pytest.raises(ValueError, match="declared twice"):
            declare(mine)
    finally:
        del CONDITIONS["test.city"]


def test_the_published_schema_accepts_and_names_what_rules_may_be():
    from retention.segments.schema import published

    found = published()
    titles = [branch.get("title") for branch in found["$defs"]["node"]["anyOf"]]
    assert len(titles) == len(CONDITIONS) + 1
    assert "Number of purchases" in titles
