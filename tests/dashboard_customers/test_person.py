"""The page of one customer: worth, rhythm, story, orders, consent, segments, and panels of other apps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from retention.customers.merging import merge_customers
from retention.customers.models import Preference, Status
from retention.customers.panels import PANELS, Panel
from retention.customers.privacy import erase_customer
from retention.customers.vocabulary import CustomerAdded
from retention.dashboard.customers import person, story
from retention.orders.models import Order
from retention.segments.models import Membership, Segment
from retention.timeline.actions import record
from tests.dashboard_customers.shop import count, fill, open_shop, subscribe
from tests.world import a_customer, an_order

pytestmark = pytest.mark.django_db


def page(client, customer, query: str = "", **headers: str) -> str:
    answer = client.get(f"/fern-finch/customers/{customer.pk}/{query}", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_worth_is_that_of_the_figures_with_its_rank(store):
    people = open_shop(store)
    mara, bo = person.worth(people["mara"]), person.worth(people["bo"])
    assert mara
    assert bo
    assert (mara.net, mara.purchases, mara.average) == (10_000, 3, 10_000 / 3)
    assert (mara.above, bo.above) == (0, 0.5)
    assert mara.rank == "top 1\u00a0%"
    assert person.worth(people["cyd"]) is None


@pytest.mark.parametrize(
    ("above", "rank"), [(0, 1), (0.004, 1), (0.03, 3), (0.031, 4), (0.99, 99), (0.999, 100)]
)
def test_a_rank_counts_from_above_and_is_never_zero(above, rank):
    one = person.Worth(1, 1, timezone.now().date(), timezone.now().date(), above)
    assert one.rank == f"top {rank}\u00a0%"


def test_the_rhythm_stands_against_the_stores(store):
    mara = open_shop(store)["mara"]
    rhythm = person.rhythm(mara)
    assert rhythm
    assert rhythm.gaps == (35, 30)
    assert rhythm.own == 32.5
    assert rhythm.since == 10
    assert rhythm.pace == ("on time", "good")
    assert len(rhythm.dots) == 3
    assert rhythm.dots[0]["x"] == 4


def test_who_is_late_is_told_so(store):
    mara = a_customer(store)
    for days in (200, 190, 180):
        an_order(mara, timezone.now() - timedelta(days=days))
    count(store)
    rhythm = person.rhythm(mara)
    assert rhythm
    assert rhythm.pace == ("long gone", "bad")


def test_the_page_says_it_all(store, ana, as_user):
    mara = open_shop(store)["mara"]
    text = page(as_user(ana), mara)
    for words in (
        *("Mara Lindqvist", "mara@example.com", "Malmö, SE", "Buys for Table AB", "wholesale", "$100.00"),
        *("top 1", "32 days", "10 days ago", "Order #1010 · $50.00", "Subscribed to e-mail", "subscribed"),
    ):
        assert words.replace(" days", "\u00a0days") in text or words in text, words


def test_the_story_is_told_newest_first_page_by_page(store, ana, as_user):
    mara = a_customer(store)
    for number in range(story.PAGE + 5):
        an_order(mara, timezone.now() - timedelta(days=number), number=f"N{number:02}")
    first = story.story(mara)
    rest = story.story(mara, before=first.more)
    told = [moment.text for moment in [*first.moments, *rest.moments]]
    assert [text.split(" ")[1] for text in told] == [f"N{number:02}" for number in range(story.PAGE + 5)]
    assert rest.more == ""
    client = as_user(ana)
    text = page(client, mara)
    link = text.split('id="more" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    more = client.get(link, headers={"HX-Request": "true", "HX-Target": "more"}).content.decode()
    assert more.lstrip().startswith("<li>")
    assert more.count("<li>") == 5
    assert "Order N34" in client.get(link).content.decode()


def test_the_story_takes_the_same_number_of_queries_however_long(store, django_assert_max_num_queries):
    mara = a_customer(store)
    for number in range(20):
        fill(an_order(mara, timezone.now() - timedelta(days=number), number=f"N{number:02}"))
        subscribe(mara, at=timezone.now() - timedelta(days=number), status=list(Status)[number % 2])
    with django_assert_max_num_queries(14):
        story.story(mara)


def test_chips_are_the_families_that_are_there(store, ana, as_user):
    mara = open_shop(store)["mara"]
    assert list(story.story(mara).chips) == ["order", "consent"]
    only = story.story(mara, family="consent").moments
    assert [moment.text for moment in only] == ["Subscribed to e-mail (marketing)"]
    assert only[0].says == ["Shop · checkout box"]
    assert len(story.story(mara, family="nonsense").moments) == 4
    text = page(as_user(ana), mara, "?kind=consent")
    assert "Order #1010" not in text


def test_the_story_of_a_merged_record_is_part_of_the_persons(store, olivia, as_user):
    people = open_shop(store)
    record(store, CustomerAdded(), customer_id=people["bo"].pk)
    merge_customers(people["mara"], people["bo"], by=f"user:{olivia.pk}")
    told = [moment.text for moment in story.story(people["mara"]).moments]
    assert "Became known" in told
    assert told[0] == f"Merged with record {people['bo'].pk}"
    answer = as_user(olivia).get(f"/fern-finch/customers/{people['bo'].pk}/")
    assert answer["Location"] == f"/fern-finch/customers/{people['mara'].pk}/"


def test_a_person_of_the_store_is_named_as_the_one_who_did_it(store, sam, as_user):
    mara = open_shop(store)["mara"]
    as_user(sam).post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": "Prefers blue"})
    first = story.story(mara).moments[0]
    assert (first.text, first.who, first.quote) == ("Note written", "Sam", "Prefers blue")


def test_orders_with_lines_parcels_and_refunds(store, ana, as_user):
    mara = open_shop(store)["mara"]
    order = Order.objects.filter(customer=mara).order_by("-placed_at").first()
    assert order
    fill(order)
    text = page(as_user(ana), mara, "?tab=orders")
    for words in ("Hand-blown glass", "PostNord TR1", "$10.00 given back", "on its way", "Order #1075"):
        assert words in text, words


def test_orders_come_page_by_page(store):
    mara = a_customer(store)
    for number in range(7):
        an_order(mara, timezone.now() - timedelta(days=number), number=f"N{number}")
    first, key = person.orders(mara, size=4)
    rest, end = person.orders(mara, before=key, size=4)
    assert [str(one.order) for one in [*first, *rest]] == [f"N{number}" for number in range(7)]
    assert end == ""


def test_consent_with_its_proofs(store, ana, as_user):
    mara = open_shop(store)["mara"]
    subscribe(mara, status=Status.UNSUBSCRIBED, at=timezone.now(), method="one_click", wording="", ip=None)
    Preference.objects.create(customer=mara, frequency="monthly", changed_at=timezone.now())
    text = page(as_user(ana), mara, "?tab=consent")
    for words in ("checkout box", "v3", "203.0.113.9", "one click", "At most once a month", "unsubscribed"):
        assert words in text, words


def test_segments_say_why(store, ana, as_user):
    mara = open_shop(store)["mara"]
    rule = {
        "all": [
            {"if": "orders.count", "is": "at_least", "value": 2},
            {"if": "orders.count", "is": "at_least", "value": 9},
        ]
    }
    segment = Segment.objects.create(store=store, name="Regulars", rule=rule)
    Membership.objects.create(segment=segment, customer_id=mara.pk, entered_at=timezone.now(), cause="rule")
    client = as_user(ana)
    assert "Regulars" in page(client, mara)
    text = page(client, mara, f"segments/{segment.pk}/", **{"HX-Request": "true", "HX-Target": "drawer"})
    assert text.count('class="yes"') == 1
    assert text.count('class="no"') == 1
    assert "Here: 3" in text


def test_the_lifecycle_stage_stands_in_the_head(store, ana, as_user):
    mara = open_shop(store)["mara"]
    segment = Segment.objects.create(store=store, name="Loyal", rule={"all": []}, ready="loyal")
    Membership.objects.create(segment=segment, customer_id=mara.pk, entered_at=timezone.now(), cause="rule")
    assert '<span class="badge good">Loyal</span>' in page(as_user(ana), mara)


def test_an_erased_person_is_a_number_with_numbers(store, olivia, as_user):
    mara = open_shop(store)["mara"]
    client = as_user(olivia)
    client.post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": "Allergic to nuts"})
    erase_customer(mara, by="test")
    text = page(client, mara)
    assert f"Erased customer {mara.pk}" in text
    assert "$100.00" in text
    for gone in (
        "Mara",
        "Lindqvist",
        "mara@example.com",
        "Allergic",
        "Save note",
        'id="add-tag"',
        "Erase this",
    ):
        assert gone not in text, gone
    assert client.post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": "x"}).status_code == 404


def test_what_people_write_is_text(store, olivia, as_user):
    mara = a_customer(store, "x@example.com", first_name="<b>Bold</b>", tags=["<i>"], company="<script>")
    client = as_user(olivia)
    client.post(f"/fern-finch/customers/{mara.pk}/notes/", {"text": "<img src=x>"})
    for url in ("", "?tab=orders", "?tab=consent"):
        text = page(client, mara, url)
        for raw in ("<b>Bold", "<i>", "<img src=x", "<script>"):
            assert raw not in text.replace("<script src", ""), raw


def test_panels_of_other_apps_are_fetched_by_their_address(store, ana, marco, as_user, monkeypatch):
    mara = open_shop(store)["mara"]
    monkeypatch.setitem(PANELS, "a", Panel("a", "Points", "customers:duplicates_of_nobody"))
    monkeypatch.setitem(PANELS, "b", Panel("b", "Parcels", "customers:person"))
    monkeypatch.setitem(PANELS, "c", Panel("c", "Tickets", "customers:person", roles=("marketer",)))
    text = page(as_user(ana), mara)
    assert f'hx-get="/fern-finch/customers/{mara.pk}/" hx-trigger="load"' in text
    assert "Parcels" in text
    assert "Points" not in text
    assert "Tickets" not in text
    assert "Tickets" in page(as_user(marco), mara)


def test_the_analyst_reads_and_finds_nothing_to_press(store, ana, as_user):
    mara = open_shop(store)["mara"]
    text = page(as_user(ana), mara)
    for button in ("Save note", "Add tag", "Download all data", "Erase", "Remove the tag"):
        assert button not in text, button


def test_support_may_not_hand_out_or_erase(store, sam, as_user):
    mara = open_shop(store)["mara"]
    text = page(as_user(sam), mara)
    assert "Save note" in text
    assert "Download all data" not in text


def test_the_dashboards_people_lead_here(store, ana, as_user):
    mara = open_shop(store)["mara"]
    text = as_user(ana).get("/fern-finch/numbers/repeat-rate/").content.decode()
    assert f'href="/fern-finch/customers/{mara.pk}/"' in text
