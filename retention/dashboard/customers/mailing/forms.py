"""What is said of a mailing list beside the file itself."""

from __future__ import annotations

from django import forms

from retention.customers.models import Status
from retention.ingest.lists.formats import FORMATS

# The choice to say nothing; an empty one would be shown as optional.
BY_ITSELF = "file"


class FileForm(forms.Form):
    """Which tool wrote the file."""

    tool = forms.ChoiceField(
        label="Exported from",
        choices=[
            (BY_ITSELF, "Recognize it by its columns"),
            *((form.name, form.title) for form in FORMATS.values()),
        ],
    )

    @property
    def told(self) -> str:
        return _told(self, "tool")


class StatusForm(forms.Form):
    """What the people of a file said, where the file does not tell."""

    status = forms.ChoiceField(
        label="Marketing e-mails",
        choices=[
            (BY_ITSELF, "Only what the file says"),
            (Status.SUBSCRIBED, "Subscribed, where the file does not say"),
            (Status.UNSUBSCRIBED, "Unsubscribed, all of them"),
            (Status.SUPPRESSED, "Never to be written to, all of them"),
        ],
        help_text="Choose Subscribed only if these people said yes. Nobody who unsubscribed here comes back.",
    )

    @property
    def told(self) -> str:
        return _told(self, "status")


def _told(form: forms.Form, name: str) -> str:
    value = str(form.cleaned_data[name]) if form.is_valid() else BY_ITSELF
    return "" if value == BY_ITSELF else value
