"""What people of a store type about customers."""

from __future__ import annotations

from typing import Any

from django import forms

from retention.customers.models import Channel, Customer, Status
from retention.customers.notes import LONGEST
from retention.dashboard.customers.person import title
from retention.lib.addresses import id_of


class TagForm(forms.Form):
    tag = forms.CharField(label="Tag", max_length=80)
    turn = forms.ChoiceField(choices=[("add", "Add"), ("remove", "Remove")])

    @property
    def problem(self) -> str:
        """The first of them, in words."""
        return str(next(iter(self.errors.values()))[0])

    def clean_tag(self) -> str:
        tag = " ".join(str(self.cleaned_data["tag"]).split())
        if "," in tag:
            raise forms.ValidationError("One tag at a time, without commas.")
        return tag


class BulkTagForm(TagForm):
    """Those with a tick; or everybody whom the list finds, when `everybody` is ticked."""

    ids = forms.TypedMultipleChoiceField(coerce=int, required=False)
    everybody = forms.BooleanField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        ticked = [pk for pk in data.getlist("ids") if id_of(pk) is not None]
        self.fields["ids"].choices = [(pk, pk) for pk in ticked]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("everybody") and not data.get("ids"):
            raise forms.ValidationError("Tick somebody first.")
        return data


class ViewForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60)


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Note",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write something first."},
    )


class SaidForm(forms.Form):
    """What a person said to somebody of the store about being written to."""

    channel = forms.ChoiceField(choices=Channel.choices)
    status = forms.ChoiceField(
        choices=[(Status.SUBSCRIBED, "wants to hear from us"), (Status.UNSUBSCRIBED, "wants no more")]
    )


class EraseForm(forms.Form):
    typed = forms.CharField(label="Confirm", max_length=400)

    def __init__(self, data: Any = None, *, customer: Customer) -> None:
        super().__init__(data)
        self.wanted = title(customer)
        self.fields["typed"].label = f"Type “{self.wanted}” to confirm"

    def clean_typed(self) -> str:
        typed = " ".join(str(self.cleaned_data["typed"]).split())
        if typed.casefold() != " ".join(self.wanted.split()).casefold():
            raise forms.ValidationError(f"That is not “{self.wanted}”. Nothing was erased.")
        return typed
