"""Files and addresses with segments that nobody's builder wrote: they are refused in words."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from retention.segments import actions, rules
from retention.segments.models import Segment
from tests.world import a_customer, an_order

pytestmark = pytest.mark.django_db
BUYERS = {"if": "orders.count", "is": "at_least", "value": 1}
SHARE = {"if": "orders.share", "is": "at_least", "value": 1}
RULES = {
    "400 digits": {**BUYERS, "value": 10**400},
    "400 digits in a span": {"if": "orders.last", "is": "in_last", "value": {"n": 10**400, "unit": "days"}},
    "a share of nothing": {**SHARE, "where": []},
}


def hand_in(client, told):
    file = SimpleUploadedFile("segment.json", json.dumps(told).encode())
    return client.post("/fern-finch/segments/import/", {"file": file})


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_that_cannot_be_is_told(as_user, store, marco, rule):
    an_order(a_customer(store), timezone.now())
    assert hand_in(as_user(marco), {"name": "x", "rule": rule}).status_code == 422
    assert not Segment.objects.exists()
    address = {"rule": json.dumps(rule)}
    assert as_user(marco).get("/fern-finch/segments/new/", address).status_code == 200


def test_a_share_of_something_can_be_asked():
    rules.check({**SHARE, "where": [{"field": "channel", "is": "is", "value": "email"}]})
    with pytest.raises(rules.RuleError, match="at least one value"):
        rules.check({**SHARE, "where": []})


@pytest.mark.parametrize(
    "told",
    [{"name": "a\x00b"}, {"name": "\ud800"}, {"name": "ok", "description": "\x00"}, {"name": "ok", "description": "\udfff"}],
    ids=ascii,
)  # fmt: skip
def test_words_that_cannot_be_kept_are_told(as_user, store, marco, told):
    answer = hand_in(as_user(marco), {**told, "rule": BUYERS})
    assert answer.status_code == 422
    assert b"cannot be kept" in answer.content
    assert not Segment.objects.exists()


def test_any_other_words_are_kept(store):
    told = {"name": "Ärger 🌿", "description": "two\nlines", "rule": BUYERS}
    segment = actions.segment_from_json(store, told, by="user:1")
    assert (segment.name, segment.description) == ("Ärger 🌿", "two\nlines")
