from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.urls import reverse

from retention.catalog.models import Product, ProductRelation
from retention.ingest.models import ImportRun
from retention.orders.models import Order
from retention.stores.models import Membership, Store, User
from retention.timeline.models import Event
from tests import world

INLINE = "relations"


@pytest.fixture
def office(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def things(store, olivia) -> dict[str, object]:
    customer = world.a_customer(store)
    order = world.an_order(customer)
    product = Product.objects.create(store=store, source="test", external_id="1", title="Fern", sku="F-1")
    run = ImportRun.objects.create(store=store, name="orders.csv", as_of=0)
    event = Event.objects.latest("id")
    membership = olivia.memberships.get()
    return {t._meta.label_lower: t for t in (store, customer, order, product, run, event, membership, olivia)}


def form_of(response) -> dict[str, object]:
    """What the page's form would send back unchanged."""
    context = response.context
    data = {
        f"{name}": value for name, value in context["adminform"].form.initial.items() if value is not None
    }
    for formset in context["inline_admin_formsets"]:
        for form in formset.formset.initial_forms:
            data |= {
                form.add_prefix("id"): form.instance.pk,
                form.add_prefix("customer"): form.instance.customer_id,
            }
        data |= {
            formset.formset.management_form.add_prefix(k): v
            for k, v in formset.formset.management_form.initial.items()
        }
    return data


def test_every_page_of_the_admin_opens(office, things):
    assert office.get("/admin/").status_code == 200
    for model in admin.site._registry:
        kind = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert office.get(reverse(f"{kind}_changelist")).status_code == 200, kind
        thing = things[model._meta.label_lower]
        assert office.get(reverse(f"{kind}_change", args=[thing.pk])).status_code == 200, kind
    assert len(things) == len(admin.site._registry)


def test_it_is_entered_through_the_common_sign_in(client, olivia):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")
    client.force_login(olivia)
    assert client.get("/admin/", follow=True).status_code == 403


def test_a_product_is_set_by_hand_and_told(office, ada, things):
    product = things["catalog.product"]
    other = Product.objects.create(store=product.store, source="test", external_id="2", title="Pot")
    url = reverse("admin:catalog_product_change", args=[product.pk])
    data = form_of(office.get(url)) | {"cost": "410", "stock": "12", "reorder_days": "30"}
    data |= {
        f"{INLINE}-TOTAL_FORMS": 1,
        f"{INLINE}-0-product": product.pk,
        f"{INLINE}-0-other": other.pk,
        f"{INLINE}-0-kind": "accessory",
    }
    assert office.post(url, data).status_code == 302
    product.refresh_from_db()
    assert (product.cost, product.stock, product.reorder_days, product.title) == (410, 12, 30, "Fern")
    assert ProductRelation.objects.get().other == other
    told = Event.objects.get(kind="product.corrected")
    assert told.data["fields"] == "cost, stock, reorder days, relations"
    assert told.by == f"user:{ada.pk}"


def test_a_relation_stays_inside_its_store(office, other_store, things):
    product = things["catalog.product"]
    foreign = Product.objects.create(store=other_store, source="test", external_id="1", title="Theirs")
    url = reverse("admin:catalog_product_change", args=[product.pk])
    data = form_of(office.get(url)) | {
        f"{INLINE}-TOTAL_FORMS": 1,
        f"{INLINE}-0-product": product.pk,
        f"{INLINE}-0-other": foreign.pk,
        f"{INLINE}-0-kind": "accessory",
    }
    assert office.post(url, data).status_code == 200
    assert not ProductRelation.objects.exists()


def test_a_customer_corrected_by_hand_outranks_what_files_told(office, things):
    customer = things["customers.customer"]
    customer.versions = {"city": 4_000_000_000_000_000}
    customer.save()
    url = reverse("admin:customers_customer_change", args=[customer.pk])
    assert office.post(url, form_of(office.get(url)) | {"city": "Lyon"}).status_code == 302
    customer.refresh_from_db()
    assert customer.city == "Lyon"
    assert customer.versions["city"] > 4_000_000_000_000_000
    told = Event.objects.get(kind="customer.corrected")
    assert told.customer_id == customer.pk
    assert "Lyon" not in str(told.data)


@pytest.mark.parametrize("model", ["orders_order", "timeline_event", "ingest_importrun"])
def test_what_is_only_to_look_at_cannot_be_changed(office, things, model):
    thing = next(t for label, t in things.items() if label.replace(".", "_") == model)
    assert office.post(reverse(f"admin:{model}_change", args=[thing.pk]), {}).status_code == 403
    assert office.post(reverse(f"admin:{model}_delete", args=[thing.pk]), {"post": "yes"}).status_code == 403
    assert type(thing).objects.filter(pk=thing.pk).exists()


def test_the_last_owner_stays_in_the_admin_too(office, things):
    membership = things["stores.membership"]
    change = reverse("admin:stores_membership_change", args=[membership.pk])
    assert b"A store needs an owner" in office.post(change, {"role": "analyst"}).content
    delete = reverse("admin:stores_membership_delete", args=[membership.pk])
    assert b"A store needs an owner" in office.post(delete, {"post": "yes"}, follow=True).content
    assert Membership.objects.get(pk=membership.pk).role == "owner"


def test_members_are_added_changed_and_removed_with_a_line_each(office, store, olivia, stranger):
    add = reverse("admin:stores_membership_add")
    assert office.post(add, {"store": store.pk, "user": stranger.pk, "role": "support"}).status_code == 302
    membership = stranger.memberships.get(store=store)
    office.post(reverse("admin:stores_membership_change", args=[membership.pk]), {"role": "analyst"})
    office.post(reverse("admin:stores_membership_delete", args=[membership.pk]), {"post": "yes"})
    kinds = list(Event.objects.filter(store=store).order_by("id").values_list("kind", flat=True))
    assert kinds == ["store.member_added", "store.role_changed", "store.member_removed"]


def test_a_store_is_opened_with_a_free_address(office, store):
    url = reverse("admin:stores_store_add")
    new = {
        "name": "Second",
        "slug": "admin",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "locale": "fr_FR",
    }
    new |= {"brand_color": "#1c6b4f", "benchmark_rpr": "28"}
    assert office.post(url, new).status_code == 200
    assert not Store.objects.filter(name="Second").exists()
    assert office.post(url, new | {"slug": "second"}).status_code == 302
    assert Event.objects.get(store__slug="second").kind == "store.opened"


def test_an_administrator_cannot_lock_himself_out(office, ada):
    url = reverse("admin:stores_user_change", args=[ada.pk])
    assert b"cannot take this from yourself" in office.post(url, {"email": ada.email, "name": "Ada"}).content
    assert User.objects.get(pk=ada.pk).is_superuser


def test_a_lost_second_step_is_forgotten(office, olivia, sam):
    for person in (olivia, sam):
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})
    data = {"action": "forget_second_step", "_selected_action": [olivia.pk]}
    assert office.post(reverse("admin:stores_user_changelist"), data).status_code == 302
    assert list(Authenticator.objects.values_list("user", flat=True)) == [sam.pk]


