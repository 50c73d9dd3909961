"""Segments stay true: by what people do, by time, by merges, and by changes of their own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from retention.metrics.reactions import KINDS, update_metrics
from retention.segments import actions, explaining, living, queries, ready, rules
from retention.segments.facts import benchmarks_of
from retention.segments.members import Surroundings, ask
from retention.segments.models import Membership, Segment, Turn
from retention.segments.reactions import react
from retention.timeline.models import Event
from tests.world import a_customer, a_store, an_order

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TWICE = {"if": "orders.count", "is": "at_least", "value": 2}
RECENT = {"if": "orders.last", "is": "in_last", "value": {"n": 30, "unit": "days"}}


@pytest.fixture
def shop(db):
    return a_store("Fern & Finch", slug="fern", time_zone="Pacific/Auckland")


def read(now):
    """Let figures and segments follow the timeline, as the background does."""
    seen = getattr(read, "seen", 0)
    events = list(Event.objects.filter(pk__gt=seen).order_by("pk"))
    if events:
        update_metrics([e for e in events if e.kind in KINDS])
        react(events, now=now)
        read.seen = events[-1].pk


def who(segment):
    return set(Membership.objects.filter(segment=segment, left_at=None).values_list("customer_id", flat=True))


def told(segment):
    """(kind, person, cause) of everything that the timeline says of it."""
    events = Event.objects.filter(subject=f"segment:{segment.pk}", customer_id__isnull=False).order_by("pk")
    return [(e.kind, e.customer_id, e.data["cause"]) for e in events]


def make(shop, rule, name="Group", now=NOON):
    return actions.create_segment(shop, name=name, rule=rule, by="user:1", now=now)


def test_a_purchase_brings_somebody_in_and_the_timeline_tells_it(shop):
    ana = a_customer(shop)
    group = make(shop, TWICE)
    an_order(ana, NOON - DAY)
    read(NOON)
    assert who(group) == set()
    an_order(ana, NOON)
    read(NOON)
    assert who(group) == {ana.pk}
    assert told(group) == [("segment.entered", ana.pk, "deed")]


def test_old_events_bring_people_in_as_history(shop):
    ana = a_customer(shop)
    group = make(shop, TWICE)
    an_order(ana, NOON - 400 * DAY)
    an_order(ana, NOON - 300 * DAY)
    read(NOON)
    assert told(group) == [("segment.entered", ana.pk, "history")]


def test_time_takes_somebody_out_at_local_midnight(shop):
    ana = a_customer(shop)
    an_order(ana, NOON)  # 1 a.m. on the 11th in Auckland
    read(NOON)
    group = make(shop, RECENT)
    midnight = datetime(2026, 4, 9, 12, tzinfo=UTC)  # 10 April there, on winter time since the 5th
    assert Turn.objects.get(segment=group).at == midnight
    living.sweep(midnight - timedelta(seconds=1))
    assert who(group) == {ana.pk}
    living.sweep(midnight + timedelta(hours=30))
    assert who(group) == set()
    assert told(group) == [("segment.left", ana.pk, "time")]
    assert Membership.objects.get(segment=group).left_at == midnight


def test_what_segments_tell_is_not_heard_by_segments(shop):
    ana = a_customer(shop)
    make(shop, TWICE)
    an_order(ana)
    an_order(ana)
    read(NOON)
    before = Event.objects.count()
    read(NOON)
    read(NOON)
    assert Event.objects.count() == before


def test_a_changed_rule_moves_the_difference_and_tells_one_event(shop):
    ana, ben = a_customer(shop), a_customer(shop)
    for person in (ana, ana, ben):
        an_order(person)
    read(NOON)
    group = make(shop, TWICE)
    stay = Membership.objects.get(segment=group)
    actions.change_rule(
        group, {"if": "orders.count", "is": "at_least", "value": 1}, by="user:1", now=NOON + DAY
    )
    assert who(group) == {ana.pk, ben.pk}
    stay.refresh_from_db()
    assert stay.left_at is None
    assert told(group) == []
    changed = Event.objects.filter(kind="segment.changed").latest("pk")
    assert (changed.data["what"], changed.data["entered"], changed.data["left"], changed.by) == (
        "changed",
        1,
        0,
        "user:1",
    )


def test_segments_of_segments_move_together(shop):
    ana = a_customer(shop)
    twice = make(shop, TWICE, "Twice")
    outer = make(shop, {"not": {"if": "segments.member", "is": "in", "value": twice.pk}}, "Others")
    outermost = make(shop, {"if": "segments.member", "is": "not_in", "value": outer.pk}, "Outermost")
    read(NOON)
    an_order(ana)
    read(NOON)
    assert (who(outer), who(outermost)) == ({ana.pk}, set())
    an_order(ana)
    read(NOON)
    assert (who(twice), who(outer), who(outermost)) == ({ana.pk}, set(), {ana.pk})


def test_a_segment_cannot_ask_about_itself(shop):
    inner = make(shop, TWICE, "Inner")
    outer = make(shop, {"if": "segments.member", "is": "in", "value": inner.pk}, "Outer")
    with pytest.raises(rules.RuleError, match="asks about this segment itself"):
        actions.change_rule(
            inner, {"not": {"if": "segments.member", "is": "in", "value": outer.pk}}, by="user:1"
        )
    with pytest.raises(actions.InUse, match="Outer"):
        actions.archive_segment(inner, by="user:1")


def test_lists_feed_segments(shop):
    ana, ben = a_customer(shop), a_customer(shop)
    stranger = a_customer(a_store())
    guests = actions.create_list(shop, name="Guests", people=[ana.pk, stranger.pk], by="user:1", now=NOON)
    group = make(shop, {"if": "lists.member", "is": "in", "value": guests.pk})
    assert (who(guests), who(group)) == ({ana.pk}, {ana.pk})
    assert actions.add_to_list(guests, [ana.pk, ben.pk], by="user:1", now=NOON) == 1
    assert actions.remove_from_list(guests, [ana.pk], by="user:1", now=NOON) == 1
    assert who(group) == {ben.pk}
    assert told(guests)[-1] == ("segment.left", ana.pk, "hand")


def test_merged_records_are_one_person(shop):
    from retention.customers.merging import merge_customers

    ana, other = a_customer(shop), a_customer(shop)
    guests = actions.create_list(shop, name="Guests", people=[other.pk], by="user:1", now=NOON)
    twice = make(shop, TWICE, "Twice")
    placed = make(shop, {"if": "events.count", "is": "equals", "value": 2, "kind": "order.placed"}, "Placed")
    an_order(ana)
    an_order(other)
    read(NOON)
    assert who(twice) == set()
    merge_customers(ana, other, by="user:1")
    read(NOON)
    assert who(twice) == who(placed) == who(guests) == {ana.pk}


def test_a_new_person_is_asked_about_every_segment(shop):
    never = make(shop, {"if": "orders.count", "is": "equals", "value": 0})
    ana = a_customer(shop)
    Event.objects.create(store=shop, kind="customer.added", customer_id=ana.pk, occurred_at=NOON, data={})
    read(NOON)
    assert who(never) == {ana.pk}


def test_another_time_zone_is_another_answer(shop):
    ana = a_customer(shop)
    an_order(ana, NOON)
    read(NOON)
    group = make(shop, {"if": "orders.last", "is": "on", "value": "2026-03-11"})
    assert who(group) == {ana.pk}
    from retention.metrics.rebuild import rebuild

    shop.time_zone = "America/New_York"
    shop.save()
    rebuild(shop)
    living.sweep(NOON + DAY)
    assert who(group) == set()


def test_everybody_explains_why(shop):
    ana = a_customer(shop, first_name="Ana")
    an_order(ana, NOON, items=5_000)
    read(NOON)
    rule = {"all": [TWICE, {"not": {"any": [RECENT]}}]}
    group = make(shop, rule)
    found = queries.why(group, ana, NOON)
    count, last = found.conditions()
    assert (found.holds, count.holds, count.value, last.holds, last.value) == (
        False,
        False,
        1,
        True,
        "2026-03-11",
    )
    assert count.words == "number of purchases is at least 2"
    assert last.turns_at == datetime(2026, 4, 9, 12, tzinfo=UTC)
    assert explaining.explain(a_store(), rule, ana.pk, NOON) is None


def test_a_preview_counts_without_keeping(shop):
    ana, ben = a_customer(shop), a_customer(shop)
    an_order(ana, items=3_000)
    an_order(ben, items=1_000)
    read(NOON)
    found = queries.preview(shop, {"if": "orders.spend", "is": "at_least", "value": 2_000}, NOON)
    assert (found.count, found.revenue, found.share_of_customers, found.share_of_revenue) == (
        1,
        3_000,
        0.5,
        0.75,
    )
    assert found.sample == [ana]
    assert (
        list(queries.customers_matching(shop, {"if": "profile.email", "is": "contains", "value": "%"}, NOON))
        == []
    )
    assert not Segment.objects.exists()


def test_sizes_and_drift_come_from_the_stays(shop):
    ana, ben = a_customer(shop), a_customer(shop)
    guests = actions.create_list(shop, name="Guests", people=[ana.pk], by="user:1", now=NOON)
    actions.add_to_list(guests, [ben.pk], by="user:1", now=NOON + 2 * DAY)
    actions.remove_from_list(guests, [ana.pk], by="user:1", now=NOON + 3 * DAY)
    first = (NOON - DAY).astimezone(shop.tz).date()
    assert [one.size for one in queries.sizes(guests, first, first + 5 * DAY)] == [0, 1, 1, 2, 1, 1]
    found = queries.drift(guests, NOON + 4 * DAY, days=4)
    assert (found.size_then, found.size_now, found.stayed) == (1, 1, 0)


def test_overlap_and_snapshot(shop):
    ana, ben = a_customer(shop), a_customer(shop)
    for person in (ana, ana, ben):
        an_order(person)
    read(NOON)
    once = make(shop, {"if": "orders.count", "is": "at_least", "value": 1}, "Once")
    twice = make(shop, TWICE, "Twice")
    assert [(o.segment, o.both, o.other) for o in queries.overlap(once)] == [(twice, 1, 1)]
    assert queries.overlap_of_rule(shop, TWICE, NOON)[0].both == 1
    kept = actions.snapshot_segment(once, name="Then", by="user:1", now=NOON)
    assert who(kept) == {ana.pk, ben.pk}
    copy = actions.duplicate_segment(twice, by="user:1", now=NOON)
    assert (copy.name, who(copy)) == ("Copy of Twice", {ana.pk})


def test_an_archived_segment_rests_until_it_is_restored(shop):
    ana = a_customer(shop)
    group = make(shop, TWICE)
    actions.archive_segment(group, by="user:1", now=NOON)
    an_order(ana)
    an_order(ana)
    read(NOON)
    assert who(group) == set()
    actions.restore_segment(group, by="user:1", now=NOON)
    assert who(group) == {ana.pk}


def test_a_file_of_a_segment_makes_the_same_segment_elsewhere(shop):
    group = make(shop, {"any": [TWICE, RECENT]})
    other = actions.segment_from_json(a_store(), actions.segment_as_json(group), by="user:2", now=NOON)
    assert (other.name, other.rule) == (group.name, group.rule)
    with pytest.raises(rules.RuleError, match="no condition"):
        actions.segment_from_json(shop, {"name": "X", "rule": {"if": "x.y", "is": "z"}}, by="user:2")


@pytest.mark.parametrize("key", sorted(ready.READY))
def test_every_ready_made_segment_can_be_read_adopted_and_changed(shop, key):
    import random

    from tests.segments.shop import a_product

    rng = random.Random(3)
    for number in range(4):
        product = a_product(shop, rng, number)
        product.category = f"Shelf {number % 2}"
        product.save()
        person = a_customer(shop)
        order = an_order(person, NOON - number * 30 * DAY)
        order.lines.create(product=product, quantity=1, total=2_500)
    read(NOON)
    group = ready.adopt(shop, key, by="user:1", now=NOON)
    assert ready.adopt(shop, key, by="user:1", now=NOON) == group
    assert rules.sentence(group.tree, shop).startswith("Customers for whom ")
    actions.change_rule(group, {"all": [group.tree, TWICE]}, by="user:1", now=NOON)


def test_the_stages_of_life_do_not_overlap(shop):
    """Everybody who bought is in exactly one of new, developing, loyal, champions, at risk and lapsed."""
    from retention.segments.ready import offered

    people = [a_customer(shop) for _ in range(12)]
    for number, person in enumerate(people):
        for nth in range(1 + number % 4):
            an_order(person, NOON - (number * 17 + nth * 21) * DAY, items=3_000 * (1 + number))
    for nth in range(4):
        an_order(people[0], NOON - nth * DAY)
    read(NOON)
    stages = [offered(shop)[key] for key in ("new", "developing", "loyal", "champions", "at-risk", "lapsed")]
    found = [
        set(queries.customers_matching(shop, rule, NOON).values_list("pk", flat=True)) for rule in stages
    ]
    assert sum(len(one) for one in found) == len(set().union(*found)) == len(people)


def test_few_people_and_many_are_asked_the_same(shop):
    people = [a_customer(shop) for _ in range(60)]
    for person in people[::2]:
        an_order(person)
        an_order(person)
    read(NOON)
    group = make(shop, {"all": [TWICE, {"if": "profile.email", "is": "not_contains", "value": "100%"}]})
    Membership.objects.filter(segment=group).delete()
    around, segments = Surroundings.with_live(shop)
    many = ask(around, segments, [p.pk for p in people], NOON)
    few = [move for p in people for move in ask(around, segments, [p.pk], NOON)]
    assert sorted(many) == sorted(few)
    assert len(many) == 30


def test_usual_numbers_need_enough_buyers(shop):
    living.facts.measure(shop, NOON.date())
    assert benchmarks_of(shop).gap == 60


def test_the_few_who_buy_most_often_do_not_speak_for_all(shop):
    eager = a_customer(shop)
    for week in range(100):
        an_order(eager, NOON - 7 * week * DAY)
    for _ in range(50):
        person = a_customer(shop)
        an_order(person, NOON - 120 * DAY)
        an_order(person, NOON - 30 * DAY)
    read(NOON)
    living.facts.measure(shop, NOON.date())
    assert benchmarks_of(shop).gap == 90


def test_where_people_come_several_times_a_day_the_usual_gap_is_a_day(shop):
    for _ in range(50):
        person = a_customer(shop)
        for nth in range(5):
            an_order(person, NOON - (nth // 2) * DAY)
    read(NOON)
    living.facts.measure(shop, NOON.date())
    assert benchmarks_of(shop).gap == 1
