"""Every address, for everybody: who may read it, who may change something through it, and for whom it is not there.

To add an address, add a line to DOORS (a store's page), ENTRANCE (before sign-in) or SIGNED_IN (a person's own
pages). `ids` makes a thing in the given store and returns its numbers in the address, `words` is what else the
address needs, `data` is a valid form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from retention.customers.merging import merge_customers
from retention.customers.models import Note, Tagging
from retention.dashboard.models import SavedView
from retention.ingest.models import ImportRun
from retention.segments.actions import create_list, create_segment
from retention.segments.models import Segment
from retention.stores import setup
from retention.stores.models import Invitation, Membership, Role, Store, User
from tests import world

pytestmark = pytest.mark.django_db

ALL = ("olivia", "marco", "sam", "ana", "ada")
WRITERS = ("olivia", "marco", "sam", "ada")
OWNERS = ("olivia", "ada")
IMPORTERS = ("olivia", "marco", "ada")
NOBODY: tuple[str, ...] = ()
CAST = (*ALL, "stranger", "anonymous")

Ids = Callable[[Store], dict[str, Any]]


@dataclass(frozen=True)
class Door:
    """Who may GET and who may POST; NOBODY where the address knows no such method."""

    get: tuple[str, ...] = ALL
    post: tuple[str, ...] = NOBODY
    # The rest of the address: words that mean the same in every store, and numbers of one store's things.
    words: dict[str, str] = field(default_factory=dict)
    ids: Ids = field(default=lambda store: {})
    data: dict[str, Any] = field(default_factory=dict)
    # What a permitted reader gets when the store is still empty.
    ok: tuple[int, ...] = (200,)


def _a_member(store: Store) -> dict[str, Any]:
    user = User.objects.create_user(f"member{next(world.numbers)}@example.com")
    return {"pk": Membership.objects.create(store=store, user=user, role=Role.SUPPORT).pk}


def _an_invitation(store: Store) -> dict[str, Any]:
    return {"pk": Invitation.objects.create(store=store, email="new@example.com").pk}


def _an_import(store: Store) -> dict[str, Any]:
    run = ImportRun.objects.create(
        store=store, path="/nowhere", name="orders.csv", format="shopify-orders", as_of=0
    )
    return {"pk": run.pk}


def _a_list_import(store: Store) -> dict[str, Any]:
    run = ImportRun.objects.create(
        store=store, path="/nowhere", name="people.csv", format="mailchimp", state="checked", as_of=0
    )
    return {"pk": run.pk}


def _a_person(store: Store) -> dict[str, Any]:
    return {"pk": world.a_customer(store, first_name="Mara", last_name="Lind").pk}


def _a_person_with_mail(store: Store) -> dict[str, Any]:
    return {"pk": world.a_customer(store, f"mail{next(world.numbers)}@example.com").pk}


def _a_person_in_a_segment(store: Store) -> dict[str, Any]:
    segment = Segment.objects.create(store=store, name="Buyers", rule=BUYERS)
    return {**_a_person(store), "segment": segment.pk}


def _two_people(store: Store) -> dict[str, Any]:
    return {"pk": world.a_customer(store).pk, "other": world.a_customer(store).pk}


def _olivias_note(store: Store) -> dict[str, Any]:
    """The owner's of the given store: only its author changes a note."""
    author = Membership.objects.filter(store=store, role=Role.OWNER).values_list("user", flat=True).first()
    person = world.a_customer(store)
    return {"pk": Note.objects.create(store=store, customer=person, author_id=author, text="Tall").pk}


def _a_tagging(store: Store) -> dict[str, Any]:
    person = world.a_customer(store)
    done = Tagging.objects.create(store=store, tag="vip", added=False, customers=[person.pk], by="test")
    return {"pk": done.pk}


def _a_view(store: Store) -> dict[str, Any]:
    return {"pk": SavedView.objects.create(store=store, name="Mine").pk}


def _a_merge(store: Store) -> dict[str, Any]:
    with transaction.atomic():
        return {"pk": merge_customers(world.a_customer(store), world.a_customer(store), by="test").pk}


BUYERS = {"if": "orders.count", "is": "at_least", "value": 1}

A_RULE = {"r:match": "all", "r-0:if": "orders.count", "r-0:is": "at_least", "r-0:value": "2"}


def _a_segment(store: Store) -> dict[str, Any]:
    rule = {"if": "orders.count", "is": "at_least", "value": 1}
    name = f"Segment {next(world.numbers)}"
    return {"pk": create_segment(store, name=name, rule=rule, by="system").pk}


def _a_list(store: Store) -> dict[str, Any]:
    return {"pk": create_list(store, name=f"List {next(world.numbers)}", by="system").pk}


