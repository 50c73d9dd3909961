"""What no file of the shop system carries: how goods belong together, and when parcels were due and arrived.

Each function changes only what differs, so that calling it again changes nothing and tells nothing twice.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from retention.catalog.models import Product, ProductRelation
from retention.dashboard.demo.goods import GOODS, RELATIONS
from retention.dashboard.demo.shop import Parcel, Sale, Shop
from retention.orders.models import Order, Shipment
from retention.orders.vocabulary import OrderDelivered, OrderShipped
from retention.stores.models import Store
from retention.timeline.kinds import Kind
from retention.timeline.models import Event

CARRIERS = ("USPS", "UPS", "FedEx")
# The id by which the import of files knows an order's parcel.
FULFILLED = "fulfilled"
# Orders per transaction: followers wait for open transactions.
CHUNK = 4_000


@transaction.atomic
def complete_goods(store: Store) -> None:
    """Reorder intervals, pictures and relations."""
    products = {product.sku: product for product in Product.objects.filter(store=store)}
    for good in GOODS:
        product = products[good.sku]
        wanted = {"reorder_days": good.reorder_days, "image_url": good.picture}
        different = [name for name, value in wanted.items() if getattr(product, name) != value]
        if different:
            for name in different:
                setattr(product, name, wanted[name])
            product.save(update_fields=different)
    by_title = {good.title: products[good.sku] for good in GOODS}
    ProductRelation.objects.bulk_create(
        [
            ProductRelation(product=by_title[title], other=by_title[other], kind=kind)
            for title, kind, other in RELATIONS
        ],
        ignore_conflicts=True,
    )


def send_parcels(store: Store, shop: Shop) -> int:
    """Parcels with promise and arrival, and their events. Returns how many parcels changed."""
    sent = [sale for sale in shop.sales if sale.parcel]
    return sum(_send(store, sent[start : start + CHUNK]) for start in range(0, len(sent), CHUNK))


@transaction.atomic
def _send(store: Store, sales: list[Sale]) -> int:
    numbers = {form: sale for sale in sales for form in (sale.name, sale.name[1:])}
    orders = list(Order.objects.filter(store=store, number__in=numbers).order_by("pk"))
    known: dict[int, Shipment] = {}
    for sent in Shipment.objects.filter(order__in=[order.pk for order in orders]).order_by("-pk"):
        known[sent.order_id] = sent
    told: list[Shipment] = []
    events: list[Event] = []
    for order in orders:
        sale = numbers[order.number]
        parcel = sale.parcel
        assert parcel
        shipment = known.get(order.pk)
        if shipment is None:
            shipment = Shipment(order=order, external_id=FULFILLED)
            events.append(_event(order, OrderShipped(order=order.pk), parcel.shipped_at))
        elif (shipment.due_at, shipment.delivered_at) == (parcel.due_at, parcel.delivered_at):
            continue
        shipment.pk = None
        told.append(shipment)
        if parcel.delivered_at and shipment.delivered_at != parcel.delivered_at:
            events.append(_event(order, OrderDelivered(order=order.pk), parcel.delivered_at))
        _fill(shipment, sale, parcel)
    # An upsert by the parcel's own key: bulk_update writes a CASE per row and column, 20 times slower.
    Shipment.objects.bulk_create(
        told,
        batch_size=2_000,
        update_conflicts=True,
        unique_fields=["order", "external_id"],
        update_fields=["carrier", "tracking_number", "shipped_at", "due_at", "delivered_at"],
    )
    Event.objects.bulk_create(events, batch_size=2_000)
    return len(told)


def _fill(shipment: Shipment, sale: Sale, parcel: Parcel) -> None:
    shipment.carrier = CARRIERS[sale.number % len(CARRIERS)]
    shipment.tracking_number = f"FF{sale.number:09}"
    shipment.shipped_at = parcel.shipped_at
    shipment.due_at = parcel.due_at
    shipment.delivered_at = parcel.delivered_at


def _event(order: Order, what: Kind, at: datetime) -> Event:
    return Event(
        store_id=order.store_id,
        kind=what.name,
        customer_id=order.customer_id,
        occurred_at=at,
        subject=f"order:{order.pk}",
        data=what.payload(),
        by="demo",
    )
