from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "retention.metrics"
    label = "metrics"
