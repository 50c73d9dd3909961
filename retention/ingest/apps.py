from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "retention.ingest"
    label = "ingest"

    def ready(self) -> None:
        from retention.ingest import traces, vocabulary  # noqa: F401  vocabulary declares this app's words

        traces.register()
