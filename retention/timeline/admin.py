"""The timeline for administrators: to look at, because it never changes."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from retention.timeline.kinds import sentence
from retention.timeline.models import Event


@admin.register(Event)
class EventAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("kind", "said", "store", "customer_id", "occurred_at", "by")
    list_filter = ("store",)
    list_select_related = ("store",)
    search_fields = ("=kind", "=subject")
    search_help_text = "A kind such as order.placed, or a subject such as customer:12"
    ordering = ("-id",)
    # Counting every event for every page would take longer than the page.
    paginator = InfinitePaginator
    show_full_result_count = False

    @admin.display(description="What happened")
    def said(self, event: Event) -> str:
        return sentence(event.kind, event.data)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False
