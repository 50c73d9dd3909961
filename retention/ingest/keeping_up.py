"""Followers keep pace with an import, so that the numbers are up to date when it returns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog
from django.db import Error, connection

from retention.timeline.follow import FOLLOWERS, catch_up, is_behind, last_position

log = structlog.get_logger(__name__)
PAUSE = 0.1
# Seconds to wait for followers that another process holds, or that a long transaction holds back.
PATIENCE = 600


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
    if not connection.in_atomic_block:
        _wait_for_all()


def _wait_for_all() -> None:
    """Until every follower has read what is there now: another process may be at one of them."""
    until, patience = last_position(), time.monotonic() + PATIENCE
    while behind := [name for name in FOLLOWERS if is_behind(name, until)]:
        if time.monotonic() > patience:
            log.warning("followers are still behind", followers=behind)
            return
        time.sleep(PAUSE)
        for name in behind:
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
