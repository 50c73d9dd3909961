"""The form of the preference centre."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from retention.customers.merging import person_of
from retention.customers.models import Channel, Customer, Frequency
from retention.customers.preferences import PAUSES, Choices, choices_of, paused_until, topics_of

MONTHS = [(str(number), date(2000, number, 1).strftime("%B")) for number in range(1, 13)]
DAYS = [(str(number), str(number)) for number in range(1, 32)]
WAYS = {
    Channel.EMAIL: ("E-mail", "News and offers to {email}"),
    Channel.SMS: ("Text messages", "Short news, to the number ending in {phone}"),
    Channel.ONSITE: ("In the shop", "Suggestions while you browse"),
}


class PreferencesForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label="Where may we reach you?", required=False, widget=forms.CheckboxSelectMultiple
    )
    topics = forms.TypedMultipleChoiceField(
        label="What about?", required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    frequency = forms.ChoiceField(label="How often?", choices=Frequency.choices, widget=forms.RadioSelect)
    pause = forms.ChoiceField(label="Need a break?", widget=forms.RadioSelect)
    month = forms.ChoiceField(label="Month", required=False, choices=[("", "Month"), *MONTHS])
    day = forms.ChoiceField(label="Day", required=False, choices=[("", "Day"), *DAYS])

    def __init__(self, data: Any = None, *, customer: Customer, staff: bool = False) -> None:
        self.customer, self.now, self.staff = customer, choices_of(customer), staff
        self.paused_until = paused_until(customer)
        super().__init__(data, initial=self._initial())
        self._offer()

    def _offer(self) -> None:
        fields: Any = self.fields
        self.offered = [c for c in Channel.values if c != Channel.SMS or person_of(self.customer).phone]
        fields["channels"].choices = [(c, WAYS[Channel(c)][0]) for c in self.offered]
        topics = topics_of(self.customer.store)
        fields["topics"].choices = [(topic.pk, topic.name) for topic in topics]
        if not topics:
            del fields["topics"]
        pauses = [(str(days), f"Nothing for {days} days") for days in PAUSES]
        now = (
            ("keep", f"Stay on the break until {self._day()}") if self.paused_until else ("keep", "No break")
        )
        over = [("0", "End the break now")] if self.paused_until else []
        fields["pause"].choices = [now, *pauses, *over]

    def _day(self) -> str:
        assert self.paused_until
        until = self.paused_until.astimezone(self.customer.store.tz)
        return f"{until:%B} {until.day}, {until.year}"

    def _initial(self) -> dict[str, Any]:
        month, day = self.now.birthday[-5:-3], self.now.birthday[-2:]
        return {
            "channels": list(self.now.channels),
            "topics": list(self.now.topics),
            "frequency": self.now.frequency,
            "pause": "keep",
            "month": month.lstrip("0"),
            "day": day.lstrip("0"),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.staff and set(data.get("channels", ())) - self.now.channels:
            # There a suppression and the store's wish for a confirmation are looked at.
            self.add_error("channels", "Only the customer says yes here. Record what they told you.")
        month, day = data.get("month", ""), data.get("day", "")
        if bool(month) != bool(day):
            self.add_error("day" if month else "month", "Choose both, or neither.")
        elif month:
            try:
                # A leap year, so that February 29 is a birthday.
                date(2000, int(month), int(day))
            except ValueError:
                self.add_error("day", f"{date(2000, int(month), 1):%B} has no day {day}.")
        return data

    def choices(self) -> Choices:
        data = self.cleaned_data
        pause = data["pause"]
        return Choices(
            channels=frozenset(data["channels"]),
            topics=frozenset(data.get("topics", ())),
            frequency=data["frequency"],
            pause=None if pause == "keep" else int(pause),
            birthday=self._birthday(),
        )

    def _birthday(self) -> str:
        month, day = self.cleaned_data["month"], self.cleaned_data["day"]
        if not month:
            return ""
        told = f"{int(month):02}-{int(day):02}"
        # The year is known from elsewhere, or not at all; the page does not ask for it.
        return self.now.birthday if self.now.birthday.endswith(told) else f"--{told}"
