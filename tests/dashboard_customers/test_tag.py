"""Tags by hand: on many at once, taken back, and kept through files, merges and un-merges."""

from __future__ import annotations

import json

import pytest

from retention.customers import tagging
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Customer, Tagging
from retention.customers.privacy import erase_customer
from retention.customers.registers import tell
from retention.dashboard.customers import listing
from retention.timeline.models import Event
from tests.dashboard_customers.shop import open_shop
from tests.world import a_customer

pytestmark = pytest.mark.django_db
TAG = "/fern-finch/customers/tag/"
HX = {"HX-Request": "true", "HX-Target": "results"}


def tags(customer: Customer) -> list[str]:
    return list(Customer.objects.get(pk=customer.pk).tags)


def tag(client, *people: Customer, word: str = "vip", turn: str = "add", **more: str):
    return client.post(TAG, {"ids": [p.pk for p in people], "tag": word, "turn": turn, **more}, headers=HX)


def test_ticked_people_get_the_tag_and_undo_takes_it_from_them_alone(store, marco, as_user):
    people = open_shop(store)
    client = as_user(marco)
    tag(client, people["mara"])
    answer = tag(client, people["mara"], people["bo"])
    toast = json.loads(answer["HX-Trigger"])["toast"]
    assert toast["text"] == "“vip” put on 1 customer."
    assert tags(people["bo"]) == ["vip"]
    assert tags(people["cyd"]) == []
    client.post(toast["undo"], headers=HX)
    assert tags(people["bo"]) == []
    # She had it before.
    assert "vip" in tags(people["mara"])
    told = Event.objects.filter(kind="customer.tagged", customer_id=people["bo"].pk)
    assert {event.by for event in told} == {f"user:{marco.pk}"}
    assert told.count() == 2


def test_everybody_in_the_list_means_all_its_pages_and_its_filters(store, olivia, as_user):
    people = open_shop(store)
    as_user(olivia).post(f"{TAG}?country=SE", {"everybody": "1", "tag": "nordic", "turn": "add"}, headers=HX)
    assert "nordic" in tags(people["mara"])
    assert "nordic" in tags(people["cyd"])
    assert "nordic" not in tags(people["bo"])


def test_more_people_than_one_go_may_change_are_refused_unchanged(store, olivia, as_user, monkeypatch):
    people = open_shop(store)
    monkeypatch.setattr(tagging, "MOST", 2)
    answer = as_user(olivia).post(TAG, {"everybody": "1", "tag": "x", "turn": "add"}, headers=HX)
    assert answer.status_code == 422
    assert "Narrow the list" in answer.content.decode()
    assert all("x" not in tags(one) for one in people.values())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"tag": "vip", "turn": "add"}, "Tick somebody first."),
        ({"everybody": "1", "tag": "  ", "turn": "add"}, "required"),
        ({"everybody": "1", "tag": "a,b", "turn": "add"}, "One tag at a time"),
        ({"everybody": "1", "tag": "a", "turn": "paint"}, "valid choice"),
    ],
)
def test_a_form_that_says_nothing_changes_nothing(store, olivia, as_user, data, problem):
    open_shop(store)
    answer = as_user(olivia).post(TAG, data, headers=HX)
    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not Tagging.objects.exists()


def test_what_was_ticked_and_typed_stays_when_a_tag_is_refused(store, olivia, as_user, monkeypatch):
    people = open_shop(store)
    monkeypatch.setattr(listing, "PAGE", 1)
    monkeypatch.setattr(listing.listed, "__kwdefaults__", {"after": "", "size": 1})
    ticked = [people["mara"].pk, people["cyd"].pk]
    data = {"ids": ticked, "tag": "a,b", "turn": "add"}
    answer = as_user(olivia).post(TAG, data, headers=HX)
    # Only the place of the error: the rest of the page stays as it is.
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#bulk-problem")
    assert "One tag at a time" in answer.content.decode()
    assert "<table" not in answer.content.decode()
    text = as_user(olivia).post(TAG, data).content.decode()
    assert f'value="{people["mara"].pk}" checked' in text
    # Further down than the page shows.
    assert f'<input type="hidden" name="ids" value="{people["cyd"].pk}">' in text
    assert 'value="a,b"' in text
    assert "One tag at a time" in text


