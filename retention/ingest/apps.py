from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "retention.ingest"
    label = "ingest"
