"""What is typed beside a rule: names, lists of people, files."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from retention.lib import formats
from retention.segments.people import Unreadable, addresses_in
from retention.stores.models import Store, User

MOST_BYTES = 20 * 1024 * 1024
# Of what is no address so much is named.
NAMED = 5


def no_addresses(wrong: list[str]) -> str:
    """What was given in place of addresses, counted and named: '1 line is no address: “bad”.'"""
    if not wrong:
        return ""
    named = ", ".join(f"“{one[:40]}”" for one in wrong[:NAMED]) + (", …" if len(wrong) > NAMED else "")
    return f"{formats.counted(len(wrong), 'line is', 'lines are')} no address: {named}."


class NameForm(forms.Form):
    """What a segment is called, and who looks after it."""

    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(
        label="What it is for", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    owner = forms.ModelChoiceField(
        User.objects.none(),
        label="Looked after by",
        required=False,
        empty_label="Nobody",
        help_text="Named beside the date of the next review.",
    )

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = User.objects.filter(memberships__store=store).order_by("name", "email")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]


class PeopleForm(forms.Form):
    """People by their e-mail addresses, typed or from a file."""

    emails = forms.CharField(
        label="E-mail addresses",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One per line, or with commas between them.",
    )
    file = forms.FileField(
        label="CSV file",
        required=False,
        help_text="With a column “email”. Addresses that no customer has are left out and counted.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv"}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        typed = given.get("emails", "").replace(";", ",").replace(",", "\n")
        found = [one for line in typed.splitlines() if (one := line.strip())]
        if file := given.get("file"):
            found += self._from(file)
        given["addresses"] = [one for one in found if "@" in one]
        given["wrong"] = list(dict.fromkeys(one for one in found if "@" not in one))
        return given

    def _from(self, file: UploadedFile) -> list[str]:
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError({"file": "This file is larger than 20 MB."})
        try:
            return addresses_in(file)
        except Unreadable as error:
            raise forms.ValidationError({"file": str(error)}) from error


class AddForm(PeopleForm):
    """Somebody has to be named."""

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if not self.errors and not given["addresses"]:
            told = no_addresses(given["wrong"])
            raise forms.ValidationError(told or "Type an e-mail address, or choose a file.")
        return given


class ListForm(PeopleForm):
    """A list, empty or with people."""

    name = forms.CharField(label="Name", max_length=120)
    field_order = ("name", "emails", "file")


class SegmentFileForm(forms.Form):
    """A segment that was written to a file."""

    file = forms.FileField(label="Segment file (.json)", widget=forms.FileInput(attrs={"accept": ".json"}))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > 1024 * 1024:
            raise forms.ValidationError("This file is larger than a segment can be.")
        try:
            return json.loads(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("This file is not a segment: it is no text in UTF-8.") from None
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise forms.ValidationError(f"This file is not a segment: it is no JSON at {where}.") from None
        except (ValueError, RecursionError):
            raise forms.ValidationError("This file is not a segment: it cannot be read.") from None
