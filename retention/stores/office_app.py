"""Apart from the office itself, because Django reads this file before any app is ready."""

from django.contrib.admin.apps import AdminConfig


class OfficeConfig(AdminConfig):
    default = False
    default_site = "retention.stores.office.Office"

    def ready(self) -> None:
        super().ready()
        from allauth.account.models import EmailAddress
        from allauth.mfa.models import Authenticator
        from django.contrib import admin
        from django.contrib.auth.models import Group

        # An address belongs to its account; a second step holds secrets; roles are per store.
        for model in (EmailAddress, Authenticator, Group):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
