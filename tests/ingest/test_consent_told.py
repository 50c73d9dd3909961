"""What a shop's customer file says about e-mail becomes consent, and never gives back what was taken."""

from __future__ import annotations

from itertools import permutations

import pytest

from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Customer, Proof
from retention.timeline.models import Event
from tests.ingest.conftest import Import

EMAIL, IMPORTED = "email", {"source": "shopify", "method": "import_undated", "imported": True}


def customers(accepts: str) -> str:
    head = "Customer ID,First Name,Last Name,Email,Accepts Email Marketing"
    return f"{head}\n'7,Ada,Lovelace,ada@example.com,{accepts}\n"


def ada() -> Customer:
    return Customer.objects.get(first_name="Ada")


def test_who_accepts_is_subscribed_with_a_proof(import_text: Import):
    import_text(customers("yes"))
    assert status_of(ada(), EMAIL) == "subscribed"
    assert Proof.objects.filter(customer=ada(), status="subscribed", **IMPORTED).count() == 1
    assert Event.objects.filter(kind="consent.subscribed", customer_id=ada().pk).count() == 1


def test_who_does_not_accept_was_simply_never_subscribed(import_text: Import):
    import_text(customers("no"))
    assert status_of(ada(), EMAIL) == "never_subscribed"
    assert not Proof.objects.exists()


@pytest.mark.parametrize("again", [1, 2])
def test_the_same_file_again_is_no_further_proof(import_text: Import, again: int):
    for _ in range(1 + again):
        import_text(customers("yes"))
    assert Proof.objects.count() == 1


FILES = (("yes", "2025-01-05T12:00"), ("no", "2025-03-05T12:00"), ("no", "2025-04-05T12:00"))


@pytest.mark.parametrize("order", list(permutations(FILES)))
def test_who_no_longer_accepts_has_unsubscribed_whichever_file_came_first(import_text: Import, order):
    for accepts, day in order:
        import_text(customers(accepts), "--as-of", day)
    assert status_of(ada(), EMAIL) == "unsubscribed"
    import_text(customers("yes"), "--as-of", "2025-06-05T12:00")
    assert status_of(ada(), EMAIL) == "unsubscribed"


def test_a_file_never_subscribes_who_said_no_here(import_text: Import):
    import_text(customers("no"))
    said = Evidence(
        channel=EMAIL,
        status="unsubscribed",
        source="preference_centre",
        method="one_click",
        at=ada().created_at,
    )
    record_consent(ada(), said)
    import_text(customers("yes"))
    assert status_of(ada(), EMAIL) == "unsubscribed"


HEAD = "Customer ID,First Name,Last Name,Email,Accepts Email Marketing"


def named(first_name: str) -> Customer:
    return Customer.objects.get(first_name=first_name)


def test_what_is_told_of_a_merged_record_stays_with_it(import_text: Import):
    rows = "{}\n'7,Ada,Lovelace,ada@example.com,{}\n'8,Bea,Lovelace,bea@example.com,{}\n"
    import_text(rows.format(HEAD, "no", "no"))
    merge = merge_customers(ada(), named("Bea"), by="user:1")
    import_text(f"{HEAD}\n'8,Bea,Lovelace,bea@example.com,yes\n")
    assert status_of(Customer.objects.get(pk=merge.survivor_id), EMAIL) == "subscribed"
    unmerge(merge, by="user:1")
    assert (status_of(ada(), EMAIL), status_of(named("Bea"), EMAIL)) == ("never_subscribed", "subscribed")
    assert (ada().accepts_email, named("Bea").accepts_email) == (False, True)


def test_a_no_of_a_merged_record_is_no_other_records_no(import_text: Import):
    import_text(f"{HEAD}\n'7,Ada,Lovelace,ada@example.com,yes\n'8,Bea,Lovelace,bea@example.com,\n")
    merge = merge_customers(ada(), named("Bea"), by="user:1")
    import_text(f"{HEAD}\n'8,Bea,Lovelace,bea@example.com,no\n")
    import_text(f"{HEAD}\n'7,Ada,Lovelace,ada@example.com,yes\n", "--as-of", "2025-01-05T12:00")
    unmerge(merge, by="user:1")
    assert (status_of(ada(), EMAIL), status_of(named("Bea"), EMAIL)) == ("subscribed", "never_subscribed")


def test_a_dry_run_subscribes_nobody(import_text: Import):
    import_text(customers("yes"), "--dry-run")
    assert not Proof.objects.exists()
