from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "retention.catalog"
    label = "catalog"
