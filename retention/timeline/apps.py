from django.apps import AppConfig


class TimelineConfig(AppConfig):
    name = "retention.timeline"
    label = "timeline"
