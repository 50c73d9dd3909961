"""The whole command, with a tenth of the shop."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import F, Q, Sum
from pytest_django import Settings

from retention.catalog.models import Product, ProductRelation
from retention.customers.models import Consent, Customer
from retention.dashboard.demo.goods import GOODS, RELATIONS
from retention.orders.models import Order, Refund, Shipment
from retention.segments.models import Membership as Place
from retention.segments.models import Segment
from retention.stores.models import Membership, Store
from retention.timeline.models import Event

TODAY = date(2025, 5, 20)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path


def load() -> str:
    told = io.StringIO()
    call_command("load_demo", scale=0.1, today=TODAY, stdout=told)
    return told.getvalue()


def snapshot() -> dict[str, object]:
    return {
        "events": Event.objects.count(),
        "orders": list(Order.objects.order_by("pk").values()),
        "customers": Customer.objects.count(),
        "products": list(Product.objects.order_by("pk").values("sku", "image_url", "reorder_days", "stock")),
        "relations": ProductRelation.objects.count(),
        "shipments": list(Shipment.objects.order_by("pk").values()),
        "refunds": list(Refund.objects.order_by("pk").values()),
        "segments": list(Segment.objects.order_by("pk").values_list("name", "status")),
        "consents": list(Consent.objects.order_by("pk").values()),
        "stores": list(Store.objects.order_by("pk").values()),
    }


def test_the_demo_is_complete_and_loading_it_again_changes_nothing() -> None:
    load()
    demo, sample = Store.objects.get(slug="demo"), Store.objects.get(slug="cdnow-sample")
    orders = Order.objects.filter(store=demo)
    assert Customer.objects.filter(store=demo).count() == 800
    assert 2_200 < orders.count() < 2_700
    assert orders.exclude(channel="").count() == orders.count()
    assert orders.exclude(campaign="").exists()
    assert orders.exclude(coupon="").filter(discounts__gt=0).exists()
    assert orders.exclude(cancelled_at=None).exists()
    assert 0.1 < orders.filter(customer=None).count() / orders.count() < 0.25
    assert Refund.objects.filter(store=demo).exists()

    products = Product.objects.filter(store=demo)
    assert products.count() == len(GOODS)
    assert not products.filter(Q(cost=None) | Q(price=None) | Q(stock=None) | Q(category="")).exists()
    assert products.filter(image_url__startswith="data:image/svg+xml,").count() == len(GOODS)
    assert products.exclude(reorder_days=None).count() == sum(g.reorder_days is not None for g in GOODS)
    assert ProductRelation.objects.filter(product__store=demo).count() == len(RELATIONS)

    parcels = Shipment.objects.filter(order__store=demo)
    assert not parcels.filter(due_at=None).exists()
    assert parcels.filter(delivered_at__gt=F("due_at")).exists()
    delivered = Event.objects.filter(store=demo, kind="order.delivered")
    assert delivered.count() == parcels.exclude(delivered_at=None).count()

    assert Customer.objects.filter(store=sample).count() == 2_357
    assert Order.objects.filter(store=sample).aggregate(n=Sum("items"))["n"] == 24_409_194
    assert Membership.objects.filter(role="owner", user__email="demo@perennial.local").count() == 2

    stages = Segment.objects.filter(store=demo, ready__in=("new", "loyal", "lapsed"))
    assert stages.count() == 3
    # The story of this test ends long ago.
    assert Place.objects.filter(segment=stages.get(ready="lapsed"), left_at=None).exists()
    # Who accepts e-mail in the shop's own file may be written to.
    assert 400 < Consent.objects.filter(store=demo, status="subscribed").count() < 560

    before = snapshot()
    load()
    assert snapshot() == before
    call_command("check_metrics", stdout=io.StringIO())
