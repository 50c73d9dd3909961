from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "retention.customers"
    label = "customers"

    def ready(self) -> None:
        # They declare this app's words, and where people are named.
        from retention.customers import notes, tagging, vocabulary  # noqa: F401
