from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "retention.customers"
    label = "customers"

    def ready(self) -> None:
        from retention.customers import vocabulary  # noqa: F401  declares this app's words