DOORS: dict[str, Door] = {
    "desk:settings": Door(get=OWNERS, post=OWNERS, data={"name": "Another name"}),
    "desk:logo": Door(ok=(404,)),
    "desk:members": Door(get=OWNERS, post=OWNERS, data={"email": "x@example.com", "role": "owner"}),
    "desk:role": Door(get=NOBODY, post=OWNERS, ids=_a_member, data={"role": "owner"}),
    "desk:remove": Door(get=NOBODY, post=OWNERS, ids=_a_member),
    "desk:withdraw": Door(get=NOBODY, post=OWNERS, ids=_an_invitation),
    "desk:activity": Door(),
    "ingest:home": Door(),
    "ingest:upload": Door(get=NOBODY, post=IMPORTERS),
    "ingest:run": Door(ids=_an_import),
    "ingest:mapping": Door(get=NOBODY, post=IMPORTERS, ids=_an_import),
    "ingest:check": Door(get=NOBODY, post=IMPORTERS, ids=_an_import),
    "ingest:start": Door(get=NOBODY, post=IMPORTERS, ids=_an_import),
    "ingest:discard": Door(get=NOBODY, post=IMPORTERS, ids=_an_import),
    "ingest:rejected": Door(ids=_an_import),
    "customers:list": Door(),
    "customers:count": Door(),
    "customers:csv": Door(),
    "customers:export_list": Door(get=IMPORTERS),
    "customers:export_file": Door(get=IMPORTERS, words={"form": "mailchimp"}),
    "customers:tag": Door(get=NOBODY, post=WRITERS, data={"tag": "vip", "turn": "add", "everybody": "1"}),
    "customers:untag": Door(get=NOBODY, post=WRITERS, ids=_a_tagging),
    "customers:save_view": Door(get=NOBODY, post=WRITERS, data={"name": "Best"}),
    "customers:remove_view": Door(get=NOBODY, post=WRITERS, ids=_a_view),
    "customers:import": Door(get=IMPORTERS),
    "customers:import_file": Door(get=NOBODY, post=IMPORTERS),
    "customers:import_run": Door(get=IMPORTERS, ids=_a_list_import),
    "customers:import_check": Door(get=NOBODY, post=IMPORTERS, ids=_a_list_import),
    "customers:import_start": Door(get=NOBODY, post=IMPORTERS, ids=_a_list_import),
    "customers:import_discard": Door(get=NOBODY, post=IMPORTERS, ids=_a_list_import),
    "customers:import_rejected": Door(get=IMPORTERS, ids=_a_list_import),
    "customers:duplicates": Door(),
    "customers:merge": Door(get=NOBODY, post=WRITERS, ids=_two_people),
    "customers:apart": Door(get=NOBODY, post=WRITERS, ids=_two_people),
    "customers:unmerge": Door(get=NOBODY, post=WRITERS, ids=_a_merge),
    "customers:note": Door(get=("olivia",), post=("olivia",), ids=_olivias_note, data={"text": "Short"}),
    "customers:remove_note": Door(get=NOBODY, post=("olivia",), ids=_olivias_note),
    "customers:restore_note": Door(get=NOBODY, post=("olivia",), ids=_olivias_note),
    "customers:person": Door(ids=_a_person),
    "customers:tags": Door(get=NOBODY, post=WRITERS, ids=_a_person, data={"tag": "vip", "turn": "add"}),
    "customers:said": Door(
        get=NOBODY, post=WRITERS, ids=_a_person, data={"channel": "email", "status": "subscribed"}
    ),
    "customers:send_preferences": Door(get=NOBODY, post=WRITERS, ids=_a_person_with_mail),
    "customers:add_note": Door(get=NOBODY, post=WRITERS, ids=_a_person, data={"text": "Likes blue"}),
    "customers:why": Door(ids=_a_person_in_a_segment),
    "customers:export": Door(get=NOBODY, post=IMPORTERS, ids=_a_person),
    "customers:erase": Door(get=OWNERS, post=OWNERS, ids=_a_person, data={"typed": "Mara Lind"}),
    "segments:home": Door(),
    "segments:schema": Door(),
    "segments:choices": Door(get=IMPORTERS, data={"of": "product"}),
    "segments:compare": Door(),
    "segments:new": Door(get=IMPORTERS, post=IMPORTERS, data={"do": "save", "name": "New", **A_RULE}),
    "segments:adopt": Door(get=NOBODY, post=IMPORTERS, data={"key": "champions"}),
    "segments:import": Door(get=NOBODY, post=IMPORTERS),
    "segments:list": Door(get=IMPORTERS, post=IMPORTERS, data={"name": "VIPs"}),
    "segments:segment": Door(ids=_a_segment),
    "segments:edit": Door(
        get=IMPORTERS, post=IMPORTERS, ids=_a_segment, data={"do": "save", "name": "New", **A_RULE}
    ),
    "segments:explain": Door(ids=_a_segment),
    "segments:people_csv": Door(ids=_a_segment),
    "segments:json": Door(ids=_a_segment),
    "segments:archive": Door(get=NOBODY, post=IMPORTERS, ids=_a_segment),
    "segments:restore": Door(get=NOBODY, post=IMPORTERS, ids=_a_segment),
    "segments:duplicate": Door(get=NOBODY, post=IMPORTERS, ids=_a_segment),
    "segments:review": Door(get=NOBODY, post=IMPORTERS, ids=_a_segment),
    "segments:snapshot": Door(get=NOBODY, post=IMPORTERS, ids=_a_segment),
    "segments:add": Door(get=NOBODY, post=IMPORTERS, ids=_a_list, data={"emails": "x@example.com"}),
    "segments:remove": Door(get=NOBODY, post=IMPORTERS, ids=_a_list, data={"person": "1"}),
    "dashboard:home": Door(),
    "dashboard:target": Door(get=NOBODY, post=OWNERS, data={"target": "33"}),
    "dashboard:number": Door(words={"name": "repeat-rate"}),
    "dashboard:customers_csv": Door(words={"name": "repeat-rate"}),
    "dashboard:chart": Door(words={"name": "cohorts"}),
    "dashboard:chart_csv": Door(words={"name": "cohorts"}),
    "dashboard:chart_json": Door(words={"name": "cohorts"}),
}
# Open before sign-in. They carry their own key, or tell nothing; each has its own tests.
ENTRANCE = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_email",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_login_code",
    "account_confirm_email",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "healthz",
    "join",
    "preferences",
    "one_click",
    "confirm",
    "setup",
}
# A person's own pages: the visitor without a name is sent to sign in.
SIGNED_IN: dict[str, dict[str, Any]] = {
    "home": {},
    "outbox": {},
    "account_reauthenticate": {},
    "account_change_password": {},
    "account_set_password": {},
    "mfa_index": {},
    "mfa_reauthenticate": {},
    "mfa_activate_totp": {},
    "mfa_deactivate_totp": {},
    "mfa_view_recovery_codes": {},
    "mfa_generate_recovery_codes": {},
    "mfa_download_recovery_codes": {},
    "mfa_list_webauthn": {},
    "mfa_add_webauthn": {},
    "mfa_reauthenticate_webauthn": {},
    "mfa_remove_webauthn": {"pk": 1},
    "mfa_edit_webauthn": {"pk": 1},
}


