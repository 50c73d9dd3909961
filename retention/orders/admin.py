"""Orders for administrators: to look at. They change by what the shop tells."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

from retention.lib import formats
from retention.orders.models import Line, Order, Refund, Shipment


class ToLookAt:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def amount(field: str, label: str, store: str = "order.store") -> Any:
    """A column of money as people read it; `store` is the way from a row to its store."""

    @admin.display(description=label)
    def shown(row: Any) -> str:
        its = attrgetter(store)(row)
        return formats.money(getattr(row, field), its.currency, its.locale)

    # Columns are known by their names.
    shown.__name__ = f"{field}_shown"
    return shown


MONEY = (
    amount("items", "Goods", "store"),
    amount("discounts", "Discounts", "store"),
    amount("refunded", "Refunded", "store"),
    amount("shipping", "Shipping", "store"),
    amount("tax", "Tax", "store"),
)


class LineInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Line
    fields = readonly_fields = (
        *("title", "sku", "quantity"),
        *(amount("unit_price", "Price"), amount("discount", "Discount"), amount("total", "Total")),
    )
    extra = 0


class RefundInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Refund
    fields = readonly_fields = ("external_id", "refunded_at", amount("amount", "Amount", "store"))
    extra = 0


class ShipmentInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Shipment
    fields = ("carrier", "tracking_number", "shipped_at", "due_at", "delivered_at")
    extra = 0


@admin.register(Order)
class OrderAdmin(ToLookAt, ModelAdmin):  # type: ignore[misc]
    list_display = ("__str__", "store", "placed_at", "customer", *MONEY[:3], "status")
    fields = readonly_fields = (
        *("store", "number", "source", "external_id", "customer", "placed_at", "cancelled_at", "status"),
        *("test", "void", *MONEY),
        *("channel", "campaign", "coupon", "country", "first_category"),
    )
    list_filter = ("store",)
    list_select_related = ("store", "customer")
    search_fields = ("=number", "=external_id")
    search_help_text = "The whole order number"
    ordering = ("-id",)
    # Counting ten million orders for every page would take longer than the page.
    paginator = InfinitePaginator
    show_full_result_count = False
    inlines = (LineInline, RefundInline, ShipmentInline)
