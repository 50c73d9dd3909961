"""People for administrators. The address by which files know somebody is read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from retention.customers.actions import correct_customer
from retention.customers.models import Customer, Identity


class IdentityInline(TabularInline):  # type: ignore[misc]
    model = Identity
    fk_name = "customer"
    fields = readonly_fields = ("source", "external_id")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("shown", "email", "country", "store", "created_at")
    list_filter = ("store",)
    list_select_related = ("store",)
    search_fields = ("=email", "=identities__external_id")
    search_help_text = "The whole e-mail address, or the whole id in the shop system"
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (IdentityInline,)
    fieldsets = (
        (None, {"fields": ("email", ("first_name", "last_name"), ("company", "phone"), "accepts_email")}),
        ("Where", {"fields": (("city", "region", "country"),)}),
        ("Record", {"fields": ("store", "merged_into", "created_at")}),
    )
    readonly_fields = ("email", "store", "merged_into", "created_at")

    @admin.display(description="Name")
    def shown(self, customer: Customer) -> str:
        return str(customer)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        correct_customer(obj, changes, by=f"user:{request.user.pk}")
