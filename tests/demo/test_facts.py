"""Facts that no file carries."""

from __future__ import annotations

from datetime import date

import pytest

from retention.catalog.models import Product, ProductRelation
from retention.dashboard.demo import facts, shop
from retention.dashboard.demo.goods import GOODS, RELATIONS
from retention.orders.models import Order, Shipment
from retention.stores.models import Store
from retention.timeline.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return Store.objects.create(name="Plants", slug="plants")


@pytest.fixture
def story(store: Store) -> shop.Shop:
    made = shop.build(date(2025, 5, 20), scale=0.01)
    Order.objects.bulk_create(
        Order(store=store, source="x", external_id=s.name, number=s.name, placed_at=s.placed_at)
        for s in made.sales
    )
    return made


def test_every_parcel_has_its_promise_and_its_events(store: Store, story: shop.Shop) -> None:
    parcels = [sale.parcel for sale in story.sales if sale.parcel]
    assert facts.send_parcels(store, story) == len(parcels) == Shipment.objects.exclude(due_at=None).count()
    assert Event.objects.filter(kind="order.shipped").count() == len(parcels)
    arrived = [parcel for parcel in parcels if parcel.delivered_at]
    assert Event.objects.filter(kind="order.delivered").count() == len(arrived)


def test_sending_the_parcels_again_tells_nothing_twice(store: Store, story: shop.Shop) -> None:
    facts.send_parcels(store, story)
    told = Event.objects.count()
    assert facts.send_parcels(store, story) == 0
    assert Event.objects.count() == told


def test_a_parcel_that_the_import_knows_already_is_not_sent_twice(store: Store, story: shop.Shop) -> None:
    sale = next(s for s in story.sales if s.parcel)
    order = Order.objects.get(number=sale.name)
    Shipment.objects.create(order=order, external_id=facts.FULFILLED)
    facts.send_parcels(store, story)
    assert order.shipments.count() == 1
    assert not Event.objects.filter(kind="order.shipped", subject=f"order:{order.pk}").exists()


def test_goods_get_their_intervals_pictures_and_relations_once(store: Store) -> None:
    Product.objects.bulk_create(
        Product(store=store, source="x", external_id=g.sku, sku=g.sku, title=g.title) for g in GOODS
    )
    facts.complete_goods(store)
    facts.complete_goods(store)
    assert ProductRelation.objects.count() == len(RELATIONS)
    food = Product.objects.get(title="Liquid Plant Food")
    assert food.reorder_days == 60
    assert food.image_url.startswith("data:image/svg+xml,")