def test_a_new_person_gets_in_only_by_choosing_a_password(office):
    new = {"email": "Nora@Example.com", "name": "Nora"}
    assert office.post(reverse("admin:stores_user_add"), new).status_code == 302
    nora = User.objects.get(email="nora@example.com")
    assert not nora.has_usable_password()
    assert not nora.is_staff


def test_amounts_are_money_with_their_currency(office, things):
    order = things["orders.order"]
    Order.objects.filter(pk=order.pk).update(items=123_450)
    order.lines.create(title="Pot", quantity=1, unit_price=250, total=250)
    assert "$1,234.50" in office.get(reverse("admin:orders_order_changelist")).content.decode()
    page = office.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert "$1,234.50" in page
    assert "$2.50" in page


def test_the_currency_of_a_store_with_amounts_stays_in_the_admin_too(office, store, things):
    url = reverse("admin:stores_store_change", args=[store.pk])
    assert office.post(url, form_of(office.get(url)) | {"currency": "JPY", "name": "New"}).status_code == 302
    store.refresh_from_db()
    assert (store.currency, store.name) == ("USD", "New")


def test_administrators_find_the_way_to_another_store_and_owners_do_not_see_it(office, client, olivia, store):
    link = f'href="{reverse("admin:stores_store_add")}"'
    assert link in office.get(f"/{store.slug}/").content.decode()
    client.force_login(olivia)
    assert link not in client.get(f"/{store.slug}/").content.decode()
