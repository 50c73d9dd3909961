"""How a file of order lines is read."""

from __future__ import annotations

from typing import Any

from django import forms

from retention.ingest.files.lines import FIELDS


class MappingForm(forms.Form):
    date_order = forms.ChoiceField(
        label="Dates such as 03/04/2025",
        choices=[("month", "Month first: March 4"), ("day", "Day first: April 3")],
    )
    decimals = forms.ChoiceField(
        label="Amounts", choices=[("point", "1,234.56"), ("comma", "1.234,56")], initial="point"
    )
    cancel_prefix = forms.CharField(
        label="Credit notes start with",
        required=False,
        max_length=20,
        help_text="Such as C in C536379. Leave empty if there are none.",
    )
    one_order_per = forms.ChoiceField(
        label="One order is",
        required=False,
        choices=[("", "one order number"), ("customer-day", "a customer's day")],
    )
    remember = forms.BooleanField(
        label="Remember this for files with the same columns", required=False, initial=True
    )

    def __init__(self, *args: Any, header: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = [("", "not in the file"), *((name, name) for name in dict.fromkeys(header) if name)]
        fields = {
            f"field_{name}": forms.ChoiceField(label=label, choices=columns, required=False)
            for name, label in FIELDS.items()
        }
        self.fields = {**fields, **self.fields}

    @property
    def columns(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("field_")]

    @property
    def mapping(self) -> dict[str, str]:
        found = {name: str(self.cleaned_data[f"field_{name}"]) for name in FIELDS}
        return {name: column for name, column in found.items() if column}

    @property
    def options(self) -> dict[str, Any]:
        told = self.cleaned_data
        options: dict[str, Any] = {"day_first": told["date_order"] == "day"}
        if told["decimals"] == "comma":
            options["decimal_comma"] = True
        for name in ("cancel_prefix", "one_order_per"):
            if told[name]:
                options[name] = told[name]
        return options


def initial_of(mapping: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    return {
        **{f"field_{name}": column for name, column in mapping.items()},
        "date_order": "day" if options.get("day_first") else "month",
        "decimals": "comma" if options.get("decimal_comma") else "point",
        "cancel_prefix": options.get("cancel_prefix", ""),
        "one_order_per": options.get("one_order_per", ""),
    }