@dataclass(frozen=True)
class Address:
    route: str
    pattern: URLPattern


@cache
def addresses() -> dict[str, Address]:
    return dict(_walk(get_resolver(), "", ""))


def _walk(resolver: URLResolver, namespace: str, route: str) -> Iterator[tuple[str, Address]]:
    for pattern in resolver.url_patterns:
        whole = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern, inner, whole)
        else:
            yield f"{namespace}{pattern.name}", Address(whole, pattern)


@pytest.fixture
def cast(olivia, marco, sam, ana, ada, stranger, as_user) -> dict[str, Client]:
    """A browser for everybody, signed in where there is a name."""
    users = {str(user).lower(): user for user in (olivia, marco, sam, ana, ada, stranger)}
    return {who: as_user(user) for who, user in {**users, "anonymous": None}.items()}


@contextmanager
def undone() -> Iterator[None]:
    """What happens here is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def everything() -> dict[str, str]:
    """A fingerprint of every table that holds something of ours: all rows, all columns."""
    with connection.cursor() as cursor:
        cursor.execute(_fingerprints())
        return dict(cursor.fetchall())


@cache
def _fingerprints() -> str:
    there = set(connection.introspection.table_names())
    ours = [model._meta.db_table for model in apps.get_models() if model.__module__.startswith("retention.")]
    rows = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
    return " UNION ALL ".join(f"SELECT '{table}', {rows} FROM {table} t" for table in ours if table in there)


def outcome(response: Any) -> str:
    if response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/"):
        return "to sign-in"
    return {403: "forbidden", 404: "not there", 405: "no such method"}.get(response.status_code, "open")


def test_every_address_is_declared_here():
    declared = DOORS.keys() | ENTRANCE | SIGNED_IN.keys()
    found = {name for name in addresses() if not name.startswith("admin:")}
    assert found - declared == set(), "new addresses: say in this file who may open them"
    assert declared - found == set(), "addresses that are gone"


def test_every_page_of_a_store_has_the_staff_door():
    of_stores = {name for name, found in addresses().items() if found.route.startswith("<slug:store>/")}
    assert of_stores == DOORS.keys()
    without = [name for name in DOORS if not hasattr(addresses()[name].pattern.callback, "door_roles")]
    assert without == []


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", DOORS)
def test_a_page_opens_for_its_roles_only(name, method, store, cast):
    door = DOORS[name]
    url = reverse(name, kwargs={"store": store.slug, **door.words, **door.ids(store)})
    allowed = door.get if method == "get" else door.post
    before = everything()
    for who, client in cast.items():
        with undone():
            response = getattr(client, method)(url, door.data)
            seen = outcome(response)
            if who in allowed:
                assert response.status_code in door.ok if method == "get" else seen == "open", (who, seen)
            else:
                assert seen in _refusals(who, allowed, door), (who, seen)
                assert everything() == before, f"{who} was refused, but something changed"


def _refusals(who: str, allowed: tuple[str, ...], door: Door) -> set[str]:
    """How a person is refused. A method that the address does not know changes nothing for anybody."""
    refusal = {"stranger": "not there", "anonymous": "to sign-in"}.get(who, "forbidden")
    if allowed:
        return {refusal}
    return {refusal, "no such method"} | ({"open", "not there"} if who in door.get else set())


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", DOORS)
def test_another_store_is_not_there(name, method, store, other_store, cast):
    """Neither through its own address, nor through ours with one of its numbers, nor when it does not exist."""
    door = DOORS[name]
    if not (door.get if method == "get" else door.post):
        return
    theirs = door.ids(other_store)
    slugs = [other_store.slug, "no-such-store"] + ([store.slug] if theirs else [])
    tries = [reverse(name, kwargs={"store": slug, **door.words, **theirs}) for slug in slugs]
    before = everything()
    for who in ("olivia", "marco", "sam", "ana"):
        for number, url in enumerate(tries):
            seen = outcome(getattr(cast[who], method)(url, door.data))
            # Through our address the wrong role may be told so before the number is looked at.
            assert seen == "not there" or (number == 2 and seen == "forbidden"), (who, url, seen)
    assert everything() == before


@pytest.mark.parametrize("name", DOORS)
def test_a_visitor_cannot_tell_whether_a_store_exists(name, store, as_user):
    numbers = {**DOORS[name].words, **DOORS[name].ids(store)}
    urls = [reverse(name, kwargs={"store": slug, **numbers}) for slug in (store.slug, "no-such-store")]
    answers = [as_user(None).get(url).status_code for url in urls]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", SIGNED_IN)
def test_a_persons_own_page_asks_for_sign_in(name, as_user):
    url = reverse(name, kwargs=SIGNED_IN[name])
    for method in ("get", "post"):
        assert outcome(getattr(as_user(None), method)(url)) in ("to sign-in", "no such method")


@pytest.mark.parametrize("name", sorted(ENTRANCE - {"join", "setup"}))
def test_an_entrance_changes_nothing_for_a_visitor_without_a_key(name, as_user, olivia):
    keys = dict.fromkeys(addresses()[name].pattern.pattern.regex.groupindex, "x")
    url = reverse(name, kwargs=keys)
    before = everything()
    for method in ("get", "post"):
        assert getattr(as_user(None), method)(url).status_code in (200, 302, 400, 401, 404, 405, 503)
    assert everything() == before


def test_the_outbox_is_not_there_for_others(cast):
    seen = {who: outcome(client.get("/outbox/")) for who, client in cast.items()}
    assert seen.pop("ada") == "open"
    assert seen.pop("anonymous") == "to sign-in"
    assert set(seen.values()) == {"not there"}


def test_the_admin_opens_for_administrators_only(cast):
    before = everything()
    urls = list(_admin_urls())
    assert len(urls) > 20
    for url in urls:
        for who in ("olivia", "ana", "stranger"):
            for method in ("get", "post"):
                response = getattr(cast[who], method)(url, follow=True)
                assert response.status_code in (403, 404), (url, who, response.status_code)
        assert outcome(cast["anonymous"].get(url, follow=True)) in ("open", "not there")
        assert "_auth_user_id" not in cast["anonymous"].session
    assert everything() == before


def _admin_urls() -> Iterator[str]:
    numbers = {"object_id": "1", "content_type_id": 1, "app_label": "stores", "id": 1}
    for name, found in addresses().items():
        if name.startswith("admin:") and found.pattern.name not in (None, "logout"):
            wanted = {key: numbers[key] for key in found.pattern.pattern.regex.groupindex if key in numbers}
            yield reverse(name, kwargs=wanted or None)


@pytest.mark.parametrize("who", CAST)
def test_the_set_up_page_is_gone_once_somebody_is_there(who, cast):
    url = setup.setup_url("http://testserver").removeprefix("http://testserver")
    assert cast[who].get(url).status_code == 404
