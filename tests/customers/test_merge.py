"""Two records, one person: every number stays exact, and taking it back gives each what is its own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.customers import consent, merging
from retention.customers.actions import correct_customer
from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.merging import NotPossible, merge_customers, unmerge
from retention.customers.models import Belonging, Customer, Identity, Merge
from retention.metrics.models import CustomerFact
from retention.orders.models import Order
from retention.timeline.models import Event
from tests.customers.shop import at, clean, import_orders, on, picture, told, totals
from tests.metrics.shop import a_refund
from tests.world import a_customer, a_store, an_order

pytestmark = pytest.mark.django_db(transaction=True)


def known(store, name, source="shop"):
    return Customer.objects.get(identities__source=source, identities__external_id=name, store=store)


def test_orders_and_names_move_and_the_numbers_stay(store):
    one, two = a_customer(store, "one@example.com"), a_customer(store, "two@example.com")
    for customer, day in ((one, 1), (two, 2), (two, 5)):
        an_order(customer, at(day))
    told()
    before = totals(store)
    merge_customers(one, two, by="user:1")
    assert clean(store) == []
    assert totals(store) == before
    assert CustomerFact.objects.get(store=store).purchases == 3
    assert known(store, "two@example.com", "email") == one
    assert Customer.objects.get(pk=two.pk).merged_into == one
    assert Event.objects.get(kind="customer.merged").data == {"other": two.pk}


def test_taking_a_merge_back_restores_both_people_exactly(store):
    one = a_customer(store, "one@example.com", first_name="Ann", versions={"first_name": 5}, tags=["vip"])
    two = a_customer(
        store, "two@example.com", first_name="Anna", versions={"first_name": 9}, custom={"Shoe": "41"}
    )
    a_refund(store, at(9), 300, customer=two)
    for customer, day in ((one, 1), (two, 2), (two, 5)):
        an_order(customer, at(day))
    record_consent(
        two, Evidence(channel="email", status="unsubscribed", source="form", method="form", at=at(3))
    )
    told()
    before = picture(store)
    merge = merge_customers(one, two, by="user:1")
    shown = Customer.objects.get(pk=one.pk)
    assert (shown.first_name, shown.tags, shown.custom) == ("Anna", ["vip"], {"Shoe": "41"})
    assert status_of(one, "email") == "unsubscribed"
    unmerge(merge, by="user:1")
    assert picture(store) == before
    assert not Belonging.objects.exists()
    assert clean(store) == []
    assert Event.objects.get(kind="customer.unmerged").data == {"other": two.pk}


def test_what_came_in_between_goes_to_the_one_whose_name_it_came_under(store, tmp_path):
    import_orders(
        store, tmp_path,
        ("A1", on(1), "c1", "", "", "", "10.00"),
        ("B1", on(2), "c2", "two@example.com", "", "", "20.00"),
    )  # fmt: skip
    one, two = known(store, "c1"), known(store, "c2")
    merge = merge_customers(one, two, by="user:1")
    import_orders(
        store, tmp_path,
        ("A2", on(3), "c1", "", "", "", "1.00"),
        ("B2", on(4), "c2", "", "", "", "2.00"),
        ("B3", on(5), "", "two@example.com", "", "", "3.00"),
        ("B4", on(6), "c2", "new@example.com", "", "", "4.00"),
        ("B5", on(7), "", "new@example.com", "", "", "-1.00"),
    )  # fmt: skip
    assert set(Order.objects.filter(store=store, placed_at__lt=at(7)).values_list("customer", flat=True)) == {
        one.pk
    }
    assert clean(store) == []
    before = totals(store)
    unmerge(merge, by="user:1")
    owned = {o.external_id: o.customer_id for o in Order.objects.filter(store=store)}
    assert {k for k, v in owned.items() if v == one.pk} == {"A1", "A2"}
    assert {"B1", "B2", "B3", "B4"} <= {k for k, v in owned.items() if v == two.pk}
    assert known(store, "new@example.com", "email") == two
    assert Customer.objects.get(pk=one.pk).email == ""
    assert Customer.objects.get(pk=two.pk).email == "new@example.com"
    assert clean(store) == []
    assert totals(store) == before


def test_an_import_merges_by_address_and_that_can_be_taken_back(store, tmp_path):
    import_orders(
        store, tmp_path,
        ("A1", on(1), "c1", "", "", "", "10.00"),
        ("B1", on(2), "", "two@example.com", "", "", "20.00"),
    )  # fmt: skip
    assert Customer.objects.filter(store=store).count() == 2
    import_orders(store, tmp_path, ("A2", on(3), "c1", "two@example.com", "", "", "5.00"))
    merge = Merge.objects.get()
    assert clean(store) == []
    unmerge(merge, by="user:1")
    owned = {o.external_id: o.customer_id for o in Order.objects.filter(store=store)}
    assert owned["A1"] == owned["A2"] != owned["B1"]
    assert clean(store) == []


def test_people_told_apart_are_not_merged_by_the_next_file(store, tmp_path):
    import_orders(
        store, tmp_path,
        ("A1", on(1), "c1", "", "", "", "10.00"),
        ("B1", on(2), "", "two@example.com", "", "", "20.00"),
    )  # fmt: skip
    one, two = known(store, "c1"), known(store, "two@example.com", "email")
    merging.keep_apart(one, two, by="user:1")
    import_orders(store, tmp_path, ("A2", on(3), "c1", "two@example.com", "", "", "5.00"))
    assert not Merge.objects.exists()
    assert Order.objects.get(external_id="A2").customer == one
    assert clean(store) == []


def test_a_correction_by_hand_outlives_later_files_and_the_undoing(store, tmp_path):
    import_orders(store, tmp_path, ("A1", on(1), "c1", "one@example.com", "", "", "1.00"))
    one, two = (
        known(store, "c1"),
        a_customer(store, "two@example.com", first_name="Wrong", versions={"first_name": 7}),
    )
    merge = merge_customers(one, two, by="x")
    correct_customer(Customer.objects.get(pk=one.pk), {"first_name": "Right"}, by="user:1")
    merge_customers(one, a_customer(store, first_name="Other", versions={"first_name": 9}), by="x")
    import_orders(store, tmp_path, ("A2", on(2), "c1", "one@example.com", "", "", "1.00"))
    assert Customer.objects.get(pk=one.pk).first_name == "Right"
    unmerge(merge, by="x")
    assert Customer.objects.get(pk=one.pk).first_name == "Right"
    assert Customer.objects.get(pk=two.pk).first_name == "Wrong"


def test_merges_of_merges_come_apart_one_by_one(store):
    people = [
        a_customer(store, f"p{i}@example.com", first_name=f"P{i}", versions={"first_name": i + 1})
        for i in range(4)
    ]
    for i, customer in enumerate(people):
        an_order(customer, at(i + 1))
    told()
    before = picture(store)
    first = merge_customers(people[1], people[2], by="x")
    second = merge_customers(people[0], Customer.objects.get(pk=people[1].pk), by="x")
    third = merge_customers(
        Customer.objects.get(pk=people[3].pk), Customer.objects.get(pk=people[0].pk), by="x"
    )
    assert CustomerFact.objects.filter(store=store).count() == 4
    assert clean(store) == []
    assert CustomerFact.objects.get(store=store).purchases == 4
    for merge in (first, third, second):
        unmerge(merge, by="x")
        assert clean(store) == []
    assert picture(store) == before


def test_a_merge_is_refused_when_it_makes_no_sense(store):
    one, two = a_customer(store), a_customer(store)
    merge = merge_customers(one, two, by="x")
    for a, b in ((one, one), (one, two), (one, a_customer(a_store()))):
        with pytest.raises(NotPossible):
            merge_customers(a, Customer.objects.get(pk=b.pk), by="x")
    unmerge(merge, by="x")
    with pytest.raises(NotPossible):
        unmerge(merge, by="x")


def test_consent_of_both_counts_for_the_person(store):
    one, two = a_customer(store), a_customer(store)
    for customer, status, day in ((one, "subscribed", 1), (two, "unsubscribed", 2)):
        record_consent(
            customer, Evidence(channel="email", status=status, source="form", method="form", at=at(day))
        )
    merge = merge_customers(one, two, by="x")
    two.refresh_from_db()
    assert status_of(one, "email") == status_of(two, "email") == "unsubscribed"
    consent.subscribe(two, "sms", source="form", method="form")
    unmerge(merge, by="x")
    two.refresh_from_db()
    assert (status_of(one, "email"), status_of(one, "sms")) == ("subscribed", "never_subscribed")
    assert (status_of(two, "email"), status_of(two, "sms")) == ("unsubscribed", "subscribed")


STEPS = st.lists(
    st.tuples(st.sampled_from(["merge", "unmerge", "order"]), st.integers(0, 3), st.integers(0, 3)),
    max_size=8,
)


@given(steps=STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_story_of_merges_ends_where_it_would_have_without_them(steps, db, tmp_path_factory):
    store, plain = a_store(), a_store()
    folder = tmp_path_factory.mktemp("story")
    for place in (store, plain):
        import_orders(place, folder, *[(f"O{i}", on(i + 1), f"c{i}", "", "", "", "5.00") for i in range(4)])
    ids = [known(store, f"c{i}").pk for i in range(4)]
    for n, (what, i, j) in enumerate(steps):
        one, two = Customer.objects.get(pk=ids[i]), Customer.objects.get(pk=ids[j])
        if what == "order":
            for place in (store, plain):
                import_orders(place, folder, (f"N{n}", on(10 + n), f"c{i}", "", "", "", "7.00"))
        elif what == "merge":
            one, two = merging.person_of(one), merging.person_of(two)
            if one != two:
                merge_customers(one, two, by="x")
        elif merge := Merge.objects.filter(other=ids[i], undone_at=None).first():
            unmerge(merge, by="x")
        assert clean(store) == []
    for merge in Merge.objects.filter(store=store, undone_at=None).order_by("?"):
        unmerge(merge, by="x")
    assert _owned(store) == _owned(plain)
    assert clean(store) == []


def _owned(store):
    names = dict(Identity.objects.filter(store=store).values_list("customer", "external_id"))
    return {o.external_id: names[o.customer_id] for o in Order.objects.filter(store=store)}


def test_people_told_apart_are_not_joined_by_an_address_that_both_begin_to_use(store, tmp_path):
    import_orders(
        store, tmp_path,
        ("A1", on(1), "c1", "", "", "", "10.00"),
        ("B1", on(2), "c2", "", "", "", "20.00"),
    )  # fmt: skip
    one, two = known(store, "c1"), known(store, "c2")
    merging.keep_apart(one, two, by="user:1")
    import_orders(
        store, tmp_path,
        ("A2", on(3), "c1", "home@example.com", "", "", "5.00"),
        ("B2", on(4), "c2", "home@example.com", "", "", "5.00"),
        ("C1", on(5), "c3", "home@example.com", "", "", "5.00"),
    )  # fmt: skip
    assert not Merge.objects.exists()
    owned = {o.external_id: o.customer_id for o in Order.objects.filter(store=store)}
    assert (owned["A2"], owned["B2"]) == (one.pk, two.pk)
    assert clean(store) == []
