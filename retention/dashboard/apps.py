from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "retention.dashboard"
    label = "dashboard"
