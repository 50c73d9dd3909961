"""Mailing lists of seven tools: in, out, and in again, with nothing lost and nobody subscribed against their will."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from retention.customers import consent
from retention.customers.consent import Evidence, record_consent, status_of
from retention.customers.merging import merge_customers, unmerge
from retention.customers.models import Consent, Customer, Identity, Proof
from retention.customers.privacy import erase_customer, find_person
from retention.ingest.files.reading import Unreadable
from retention.ingest.lists.cells import tag_list
from retention.ingest.lists.exporting import export_people
from retention.ingest.lists.formats import FORMATS, recognise
from retention.ingest.lists.importing import import_people
from retention.timeline.models import Event
from tests.customers.shop import at
from tests.world import a_customer, a_store

pytestmark = pytest.mark.django_db
LISTS = Path(__file__).parents[1] / "data" / "lists"

# File -> tool, what is said of the file, and what becomes of its rows: accepted, same, rejected.
FILES = {
    "mailchimp_subscribed": ("mailchimp", "", (5, 1, 3)),
    "mailchimp_unsubscribed": ("mailchimp", "", (3, 0, 2)),
    "mailchimp_cleaned": ("mailchimp", "", (2, 0, 1)),
    "brevo": ("brevo", "subscribed", (4, 1, 2)),
    "klaviyo": ("klaviyo", "", (4, 1, 2)),
    "activecampaign": ("activecampaign", "subscribed", (3, 1, 2)),
    "getresponse": ("getresponse", "subscribed", (2, 1, 2)),
    "drip": ("drip", "unsubscribed", (3, 1, 2)),
    "constant_contact": ("constant_contact", "subscribed", (2, 1, 2)),
}


def take(store, name, status="", **more):
    return import_people(store, LISTS / f"{name}.csv", status=status, **more)


def person(store, email):
    return find_person(store, ("email", email))


def export(store, form, folder, status=""):
    path = folder / f"{form}-{status}-{store.pk}.csv"
    lines = export_people(Customer.objects.filter(store=store), form, status=status)
    path.write_text("".join(lines), newline="")
    return path


def picture(store):
    """All that a list knows of people, without our own numbers."""
    people = []
    for customer in Customer.objects.filter(store=store, merged_into=None):
        names = customer.identities.values_list("source", "external_id")
        proofs = customer.proofs.values_list(
            "channel",
            "purpose",
            "status",
            "source",
            "method",
            "reason",
            "wording",
            "at",
            "ip",
            "detail__unsub_campaign_title",
        )
        people.append({
            "fields": [getattr(customer, name) for name in (
                "email", "phone", "first_name", "last_name", "company", "address1", "address2", "postal_code",
                "city", "region", "country", "birthday", "time_zone", "locale",
            )],
            "tags": sorted(customer.tags),
            "custom": customer.custom,
            "names": sorted(names),
            "consent": sorted(customer.consents.values_list("channel", "purpose", "status", "reason", "since")),
            "proofs": sorted(proofs, key=str),
        })  # fmt: skip
    return sorted(people, key=lambda p: str(p["fields"]))


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_accounted_for_and_the_same_file_again_changes_nothing(store, name):
    tool, status, expected = FILES[name]
    result = take(store, name, status)
    assert (result.format, (result.accepted, result.same, result.rejected)) == (tool, expected)
    assert result.read == sum(expected)
    assert len(result.rejected_rows) == result.rejected
    before, events = picture(store), Event.objects.count()
    again = take(store, name, status)
    assert (again.accepted, again.same, again.rejected) == (0, expected[0] + expected[1], expected[2])
    assert picture(store) == before
    assert Event.objects.count() == events


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", FILES)
def test_a_list_of_any_tool_goes_out_for_any_tool_and_comes_in_again(store, tmp_path, name, form):
    take(store, name, FILES[name][1])
    second = a_store()
    path = export(store, form, tmp_path)
    with path.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file, delimiter=FORMATS[form].delimiter))
    assert recognise(header).name == form
    result = import_people(second, path)
    here, there = picture(store), picture(second)
    if form != FILES[name][0]:
        # Another tool has no column for the first one's own number of a person.
        unknown = [one for one in here if not (one["fields"][0] or one["fields"][1])]
        assert result.rejected == len(unknown) <= 1
        here = [{**one, "names": []} for one in here if one not in unknown]
        there = [{**one, "names": []} for one in there]
    assert there == here
    assert export(second, form, tmp_path).read_text() == path.read_text() or form != FILES[name][0]


def test_mailchimp_keeps_the_proof_of_opting_in(store):
    take(store, "mailchimp_subscribed")
    mara = person(store, "mara.lind@example.com")
    told = mara.proofs.order_by("at").values_list("method", "at", "ip", "source")
    assert [(m, f"{a:%Y-%m-%d %H:%M:%S}", ip, s) for m, a, ip, s in told] == [
        ("opt_in", "2019-05-01 12:34:56", "203.0.113.9", "mailchimp"),
        ("confirmed", "2019-05-01 12:40:00", "203.0.113.10", "mailchimp"),
    ]
    assert sorted(mara.tags) == ["Blog, weekly", 'He said "hi"', "VIP"]
    assert (mara.birthday, mara.country, mara.custom["Shoe size"]) == ("--02-29", "SE", "41")
    assert mara.custom["NOTES"] == 'likes ferns\nand "moss"'
    assert person(store, "odd@example.com").custom["Birthday"] == "99/99"


def test_mailchimps_own_columns_go_out_as_they_came(store, tmp_path):
    for name in ("mailchimp_subscribed", "mailchimp_unsubscribed", "mailchimp_cleaned"):
        take(store, name)
    columns = {
        "unsubscribed": (
            "gone@example.com",
            "UNSUB_TIME",
            "UNSUB_CAMPAIGN_TITLE",
            "UNSUB_REASON",
            "OPTIN_TIME",
        ),
        "suppressed": ("bounce@example.com", "CLEAN_TIME", "CLEAN_CAMPAIGN_ID", "OPTIN_IP"),
        "subscribed": (
            "mara.lind@example.com",
            "OPTIN_TIME",
            "CONFIRM_IP",
            "TAGS",
            "LAST_CHANGED",
            "EUID",
            "LEID",
        ),
    }
    originals = {"unsubscribed": "unsubscribed", "suppressed": "cleaned", "subscribed": "subscribed"}
    for status, (email, *names) in columns.items():
        with export(store, "mailchimp", tmp_path, status).open(newline="") as file:
            out = {row["Email Address"]: row for row in csv.DictReader(file)}
        with (LISTS / f"mailchimp_{originals[status]}.csv").open(newline="", encoding="utf-8-sig") as file:
            came = {row["Email Address"].lower(): row for row in csv.DictReader(file)}
        for name in names:
            assert sorted(tag_list(out[email][name])) == sorted(tag_list(came[email][name])), name


def test_files_of_one_status_hold_only_these_people(store, tmp_path):
    for name in ("mailchimp_subscribed", "mailchimp_unsubscribed", "mailchimp_cleaned"):
        take(store, name)
    counts = {}
    for status in ("subscribed", "unsubscribed", "suppressed", "never_subscribed"):
        with export(store, "klaviyo", tmp_path, status).open(newline="") as file:
            counts[status] = {row["Email"] for row in csv.DictReader(file)}
    assert counts["suppressed"] == {"bounce@example.com", "short@example.com"}
    assert counts["unsubscribed"] == {"gone@example.com", "noproof@example.com", "blanktime@example.com"}
    assert "mara.lind@example.com" in counts["subscribed"]
    assert counts["never_subscribed"] == set()


@pytest.mark.parametrize(
    "order", [("subscribed", "unsubscribed", "cleaned"), ("cleaned", "unsubscribed", "subscribed")]
)
def test_the_order_of_the_files_does_not_matter(store, order):
    for name in order:
        take(store, f"mailchimp_{name}", as_of=at(1))
    assert status_of(person(store, "noproof@example.com"), "email") == "unsubscribed"
    assert status_of(person(store, "short@example.com"), "email") == "suppressed"
    assert status_of(person(store, "mara.lind@example.com"), "email") == "subscribed"


@pytest.mark.parametrize(
    "name", [n for n in FILES if n not in ("mailchimp_unsubscribed", "mailchimp_cleaned", "drip")]
)
def test_no_list_subscribes_somebody_who_unsubscribed(store, name):
    tool, status, _ = FILES[name]
    take(store, name, status)
    subscribed = Consent.objects.filter(status="subscribed", channel="email").select_related(
        "customer__store"
    )
    assert subscribed
    for one in subscribed:
        consent.unsubscribe(one.customer, source="form", method="form")
    take(store, name, status)
    take(store, name, "subscribed")
    assert not Consent.objects.filter(status="subscribed", channel="email").exists()


def test_no_list_lifts_a_refusal_even_when_it_claims_to_be_our_own(store, tmp_path):
    customer = a_customer(store, "mara@example.com")
    consent.unsubscribe(customer, source="form", method="form")
    history = [{
        "channel": "email", "purpose": "marketing", "status": "subscribed", "source": "form", "method": "form",
        "at": "2090-01-01T00:00:00+00:00", "imported": False,
    }]  # fmt: skip
    path = tmp_path / "forged.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["Email", "Account", "Consent history"], ["mara@example.com", "x", json.dumps(history)]]
        )
    import_people(store, path, status="subscribed")
    assert status_of(customer, "email") == "unsubscribed"


def test_who_left_and_came_back_is_subscribed_on_the_other_side_too(store, tmp_path):
    customer = a_customer(store, "mara@example.com")
    for day, status in enumerate(("subscribed", "unsubscribed", "subscribed"), 1):
        record_consent(
            customer, Evidence(channel="email", status=status, source="form", method="form", at=at(day))
        )
    second = a_store()
    path = export(store, "klaviyo", tmp_path)
    import_people(second, path)
    there = person(second, "mara@example.com")
    assert status_of(there, "email") == "subscribed"
    assert there.proofs.count() == 3
    assert import_people(store, path).accepted == 0


def test_a_list_that_does_not_say_brings_people_without_consent(store):
    take(store, "activecampaign")
    assert status_of(person(store, "ann@example.com"), "email") == "never_subscribed"
    assert not Proof.objects.exists()


def test_people_are_found_by_address_whatever_their_source(store):
    known = a_customer(store, "ann@example.com", first_name="Anne", versions={"first_name": 2**62})
    result = take(store, "activecampaign", "subscribed")
    known.refresh_from_db()
    assert (known.first_name, known.last_name, known.phone) == ("Anne", "Smith", "+1 500 555 0001")
    assert result.people_new == 2
    assert Customer.objects.filter(store=store).count() == 3


def test_a_shared_phone_makes_nobody_the_same_person(store):
    known = a_customer(store, "other@example.com", phone="+15005550006")
    take(store, "klaviyo")
    assert person(store, "kim@example.com") != known


def test_tags_of_a_list_are_added_to_those_of_the_shop(store):
    known = a_customer(store, "ann@example.com", tags=["wholesale"], versions={"tags": 5})
    take(store, "activecampaign")
    known.refresh_from_db()
    assert set(known.tags) == {"wholesale", "vip", "Winter 2024", "second"} or set(known.tags) >= {
        "wholesale",
        "vip",
    }
    assert known.added_tags


def test_a_tag_that_the_shop_told_too_is_the_lists_own_as_well(store, tmp_path):
    known = a_customer(store, "ann@example.com", tags=["vip"], versions={"tags": 5})
    file = tmp_path / "tags.csv"
    file.write_text('Email Address,TAGS,LEID\nann@example.com,"""vip""",1\n')
    import_people(store, file)
    known.refresh_from_db()
    assert (known.tags, known.added_tags) == (["vip"], ["vip"])


def test_tags_on_several_lines_of_a_cell_are_read():
    assert tag_list("VIP\r\nBlog") == ["VIP Blog"]


def test_an_erased_person_is_not_brought_back_by_a_list(store):
    erase_customer(a_customer(store, "mara.lind@example.com"), by="x")
    result = take(store, "mailchimp_subscribed")
    assert [reason for _, reason in result.rejected_rows if "erased" in reason]
    assert result.read == result.accepted + result.same + result.rejected
    assert not Customer.objects.filter(email="mara.lind@example.com").exists()


def written(folder, *rows):
    path = folder / "list.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_name_that_is_too_long_is_cut_and_kept(store, tmp_path):
    long, phone = "Mara " * 50, "+1 " + "5" * 60
    header = ["Email", "First Name", "Phone Number", "Country", "Klaviyo ID"]
    path = written(tmp_path, header, ["mara@example.com", long, phone, "se", "k1"])
    result = import_people(store, path)
    assert (result.accepted, result.rejected, result.cut) == (1, 0, 1)
    mara = person(store, "mara@example.com")
    assert (mara.first_name, mara.phone, mara.country) == (long[:199], "", "SE")
    assert mara.custom == {"First Name": long, "Phone Number": phone}
    assert import_people(store, path).same == 1
    second = a_store()
    import_people(second, export(store, "klaviyo", tmp_path))
    assert picture(second) == picture(store)


def test_a_full_name_that_is_too_long_stops_nothing(store, tmp_path):
    path = written(tmp_path, ["email", "name"], ["mara@example.com", "Mara " + "x" * 300])
    assert import_people(store, path).cut == 1
    mara = person(store, "mara@example.com")
    assert (mara.first_name, mara.last_name, mara.custom) == (
        "Mara",
        "x" * 200,
        {"name": "Mara " + "x" * 300},
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_tag_with_a_comma_is_one_tag_in_every_file(store, tmp_path, form):
    header = ["Email Address", "MEMBER_RATING", "TAGS"]
    import_people(store, written(tmp_path, header, ["mara@example.com", "5", '"early, bird"']))
    second = a_store()
    import_people(second, export(store, form, tmp_path))
    assert person(second, "mara@example.com").tags == ["early, bird"]


def test_a_list_tells_a_merged_record_its_own(store):
    one, two = a_customer(store, "one@example.com"), a_customer(store, "ann@example.com")
    merge = merge_customers(one, two, by="x")
    take(store, "activecampaign", "subscribed")
    one.refresh_from_db()
    assert (one.first_name, status_of(one, "email")) == ("Ann", "subscribed")
    unmerge(merge, by="x")
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.first_name, one.tags, status_of(one, "email")) == ("", [], "never_subscribed")
    assert (two.first_name, status_of(two, "email")) == ("Ann", "subscribed")


def test_no_cell_of_an_exported_list_is_a_formula(store, tmp_path):
    take(store, "mailchimp_subscribed")
    take(store, "brevo", "subscribed")
    text = export(store, "constant_contact", tmp_path).read_text()
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [c for c in cells if c[:1] in ("=", "@", "\t", "\r")]
    assert '\'=HYPERLINK("x")' in cells
    assert "+46 70 123 45 67" in cells


def test_an_unknown_list_is_refused_with_what_is_known(store, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Mail,Vorname\nx@example.com,X\n")
    with pytest.raises(Unreadable, match="Mailchimp"):
        import_people(store, path)
    assert not Identity.objects.exists()


def test_the_command_says_what_became_of_the_file(store):
    out = io.StringIO()
    call_command("import_people", str(LISTS / "klaviyo.csv"), "--store", store.slug, "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["rows"] == {"read": 7, "accepted": 4, "same": 1, "rejected": 2}
    assert told["people"] == {"new": 4, "changed": 0, "same": 0}
    assert [row["line"] for row in told["rejected_rows"]] == [6, 7]
    with pytest.raises(CommandError, match="no store"):
        call_command("import_people", "x", "--store", "nowhere")
