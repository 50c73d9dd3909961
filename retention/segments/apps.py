from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "retention.segments"
    label = "segments"

    def ready(self) -> None:
        import retention.segments.vocabulary  # noqa: F401
        from retention.segments import traces
        from retention.segments.reactions import register

        register()
        traces.register()
