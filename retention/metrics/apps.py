from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "retention.metrics"
    label = "metrics"

    def ready(self) -> None:
        from retention.metrics import reactions

        reactions.register()
