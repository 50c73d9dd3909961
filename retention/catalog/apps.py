from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "retention.catalog"
    label = "catalog"

    def ready(self) -> None:
        from retention.catalog import vocabulary  # noqa: F401
