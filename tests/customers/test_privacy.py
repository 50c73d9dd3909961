"""Handing out everything, and forgetting: the numbers stay, the person is nowhere to be found."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMessage
from django.db import connection

from retention.customers import shopify
from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.export import export_customer
from retention.customers.merging import merge_customers
from retention.customers.models import Customer, Forgotten, Identity, Proof
from retention.customers.notes import add_note
from retention.customers.privacy import erase_customer, find_person
from retention.customers.tagging import tag_customers
from retention.dashboard.models import SavedView
from retention.ingest.models import ImportRun, RejectedRow
from retention.machine import archive, binaries
from retention.metrics.models import CustomerFact
from retention.orders.models import Order
from retention.stores.models import OutboxMail
from retention.stores.outbox import OutboxBackend
from retention.timeline.models import Event
from tests.customers.shop import at, clean, import_orders, on, told, totals
from tests.world import a_customer, an_order

pytestmark = pytest.mark.django_db(transaction=True)
BODIES = Path(__file__).parent / "shopify"


def body(name):
    return json.loads((BODIES / f"{name}.json").read_text())


def mara(store, tmp_path):
    """A person who left traces everywhere, among two others."""
    import_orders(
        store, tmp_path,
        ("A1", on(1), "c1", "mara.lind@example.com", "Mara", "Lind", "10.00"),
        ("A2", on(9), "c1", "mara.lind@example.com", "Mara", "Lind", "-4.00"),
        ("B1", on(2), "c2", "bo@example.com", "Bo", "Ek", "20.00"),
        ("B2", "no date", "c1", "mara.lind@example.com", "Mara", "Lind", "20.00"),
    )  # fmt: skip
    person = find_person(store, ("email", "mara.lind@example.com"))
    Customer.objects.filter(pk=person.pk).update(
        first_name="Mara", last_name="Lind", phone="+4520304050", address1="Hill Road 4", city="Lundby",
        birthday="1990-02-28", custom={"Dog": "Rexitus"}, tags=["Lindfriend"], added_tags=["Lindfriend"],
    )  # fmt: skip
    record_consent(
        person,
        Evidence(
            channel="email", status="subscribed", source="form", method="form", at=at(1), ip="203.0.113.77",
            detail={"words": "Rexitus sent me"},
        ),
    )  # fmt: skip
    guest = a_customer(store, "m.lind@second.example", first_name="Mara", last_name="Lind")
    an_order(guest, at(12))
    merge_customers(person, guest, by="user:1")
    return Customer.objects.select_related("store").get(pk=person.pk)


def more_traces(person, olivia):
    OutboxBackend().send_messages([EmailMessage("Confirm", "Dear Mara Lind", to=["mara.lind@example.com"])])
    run = ImportRun.objects.create(store=person.store, path="x", name="x", as_of=0)
    RejectedRow.objects.create(
        run=run, line=2, reason="“mara.lind@example.com” is not a date.", raw="Lind,Mara,x"
    )
    LogEntry.objects.create(
        user=olivia, content_type=ContentType.objects.get_for_model(Customer), object_id=str(person.pk),
        object_repr="Mara Lind", action_flag=CHANGE, change_message="Mara",
    )  # fmt: skip


def dump() -> str:
    """The whole database as text, as pg_dump writes it."""
    program = binaries.client_program("pg_dump", archive._server_version())
    done = subprocess.run(
        [program, "--inserts", "--dbname", str(connection.settings_dict["NAME"])],
        check=True,
        capture_output=True,
        text=True,
        env=archive._client_environment(),
    )
    return done.stdout


TRACES = ("mara", "lind", "20304050", "hill road", "lundby", "1990-02-28", "rexitus", "203.0.113.77")


def test_after_erasing_the_whole_database_holds_no_trace_and_the_same_numbers(store, olivia, tmp_path):
    person = mara(store, tmp_path)
    more_traces(person, olivia)
    told()
    before = totals(store)
    facts = list(CustomerFact.objects.filter(store=store).order_by("customer_id").values())
    text = dump().lower()
    assert [trace for trace in TRACES if trace not in text] == []
    erase_customer(person, by="user:1")
    text = dump().lower()
    assert [trace for trace in TRACES if trace in text] == []
    assert "bo@example.com" in text
    assert clean(store) == []
    assert totals(store) == before
    assert list(CustomerFact.objects.filter(store=store).order_by("customer_id").values()) == facts
    assert Order.objects.filter(customer=person).count() == 2
    assert Event.objects.filter(customer_id=person.pk, kind="customer.erased").count() == 1


def test_an_import_cannot_bring_an_erased_person_back(store, tmp_path):
    person = mara(store, tmp_path)
    erase_customer(person, by="user:1")
    people = Customer.objects.filter(store=store).count()
    import_orders(
        store, tmp_path,
        ("A3", on(20), "c1", "mara.lind@example.com", "Mara", "Lind", "1.00"),
        ("A4", on(21), "", "mara.lind@example.com", "Mara", "Lind", "2.00"),
        ("A5", on(22), "c1", "mara@new.example", "Mara", "Lind", "3.00"),
        ("A6", on(23), "c9", "m.lind@second.example", "Mara", "Lind", "4.00"),
    )  # fmt: skip
    assert set(
        Order.objects.filter(external_id__in=["A3", "A4", "A5", "A6"]).values_list("customer", flat=True)
    ) == {person.pk}
    assert Customer.objects.filter(store=store).count() == people
    text = dump().lower()
    assert [trace for trace in ("mara", "lind") if trace in text] == []
    assert clean(store) == []
    assert status_of(person, "email") == "suppressed"


def test_a_pseudonym_is_a_number(store):
    person = a_customer(store, "mara@example.com", first_name="Mara", country="SE")
    erase_customer(person, by="user:1")
    person.refresh_from_db()
    assert str(person) == f"Customer {person.pk}"
    assert person.country == "SE"


def test_erasing_again_does_nothing(store):
    person = a_customer(store, "mara@example.com")
    erase_customer(person, by="user:1")
    events = Event.objects.count()
    erase_customer(Customer.objects.get(pk=person.pk), by="user:1")
    assert Event.objects.count() == events


def test_hashes_of_two_stores_say_nothing_about_each_other(store, other_store):
    for place in (store, other_store):
        erase_customer(a_customer(place, "mara@example.com"), by="user:1")
    assert len(set(Forgotten.objects.values_list("digest", flat=True))) == 2


def test_the_export_holds_everything_as_json_and_as_tables(store, tmp_path):
    person = mara(store, tmp_path)
    packed = zipfile.ZipFile(io.BytesIO(export_customer(person, by="user:1")))
    told = json.loads(packed.read("person.json"))
    assert {row["email"] for row in told["profile"]} == {"mara.lind@example.com", "m.lind@second.example"}
    assert told["profile"][0]["custom"] == {"Dog": "Rexitus"}
    assert {row["external_id"] for row in told["names"]} == {
        "c1",
        "mara.lind@example.com",
        "m.lind@second.example",
    }
    assert told["consent_proofs"][0]["ip"] == "203.0.113.77"
    assert len(told["orders"]) == 2
    assert len(told["refunds"]) == 1
    assert len(told["orders_line"]) >= 1
    assert {row["kind"] for row in told["timeline"]} >= {
        "order.placed",
        "customer.merged",
        "consent.subscribed",
    }
    assert "bo@example.com" not in packed.read("person.json").decode()
    for name, rows in told.items():
        table = list(csv.reader(io.StringIO(packed.read(f"{name}.csv").decode("utf-8-sig"))))
        assert len(table) == len(rows) + 1, name
    assert Event.objects.filter(kind="customer.exported", customer_id=person.pk).exists()


def test_no_cell_of_the_export_is_a_formula(store):
    person = a_customer(store, first_name="=HYPERLINK(1)")
    table = zipfile.ZipFile(io.BytesIO(export_customer(person, by="user:1"))).read("profile.csv").decode()
    assert "'=HYPERLINK" in table


def test_shopifys_data_request_is_our_export(store):
    person = a_customer(store, "john@example.com")
    Identity.objects.create(store=store, source="shopify", external_id="191167", customer=person)
    packed = shopify.data_request(store, body("customers_data_request"))
    assert packed
    assert "john@example.com" in zipfile.ZipFile(io.BytesIO(packed)).read("person.json").decode()
    assert shopify.data_request(store, {"customer": {"id": 1}}) is None


@pytest.mark.parametrize(
    "named", [{"id": 191167}, {"email": "John@example.com"}, {"id": 191167, "email": "john@example.com"}]
)
def test_shopifys_redact_forgets_the_person_by_id_or_by_address(store, named):
    person = a_customer(store, "john@example.com", first_name="John")
    Identity.objects.create(store=store, source="shopify", external_id="191167", customer=person)
    assert shopify.customers_redact(store, {**body("customers_redact"), "customer": named})
    person.refresh_from_db()
    assert (person.first_name, person.email) == ("", "")
    assert "john@example.com" not in dump()


def test_redacting_a_stranger_keeps_them_out_of_later_files(store, tmp_path):
    assert not shopify.customers_redact(store, body("customers_redact"))
    import_orders(store, tmp_path, ("A1", on(1), "", "john@example.com", "John", "", "10.00"))
    assert "john@example.com" not in dump()
    assert Order.objects.get().customer.erased_at
    assert clean(store) == []


def test_shopifys_shop_redact_forgets_everybody_of_that_shop_only(store):
    theirs, ours = a_customer(store, "john@example.com"), a_customer(store, "kept@example.com")
    Identity.objects.create(store=store, source="shopify", external_id="191167", customer=theirs)
    assert shopify.shop_redact(store, body("shop_redact")) == 1
    assert shopify.shop_redact(store, body("shop_redact")) == 0
    ours.refresh_from_db()
    assert ours.email == "kept@example.com"
    assert "john@example.com" not in dump()


def test_erasing_one_person_harms_nobody_else(store, olivia):
    ann = a_customer(store, "ann@example.com", phone="0", first_name="Ann", last_name="Ek")
    other = a_customer(store, "joann@example.com", phone="+4520304050")
    words = "Wants 10 boxes by 2026-10-20. Not ann@example.com.au, x.ann@example.com, Ann Ekberg; joann@example.com."
    note = add_note(other, words, by=olivia)
    tagging = tag_customers(store, [other.pk], "top-100", by="user:1")
    for name, query in (("Spent 100+", "spend_from=100"), ("Joann", "q=joann%40example.com")):
        SavedView.objects.create(store=store, name=name, query=query)
    OutboxMail.objects.create(to="joann@example.com", subject="x", text="y")
    run = ImportRun.objects.create(
        store=store, path="x", name="x", as_of=0, error="Line 10: joann@example.com"
    )
    row = RejectedRow.objects.create(
        run=run, line=10, reason="“2026-13-10” is no date.", raw="joann\x1fEkman Ann"
    )
    erase_customer(ann, by="user:1")
    for one in (note, tagging, run, row):
        one.refresh_from_db()
    assert (note.text, tagging.tag, run.error) == (words, "top-100", "Line 10: joann@example.com")
    assert row.raw == "joann\x1fEkman Ann"
    assert (SavedView.objects.count(), OutboxMail.objects.count()) == (2, 1)


def test_erasing_finds_the_person_wherever_the_words_stand(store, olivia):
    ann = a_customer(store, "ann@example.com", phone="+4520304050", first_name="Ann", last_name="Ek")
    other = a_customer(store)
    note = add_note(other, "Sister of ANN EK (ann@example.com, Ann@Example.com; +4520304050).", by=olivia)
    tagging = tag_customers(store, [other.pk], "Ann Ek's friend", by="user:1")
    for name, query in (
        ("A", "q=Ann+Ek"),
        ("B", "q=ann%40example.com"),
        ("C ann@example.com", ""),
        ("D", "q=x"),
    ):
        SavedView.objects.create(store=store, name=name, query=query)
    OutboxMail.objects.create(to="Ann <Ann@example.com>, bo@example.com", subject="x", text="y")
    run = ImportRun.objects.create(store=store, path="x", name="x", as_of=0)
    row = RejectedRow.objects.create(run=run, line=2, reason="No date.", raw="Ek\x1fAnn\x1f7")
    erase_customer(ann, by="user:1")
    for one in (note, tagging, row):
        one.refresh_from_db()
    assert note.text == "Sister of (erased) ((erased), (erased); (erased))."
    assert (tagging.tag, row.raw) == ("(erased)", "")
    assert [view.name for view in SavedView.objects.all()] == ["D"]
    assert not OutboxMail.objects.exists()


def an_upload(store, text, **fields):
    folder = Path(settings.MEDIA_ROOT) / "imports" / str(store.pk)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}"
    path.write_text("order,date,email,first,last\n" + text)
    return ImportRun.objects.create(store=store, path=str(path), name="o.csv", as_of=0, **fields)


def test_uploads_that_wait_for_a_decision_are_discarded_when_they_tell_of_the_person(store):
    person = a_customer(store, "ann@example.com", first_name="Ann", last_name="Ek")
    theirs = [
        an_upload(store, "1,2026-01-01,Ann@Example.com,,\n"),
        an_upload(store, "1,2026-01-01,,Bo,Al\n2,2026-01-01,,ann,ek\n", state="checked"),
    ]
    stopped = an_upload(store, "1,2026-01-01,ann@example.com,,\n", state="failed")
    others = [
        an_upload(store, "1,2026-01-01,joann@example.com,Ann,Ekberg\n"),
        an_upload(store, "1,2026-01-01,,Ann,Al\n2,2026-01-01,,Bo,Ek\n", state="failed"),
    ]
    erase_customer(person, by="user:1")
    kept = set(ImportRun.objects.values_list("pk", flat=True))
    assert kept == {stopped.pk, *(run.pk for run in others)}
    assert not any(Path(run.path).exists() for run in (*theirs, stopped))
    assert all(Path(run.path).exists() for run in others)


def test_a_file_named_on_the_command_line_stays_where_it_is(store, tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("email\nann@example.com\n")
    ImportRun.objects.create(store=store, path=str(path), name="o.csv", as_of=0)
    erase_customer(a_customer(store, "ann@example.com"), by="user:1")
    assert path.exists()


def test_proofs_stay_but_lose_the_address_they_came_from(store):
    person = a_customer(store)
    record_consent(
        person,
        Evidence(
            channel="email", status="subscribed", source="form", method="form", at=at(1), ip="203.0.113.7"
        ),
    )
    erase_customer(person, by="user:1")
    assert not Proof.objects.exclude(ip=None).exists()
    assert Proof.objects.filter(status="subscribed").exists()
