from django.apps import AppConfig


class MachineConfig(AppConfig):
    name = "retention.machine"
