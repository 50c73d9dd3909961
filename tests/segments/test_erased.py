"""An erased person is named by no segment any more, and the segments go on working."""

from __future__ import annotations

import json

import pytest

from retention.customers.privacy import erase_customer
from retention.segments import actions
from retention.segments.members import Surroundings
from retention.segments.models import Membership, Segment
from retention.segments.rules import check
from tests.world import a_customer

pytestmark = pytest.mark.django_db


def by_address(*addresses):
    rules = [{"if": "profile.email", "is": "is", "value": address} for address in addresses]
    return {"any": rules}


def who(segment):
    return set(Membership.objects.filter(segment=segment, left_at=None).values_list("customer_id", flat=True))


@pytest.fixture
def mara(store):
    return a_customer(
        store, "mara.lind@example.com", first_name="Mara", last_name="Lind", phone="+4520304050"
    )


def test_no_name_description_or_rule_names_the_person(store, mara):
    bo = a_customer(store, "bo@example.com")
    gift = actions.create_segment(
        store, name="Gift for Mara Lind", description="mara.lind@example.com asked, not lind@example.com",
        rule=by_address("Mara.Lind@example.com", "bo@example.com"), by="user:1",
    )  # fmt: skip
    phone = actions.create_segment(
        store,
        name="By phone",
        rule={"if": "profile.phone", "is": "contains", "value": "+4520304050"},
        by="user:1",
    )
    listed = actions.create_list(store, name="Gift for mara.lind@example.com", people=[bo.pk], by="user:1")
    assert (who(gift), who(phone)) == ({mara.pk, bo.pk}, {mara.pk})
    erase_customer(mara, by="user:1")
    text = json.dumps(list(Segment.objects.values("name", "description", "rule")))
    assert "mara" not in text.lower()
    assert "+4520304050" not in text
    for one in (gift, phone, listed):
        one.refresh_from_db()
    assert (gift.name, listed.name) == ("Gift for (erased)", "Gift for (erased) 2")
    assert gift.description == "(erased) asked, not lind@example.com"
    assert gift.rule == by_address("(erased)", "bo@example.com")
    check(gift.rule)
    assert (who(gift), who(phone), who(listed)) == ({bo.pk}, set(), {bo.pk})
    # Workers remember rules by their version.
    assert [json.loads(one.text) for one in Surroundings.with_live(store)[1] if one.pk == gift.pk] == [
        gift.rule
    ]


def test_segments_of_others_stay_as_they_are(store, other_store, mara):
    for place, address in ((store, "x.mara.lind@example.com"), (other_store, "mara.lind@example.com")):
        actions.create_segment(place, name=f"For {address}", rule=by_address(address), by="user:1")
    before = list(Segment.objects.order_by("pk").values())
    erase_customer(mara, by="user:1")
    assert list(Segment.objects.order_by("pk").values()) == before
