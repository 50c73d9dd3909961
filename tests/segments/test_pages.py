"""The pages of segments in a browser without JavaScript: list, one segment, lists, files, why, comparison."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import date, timedelta
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from retention.segments import actions, queries
from retention.segments.models import Membership, Segment
from tests.dashboard.shop import count
from tests.metrics.shop import an_order
from tests.world import a_customer

pytestmark = pytest.mark.django_db
HOME = "/fern-finch/segments/"
TWICE = {"all": [{"if": "orders.count", "is": "at_least", "value": 2}]}


@pytest.fixture
def web(as_user, olivia) -> Client:
    return as_user(olivia)


@pytest.fixture
def shop(store):
    """Ann bought twice, Bob once, Cyd never."""
    today: date = timezone.now().date()
    ann = a_customer(store, "ann@example.com", first_name="Ann", last_name="Lee")
    bob = a_customer(store, "bob@example.com", first_name="=Bob")
    a_customer(store, "cyd@example.com")
    an_order(ann, today - timedelta(days=90), 1000)
    an_order(ann, today - timedelta(days=9), 3000)
    an_order(bob, today - timedelta(days=20), 4000)
    count(store)
    return store


@pytest.fixture
def again(shop) -> Segment:
    return actions.create_segment(shop, name="Came again", rule=TWICE, by="user:1")


def text(response) -> str:
    return response.content.decode()


def names(segment: Segment) -> set[str]:
    return set(queries.customers_in(segment).values_list("email", flat=True))


def test_the_list_tells_size_and_shares(web, again):
    page = text(web.get(HOME))
    row = page.partition("Came again")[2].partition("</tr>")[0].replace("\xa0", " ")
    assert ">1<" in row
    assert "33.3 %" in row
    assert "50.0 %" in row


def test_the_list_has_no_more_queries_for_more_segments(web, again, django_assert_max_num_queries):
    web.get(HOME)
    for number in range(6):
        actions.create_segment(again.store, name=f"S{number}", rule=TWICE, by="user:1")
    with django_assert_max_num_queries(24):
        web.get(HOME)


def test_a_review_that_is_due_is_seen_and_settled(web, again):
    Segment.objects.filter(pk=again.pk).update(review_on=date(2020, 1, 1))
    assert "Review due" in text(web.get(HOME))
    web.post(f"{HOME}{again.pk}/review/")
    assert "Review due" not in text(web.get(HOME))


def test_a_ready_made_one_is_taken_once(web, shop):
    assert "Champions" in text(web.get(HOME))
    for _ in range(2):
        web.post(f"{HOME}adopt/", {"key": "champions"})
    assert Segment.objects.get(ready="champions").name == "Champions"
    assert web.post(f"{HOME}adopt/", {"key": "nonsense"}).status_code == 404


def test_every_ready_made_rule_can_be_changed_in_the_builder(web, shop):
    from retention.segments.ready import offered

    for key in offered(shop):
        assert web.get(f"{HOME}new/?ready={key}").status_code == 200


def test_a_segment_shows_its_people_and_where_it_is_used(web, again):
    actions.create_segment(
        again.store, name="Above", rule={"if": "segments.member", "is": "in", "value": again.pk}, by="user:1"
    )
    page = text(web.get(f"{HOME}{again.pk}/"))
    assert "Ann Lee" in page
    assert "=Bob" not in page
    assert "number of purchases is at least 2" in page
    assert '<span class="muted">Segment</span> Above' in page


def test_what_is_in_use_is_not_archived(web, again):
    rule = {"if": "segments.member", "is": "in", "value": again.pk}
    actions.create_segment(again.store, name="Above", rule=rule, by="user:1")
    page = text(web.post(f"{HOME}{again.pk}/archive/", follow=True))
    assert "cannot be archived" in page
    assert Segment.objects.get(pk=again.pk).status == "active"


def test_archived_and_back(web, again):
    web.post(f"{HOME}{again.pk}/archive/")
    assert "Came again" not in text(web.get(HOME)).partition("<main")[2].partition("toasts")[0]
    assert "Came again" in text(web.get(f"{HOME}?status=archived"))
    web.post(f"{HOME}{again.pk}/restore/")
    assert names(Segment.objects.get(pk=again.pk)) == {"ann@example.com"}


def test_a_copy_and_a_list_of_it(web, again):
    web.post(f"{HOME}{again.pk}/duplicate/")
    assert Segment.objects.get(name="Copy of Came again").rule == TWICE
    web.post(f"{HOME}{again.pk}/snapshot/")
    kept = Segment.objects.get(kind="list")
    assert names(kept) == {"ann@example.com"}
    assert "Came again" in kept.name
    # The same day once more: the name is taken, and nothing else is made.
    page = text(web.post(f"{HOME}{again.pk}/snapshot/", follow=True))
    assert "already" in page
    assert Segment.objects.filter(kind="list").count() == 1


def test_out_to_a_file_and_in_again(web, again):
    answer = web.get(f"{HOME}{again.pk}/segment.json")
    assert json.loads(answer.content)["rule"] == TWICE
    web.post(f"{HOME}import/", {"file": SimpleUploadedFile("s.json", answer.content)})
    made = Segment.objects.exclude(pk=again.pk).get()
    assert made.rule == TWICE
    assert made.name.startswith("Came again")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nonsense", "it is no JSON at line 1, column 1"),
        (b'{"name": "x",\n "rule": }', "it is no JSON at line 2, column 10"),
        (b"[1]", "that is one object in braces"),
        (b'{"rule": {}}', "it has no “name”"),
        (b'{"name": "x", "rule": [1]}', "it has no “rule”"),
        (b'{"name": "x", "rule": {"if": "no.such"}}', "There is no condition “no.such”"),
        (b"\xff\xfe", "it is no text"),
        (b"[" * 9000, "it cannot be read"),
    ],
    ids=range(8),
)
def test_a_wrong_file_is_refused_at_the_top_with_the_reason(web, shop, body, reason):
    answer = web.post(f"{HOME}import/", {"file": SimpleUploadedFile("s.json", body)})
    shown = text(answer)
    assert answer.status_code == 422
    top = shown[: shown.index('id="mine"')]
    assert "“s.json” was not imported." in top
    assert reason in top
    assert 'class="error"' in shown
    assert not Segment.objects.exists()


def test_a_list_from_a_file_names_who_is_unknown(web, shop):
    file = SimpleUploadedFile("l.csv", b"Name;E-Mail\nAnn;ANN@example.com\nX;x@example.com\nNo;\n")
    page = text(
        web.post(f"{HOME}list/", {"name": "VIPs", "emails": "bob@example.com", "file": file}, follow=True)
    )
    assert "2 people came onto the list. 1 address belongs to no customer." in page
    assert names(Segment.objects.get(name="VIPs")) == {"ann@example.com", "bob@example.com"}


def test_what_is_no_address_is_counted_and_named(web, shop):
    file = SimpleUploadedFile("l.csv", b"Name;E-Mail\nAnn;ann@example.com\nX;wrong\nNo;\nY;wrong\n")
    given = {"name": "VIPs", "emails": "bad\n\nx@example.com, <b>", "file": file}
    page = text(web.post(f"{HOME}list/", given, follow=True))
    assert "1 address belongs to no customer." in page
    assert "3 lines are no address: “bad”, “&lt;b&gt;”, “wrong”." in page
    file = SimpleUploadedFile("l.csv", b"address\nann@example.com\nbad\n")
    page = text(web.post(f"{HOME}list/", {"name": "Others", "file": file}, follow=True))
    assert "1 person came onto the list. 1 line is no address: “bad”." in page
    added = web.post(f"{HOME}{Segment.objects.get(name='Others').pk}/add/", {"emails": "worse"})
    assert "1 line is no address: “worse”." in text(added)


def test_people_come_onto_a_list_and_go(web, shop):
    vips = actions.create_list(shop, name="VIPs", by="user:1")
    url = f"{HOME}{vips.pk}/"
    assert web.post(f"{url}add/", {"emails": ""}).status_code == 422
    web.post(f"{url}add/", {"emails": "ann@example.com, bob@example.com"})
    assert names(vips) == {"ann@example.com", "bob@example.com"}
    bob = queries.customers_in(vips).get(email="bob@example.com")
    web.post(f"{url}remove/", {"person": bob.pk})
    assert names(vips) == {"ann@example.com"}


def test_the_activity_page_tells_a_list_once_and_by_its_name(web, shop):
    vips = actions.create_list(shop, name="VIPs", by="user:1")
    web.post(f"{HOME}{vips.pk}/add/", {"emails": "ann@example.com, bob@example.com"})
    page = html.unescape(text(web.get("/fern-finch/activity/")))
    assert "Segment “VIPs” changed by hand: 2 people came in" in page
    assert "Entered segment" not in page


def test_nobody_is_put_into_a_rule_by_hand(web, again):
    answer = web.post(f"{HOME}{again.pk}/add/", {"emails": "bob@example.com"})
    assert answer.status_code == 422
    assert names(again) == {"ann@example.com"}


def test_the_file_of_people_starts_no_formula(web, shop):
    buyers = {"if": "orders.count", "is": "at_least", "value": 1}
    all_buyers = actions.create_segment(shop, name="Buyers", rule=buyers, by="user:1")
    answer = web.get(f"{HOME}{all_buyers.pk}/people.csv")
    told = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(told))}
    assert rows["ann@example.com"]["net_revenue"] == "40.0"
    assert rows["bob@example.com"]["first_name"] == "'=Bob"


def test_the_file_of_a_segment_says_how_many_rows_come(web, shop, other_store):
    vips = actions.create_list(shop, name="VIPs", people=[a_customer(shop).pk for _ in range(3)], by="user:1")
    url = f"{HOME}{vips.pk}/people.csv"
    assert web.get(url, headers={"X-Progress": "1"})["X-Rows"] == "3"
    assert "X-Rows" not in web.get(url)


def test_people_are_paged_by_key(web, shop):
    crowd = [a_customer(shop).pk for _ in range(60)]
    everybody = actions.create_list(shop, name="All", people=crowd, by="user:1")
    seen, url = [], f"{HOME}{everybody.pk}/"
    after, part = "", {"HX-Request": "true", "HX-Target": "people"}
    for _ in range(4):
        page = text(web.get(url, {"after": after} if after else {}, headers=part))
        assert "<html" not in page
        seen += [int(pk) for pk in re.findall(r"customers/(\d+)/", page)]
        after = unquote(next(iter(re.findall(r'after=([^"]+)"', page)), ""))
        if not after:
            break
    assert sorted(seen) == sorted(crowd)


@pytest.mark.parametrize("after", ["x", "2026-01-01_1", "2026-01-01T00:00:00+00:00_99999999999999999999999"])
def test_a_wrong_key_is_the_first_page(web, again, after):
    assert "Ann Lee" in text(web.get(f"{HOME}{again.pk}/", {"after": after}))


def test_why_somebody_is_in_and_somebody_else_is_not(web, again):
    url = f"{HOME}{again.pk}/explain/"
    ann = text(web.get(url, {"who": "ANN@example.com"}))
    assert "Holds:" in ann
    assert "Does not hold" not in ann
    bob = text(web.get(url, {"who": "=bob"}))
    assert "is not in" in " ".join(bob.split())
    assert '<span class="found num">1</span>' in bob
    assert "Nobody here is called" in text(web.get(url, {"who": "zoe"}))


def test_of_several_people_one_is_chosen(web, again):
    a_customer(again.store, "lea@example.com", first_name="Lea")
    a_customer(again.store, "lee@example.com", first_name="Lee")
    page = text(web.get(f"{HOME}{again.pk}/explain/", {"who": "Le"}))
    assert "Who is meant?" in page


def test_two_side_by_side(web, again):
    buyers = {"if": "orders.count", "is": "at_least", "value": 1}
    other = actions.create_segment(again.store, name="Buyers", rule=buyers, by="user:1")
    page = text(web.get(f"{HOME}compare/", {"a": again.pk, "b": other.pk})).replace("\xa0", " ")
    assert "0 only in Came again, 1 in both, 1 only in Buyers" in page
    assert "100.0 %" in page  # Ann came again,
    assert "50.0 %" in page  # and so did one buyer of two.
    assert "$20.00" in page
    assert "$26.67" in page
    assert "+50.0 pts" in page


def test_a_foreign_segment_is_not_compared(web, again, other_store):
    theirs = actions.create_list(other_store, name="Theirs", by="user:1")
    assert "Theirs" not in text(web.get(f"{HOME}compare/", {"a": again.pk, "b": theirs.pk}))


def test_readers_see_everything_and_no_button(as_user, ana, again):
    page = text(as_user(ana).get(f"{HOME}{again.pk}/"))
    assert "Ann Lee" in page
    assert "Archive" not in page
    assert "Reviewed" not in page
    assert "New segment" not in text(as_user(ana).get(HOME))


def test_the_course_of_a_segment_older_than_today(web, again):
    then = timezone.now() - timedelta(days=30)
    Segment.objects.filter(pk=again.pk).update(created_at=then)
    Membership.objects.filter(segment=again).update(entered_at=then)
    bob = again.store.customers.get(email="bob@example.com")
    Membership.objects.create(
        segment=again, customer_id=bob.pk, entered_at=then, left_at=then + timedelta(days=10), cause="deed"
    )
    page = text(web.get(f"{HOME}{again.pk}/"))
    assert "2 people on" in page
    assert "1 today." in page
    assert "1 of 2 (50\xa0%) were in then and are in now." in page
    assert "from 2 to 1 people" in text(web.get(HOME))
