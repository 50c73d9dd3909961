"""Stores and people for administrators. Every change goes the owner's way, and is told like hers."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashField
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminSelectWidget

from retention.dashboard import desk_actions as desk
from retention.dashboard.desk_queries import has_money
from retention.stores import people
from retention.stores.forms import LOCALES, ZONES, StoreForm, offer
from retention.stores.models import Membership, Store, User


class StoreChoices(forms.ModelForm):  # type: ignore[type-arg]
    """Zones and languages are chosen, not spelled."""

    time_zone = forms.ChoiceField(choices=ZONES, widget=UnfoldAdminSelectWidget)
    locale = forms.ChoiceField(label="Numbers and dates", choices=LOCALES, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("time_zone", "locale"):
            offer(self.fields[name], getattr(self.instance, name))
        for name, label in StoreForm.Meta.labels.items():
            if name in self.fields:
                self.fields[name].label = label


@admin.register(Store)
class StoreAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "slug", "currency", "time_zone", "created_at")
    search_fields = ("name", "slug")
    fieldsets = (
        (None, {"fields": ("name", "slug", ("currency", "time_zone", "locale"), "brand_color")}),
        ("Goals", {"fields": (("benchmark_rpr", "target_rpr"),)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Store | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # The address is in bookmarks and mails; amounts are in the currency's smallest unit.
        return ("slug", "currency") if has_money(obj) else ("slug",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Store | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    def get_form(self, request: HttpRequest, obj: Store | None = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **{"form": StoreChoices, **kwargs})

    def has_delete_permission(self, request: HttpRequest, obj: Store | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Store, form: Any, change: bool) -> None:
        if change:
            desk.save_settings(form, by=_person(request))
        else:
            desk.open_store(obj, by=_person(request))


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk and "role" in data:
            people.keep_an_owner(Membership.objects.get(pk=self.instance.pk), stays=data["role"] == "owner")
        return data


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):  # type: ignore[misc]
    form = MembershipForm
    list_display = ("user", "store", "role", "created_at")
    list_filter = ("store", "role")
    list_select_related = ("store", "user")
    search_fields = ("user__email", "user__name")
    autocomplete_fields = ("user", "store")
    ordering = ("store", "user")
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("user", "store") if obj else ()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if not change:
            desk.add_member(obj, by=_person(request))
        elif form.changed_data:
            kept = Membership.objects.get(pk=obj.pk)
            desk.change_member_role(kept, obj.role, by=_person(request))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        desk.remove_member(obj, by=_person(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]
        except ValidationError as error:
            self.message_user(request, error.messages[0], messages.ERROR)
            return HttpResponseRedirect(reverse("admin:stores_membership_changelist"))


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Nobody locks the last door behind himself."""

    asker: User

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk == self.asker.pk:
            for name in ("is_active", "is_staff", "is_superuser"):
                if not data.get(name, True):
                    self.add_error(name, "You cannot take this from yourself; another administrator can.")
        return data


class ChangedPersonForm(PersonForm):
    """The password is not typed here, where it would be kept as it is, but on a page of its own."""

    password = ReadOnlyPasswordHashField(
        label="Password", help_text='It can be changed on <a href="../password/">a page of its own</a>.'
    )


@admin.register(User)
class UserAdmin(PlainUserAdmin, ModelAdmin):  # type: ignore[type-arg, misc]
    form, add_form = ChangedPersonForm, PersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Record", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email", "name", "is_staff", "is_superuser"),
                "description": "They choose a password through “Forgot your password?” on the sign-in page.",
            },
        ),
    )

    actions = ("forget_second_step",)

    @admin.action(description="Forget the second step of sign-in (for a lost phone or key)")
    def forget_second_step(self, request: HttpRequest, people: QuerySet[User]) -> None:
        Authenticator.objects.filter(user__in=people).delete()
        for user in people:
            self.log_change(request, user, "Second step of sign-in forgotten")
        self.message_user(request, "They sign in with the password alone, and can set up a new second step.")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change=change, **kwargs)
        return type("PersonForm", (made,), {"asker": request.user})

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are switched off, not deleted: their name stays on what they did."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            # Letters to the former address would still open the account, and so would a former address of
            # somebody else that is now this person's.
            EmailAddress.objects.filter(Q(user=obj) | Q(email__iexact=obj.email)).delete()
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
