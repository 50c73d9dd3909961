"""Mail without a mail server: kept for administrators to read and pass on, instead of lost."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from retention.stores.models import OutboxMail


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        kept = [
            OutboxMail(to=", ".join(mail.recipients()), subject=str(mail.subject), text=str(mail.body))
            for mail in email_messages
        ]
        OutboxMail.objects.bulk_create(kept)
        return len(kept)
