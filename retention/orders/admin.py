"""Orders for administrators: to look at. They change by what the shop tells."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

from retention.orders.models import Line, Order, Refund, Shipment


class ToLookAt:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class LineInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Line
    fields = ("title", "sku", "quantity", "unit_price", "discount", "total")
    extra = 0


class RefundInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Refund
    fields = ("external_id", "refunded_at", "amount")
    extra = 0


class ShipmentInline(ToLookAt, TabularInline):  # type: ignore[misc]
    model = Shipment
    fields = ("carrier", "tracking_number", "shipped_at", "due_at", "delivered_at")
    extra = 0


@admin.register(Order)
class OrderAdmin(ToLookAt, ModelAdmin):  # type: ignore[misc]
    list_display = ("__str__", "store", "placed_at", "customer", "items", "discounts", "refunded", "status")
    list_filter = ("store",)
    list_select_related = ("store", "customer")
    search_fields = ("=number", "=external_id")
    search_help_text = "The whole order number"
    ordering = ("-id",)
    # Counting ten million orders for every page would take longer than the page.
    paginator = InfinitePaginator
    show_full_result_count = False
    inlines = (LineInline, RefundInline, ShipmentInline)
