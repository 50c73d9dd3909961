from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "retention.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        from retention.dashboard.customers import actions

        actions.register()
