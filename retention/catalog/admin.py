"""Products for administrators. What files tell is read only; what no file knows is set here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from retention.catalog.actions import correct_product
from retention.catalog.models import Product, ProductRelation

BY_HAND = ("cost", "stock", "reorder_days")


class RelationInline(TabularInline):  # type: ignore[misc]
    model = ProductRelation
    fk_name = "product"
    extra = 0
    autocomplete_fields = ("other",)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        found = super().formfield_for_choice_field(db_field, request, **kwargs)
        # In a table only the column's head names it, which is read to nobody.
        found.widget.attrs["aria-label"] = str(db_field.verbose_name).capitalize()
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        found = super().formfield_for_foreignkey(db_field, request, **kwargs)
        number = getattr(request.resolver_match, "kwargs", {}).get("object_id")
        if db_field.name == "other" and number:
            # A relation stays inside its store.
            found.queryset = Product.objects.filter(store__products=number).exclude(pk=number)
        return found


@admin.register(Product)
class ProductAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "sku", "store", "category", "price", "cost", "stock", "reorder_days", "active")
    list_filter = ("store", "active")
    list_select_related = ("store",)
    search_fields = ("title", "sku", "external_id")
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (RelationInline,)
    fieldsets = (
        (
            None,
            {"fields": (("title", "sku"), ("category", "vendor"), ("price", "active"), "store", "source")},
        ),
        ("By hand", {"fields": (BY_HAND,)}),
    )
    readonly_fields = ("title", "sku", "category", "vendor", "price", "active", "store", "source")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm[Product], change: bool) -> None:
        """Everything is kept at once in `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: list[Any], change: bool) -> None:
        relations: list[ProductRelation] = []
        gone: list[ProductRelation] = []
        for formset in formsets:
            relations += _written(formset)
            gone += formset.deleted_objects
        by = f"user:{request.user.pk}"
        correct_product(form.instance, fields=form.changed_data, relate=relations, part=gone, by=by)


def _written(formset: BaseModelFormSet[ProductRelation, Any]) -> list[ProductRelation]:
    return list(formset.save(commit=False))
