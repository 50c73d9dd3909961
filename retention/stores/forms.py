"""Forms about stores and people."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator

from retention.stores.models import Invitation, Role, Store, User
from retention.stores.pictures import validate_picture

ZONES = [
    (name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name or name == "UTC"
]
CURRENCIES = [
    "USD",
    "EUR",
    "GBP",
    "AUD",
    "BRL",
    "CAD",
    "CHF",
    "CNY",
    "CZK",
    "DKK",
    "HKD",
    "HUF",
    "IDR",
    "ILS",
    "INR",
    "JPY",
    "KRW",
    "MXN",
    "MYR",
    "NOK",
    "NZD",
    "PHP",
    "PLN",
    "RON",
    "SEK",
    "SGD",
    "THB",
    "TRY",
    "TWD",
    "ZAR",
]
LOCALES = [
    ("en_US", "English (United States): 1,234.50"),
    ("en_GB", "English (United Kingdom): 1,234.50"),
    ("de_DE", "German (Germany): 1.234,50"),
    ("fr_FR", "French (France): 1 234,50"),
]


if TYPE_CHECKING:
    InvitationModelForm = forms.ModelForm[Invitation]
    StoreModelForm = forms.ModelForm[Store]
else:
    InvitationModelForm = StoreModelForm = forms.ModelForm


class PasswordField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(
            widget=widget, strip=False, help_text="At least 8 characters, not a common one.", **kwargs
        )


class SetupForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=120)
    email = forms.EmailField(label="E-mail")
    password = PasswordField()
    store_name = forms.CharField(label="Name of the store", max_length=120)
    currency = forms.ChoiceField(choices=[(code, code) for code in CURRENCIES])
    time_zone = forms.ChoiceField(
        choices=ZONES, initial="UTC", help_text="Days and months begin at midnight here."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        _check_password(self, self.owner(), data.get("password"))
        return data

    def owner(self) -> User:
        data = self.cleaned_data
        return User(email=data.get("email", "").lower(), name=data.get("name", ""))

    def store(self) -> Store:
        data = self.cleaned_data
        return Store(name=data["store_name"], currency=data["currency"], time_zone=data["time_zone"])


class JoinForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=120)
    password = PasswordField()

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        _check_password(self, User(email=self.email, name=data.get("name", "")), data.get("password"))
        return data


class InvitationForm(InvitationModelForm):
    class Meta:
        model = Invitation
        fields = ["email", "role"]
        labels = {"email": "E-mail"}


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class StoreForm(StoreModelForm):
    time_zone = forms.ChoiceField(
        choices=ZONES,
        help_text="Days and months begin at midnight here. Changing it counts every month anew.",
    )
    locale = forms.ChoiceField(label="Numbers and dates", choices=LOCALES)
    logo = forms.FileField(
        required=False,
        validators=[validate_picture],
        help_text="PNG, JPEG, WebP or GIF, at most 1 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )

    class Meta:
        model = Store
        fields = [
            "name",
            "brand_color",
            "logo",
            "time_zone",
            "locale",
            "currency",
            "benchmark_rpr",
            "target_rpr",
        ]
        labels = {
            "benchmark_rpr": "Benchmark repeat rate, %",
            "target_rpr": "Your target, %",
            "brand_color": "Brand color",
        }
        help_texts = {
            "currency": "Three letters, such as USD. It stays once orders or prices are here.",
            "benchmark_rpr": "Shown beside the repeat purchase rate.",
            "brand_color": "For mails and pages that your customers see.",
        }
        widgets = {"brand_color": forms.TextInput(attrs={"type": "color"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("time_zone", "locale"):
            offer(self.fields[name], getattr(self.instance, name))
        for name in ("benchmark_rpr", "target_rpr"):
            self.fields[name].widget.attrs |= {"min": 0, "max": 100, "step": "0.1"}
            self.fields[name].validators += [MinValueValidator(0), MaxValueValidator(100)]

    def clean_logo(self) -> Any:
        logo = self.cleaned_data["logo"]
        if isinstance(logo, UploadedFile):
            logo.name = secrets.token_hex(12)
        return logo


def offer(field: Any, value: str) -> None:
    """A value that the list lacks (set by an administrator) stays selectable."""
    if value not in dict(field.choices):
        field.choices = [(value, value), *field.choices]


def _check_password(form: forms.Form, user: User, password: str | None) -> None:
    if not password:
        return
    try:
        validate_password(password, user)
    except forms.ValidationError as error:
        form.add_error("password", error)
