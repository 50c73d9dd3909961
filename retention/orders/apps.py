from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "retention.orders"
    label = "orders"

    def ready(self) -> None:
        from retention.orders import vocabulary  # noqa: F401  declares this app's words
