from django.apps import AppConfig


class StoresConfig(AppConfig):
    name = "retention.stores"
    label = "stores"
