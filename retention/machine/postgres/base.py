"""Django's PostgreSQL backend on the embedded server: the first connection starts it, if nobody has."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import CommandError
from django.db.backends.postgresql import base, client
from django.db.utils import OperationalError
from psycopg import OperationalError as ConnectionFailed

from retention.machine import embedded, keeper, paths

RESTART_SECONDS = 30.0


class Unavailable(OperationalError, CommandError):
    """Both: code that expects a lost database can catch it, and every command prints one line of it."""


class DatabaseClient(client.DatabaseClient):
    def runshell(self, parameters: Any) -> None:
        _wake()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        settings_dict["HOST"] = str(paths.socket_dir())
        settings_dict["PORT"] = str(keeper.PORT)
        settings_dict["USER"] = keeper.ROLE
        if settings_dict["NAME"] == "":  # None has a meaning: the maintenance database
            settings_dict["NAME"] = keeper.ROLE
        super().__init__(settings_dict, *args, **kwargs)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A killed server is back within a second: wait for it, but not when a living one said no."""
        try:
            embedded.hold()
        except embedded.Problem as problem:
            raise Unavailable(str(problem)) from problem
        deadline = time.monotonic() + RESTART_SECONDS
        while True:
            was_ready = embedded.is_ready()
            if not was_ready:
                _wake()
            try:
                return super().get_new_connection(conn_params)
            except ConnectionFailed:
                if (was_ready and embedded.is_ready()) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


def _wake() -> None:
    try:
        embedded.wake()
    except embedded.Problem as problem:
        raise Unavailable(str(problem)) from problem
