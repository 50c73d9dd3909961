"""Followers keep pace with an import, so that the numbers are up to date when it returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog
from django.db import Error, connection

from retention.timeline.follow import FOLLOWERS, catch_up

log = structlog.get_logger(__name__)
PAUSE = 0.1


@contextmanager
def followers_keep_up() -> Iterator[None]:
    """Inside, followers read along on a connection and a core of their own; afterwards they have read all.

    Inside a transaction they could not see anything yet, so they wait for the end.
    """
    over = Event()
    alongside = Thread(target=_read_along, args=(over,), daemon=True)
    if not connection.in_atomic_block:
        alongside.start()
    try:
        yield
    finally:
        over.set()
        if alongside.ident:
            alongside.join()
    for name in FOLLOWERS:
        catch_up(name)


def _read_along(over: Event) -> None:
    try:
        while not over.wait(PAUSE):
            for name in FOLLOWERS:
                catch_up(name)
    except Error as error:  # it is only ahead of the last reading, which tells what is wrong
        log.warning("followers wait for the end of the import", error=str(error))
    finally:
        connection.close()