def test_the_bar_says_how_many_everybody_is(store, marco, ana, as_user):
    open_shop(store)
    text = as_user(marco).get("/fern-finch/customers/").content.decode()
    assert 'Everybody in this list<span id="everybody"> (3 customers)</span>' in text
    counted = as_user(marco).get("/fern-finch/customers/count/", headers={**HX, "HX-Target": "count"})
    assert '<span id="everybody" hx-swap-oob="true"> (3 customers)</span>' in counted.content.decode()
    counted = as_user(ana).get("/fern-finch/customers/count/", headers={**HX, "HX-Target": "count"})
    assert "everybody" not in counted.content.decode()


def test_people_of_another_store_are_passed_over(store, other_store, olivia, as_user):
    theirs = open_shop(other_store)["bo"]
    tag(as_user(olivia), theirs)
    assert tags(theirs) == []
    assert not Event.objects.filter(kind="customer.tagged").exists()


def test_merged_and_erased_people_are_passed_over(store, olivia, as_user):
    people = open_shop(store)
    merge_customers(people["mara"], people["bo"], by="test")
    erase_customer(people["cyd"], by="test")
    tag(as_user(olivia), people["bo"], people["cyd"])
    assert tags(people["cyd"]) == []
    assert "vip" not in tags(people["bo"])


def test_a_tag_by_hand_outlives_what_the_shop_tells_and_a_removed_one_what_it_told(store):
    person = a_customer(store)
    tell(person, {"tags": ["shop", "old"]}, 5)
    person.save()
    tagging.tag_customers(store, [person.pk], "hand", by="test")
    tagging.untag_customers(store, [person.pk], "old", by="test")
    person.refresh_from_db()
    assert sorted(person.tags) == ["hand", "shop"]
    # The same file once more.
    tell(person, {"tags": ["shop", "old"]}, 5)
    assert sorted(person.tags) == ["hand", "shop"]


def test_tags_stay_right_through_a_merge_and_back(store):
    one, two = a_customer(store), a_customer(store)
    tagging.tag_customers(store, [two.pk], "two", by="test")
    merge = merge_customers(one, two, by="test")
    tagging.tag_customers(store, [one.pk], "both", by="test")
    assert sorted(tags(one)) == ["both", "two"]
    tagging.untag_customers(store, [one.pk], "two", by="test")
    assert tags(one) == ["both"]
    unmerge(merge, by="test")
    assert tags(one) == ["both"]
    assert tags(two) == []


def test_the_undo_is_for_those_who_may_tag(store, ana, sam, as_user):
    mara = open_shop(store)["mara"]
    done = tagging.tag_customers(store, [mara.pk], "vip", by="test")
    url = f"{TAG}{done.pk}/undo/"
    assert as_user(ana).post(url).status_code == 403
    assert "vip" in tags(mara)
    assert as_user(sam).post(url).status_code == 302
    assert "vip" not in tags(mara)


def test_one_tag_of_one_person_with_its_undo(store, sam, as_user):
    mara = open_shop(store)["mara"]
    client, url = as_user(sam), f"/fern-finch/customers/{mara.pk}/tags/"
    answer = client.post(url, {"tag": "wholesale", "turn": "remove"}, headers=HX)
    assert tags(mara) == []
    text = answer.content.decode()
    assert 'id="tags"' in text
    assert "Tag “wholesale” taken off" in text
    client.post(json.loads(answer["HX-Trigger"])["toast"]["undo"], headers=HX)
    assert tags(mara) == ["wholesale"]


def test_erasing_takes_the_name_out_of_tags_and_views(store, olivia, as_user):
    people = open_shop(store)
    client = as_user(olivia)
    tagging.tag_customers(store, [people["bo"].pk], "friend of Mara Lindqvist", by="test")
    client.post("/fern-finch/customers/views/?q=mara%40example.com", {"name": "Her"})
    client.post("/fern-finch/customers/views/?country=SE", {"name": "Swedes"})
    erase_customer(people["mara"], by="test")
    assert [tagging.tag for tagging in Tagging.objects.all()] == ["(erased)"]
    text = client.get("/fern-finch/customers/").content.decode()
    assert "Swedes" in text
    assert ">Her<" not in text
