"""Imports for administrators: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from retention.ingest.models import ImportRun


@admin.register(ImportRun)
class ImportRunAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "store", "state", "rows_read", "accepted", "same", "rejected", "by", "created_at")
    list_filter = ("store", "state")
    list_select_related = ("store", "by")
    search_fields = ("name",)
    ordering = ("-id",)
    exclude = ("path",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False
