"""What `manage.py up` runs: the command line of each part."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

from django.conf import settings

from retention.machine import binaries, embedded, keeper, paths
from retention.machine.supervisor import Part

ROOT = Path(__file__).resolve().parents[2]
WEB, WORK, BROKER = 1, 2, 3  # the order in which they stop


def web(host: str, port: int) -> Part:
    command = [
        *(sys.executable, "-m", "granian", "retention.wsgi:application", "--interface", "wsgi"),
        *("--host", host, "--port", str(port), "--workers", "1", "--blocking-threads", "4"),
        *("--no-ws", "--log-level", "warning", "--workers-kill-timeout", "3"),
    ]
    if settings.LOG_FORMAT == "json":
        command += ["--log-config", str(Path(__file__).with_name("weblog.json"))]
    return Part("The web server", command, WEB, folder=ROOT)


def worker() -> Part:
    command = [*_celery(), "worker", "--loglevel", "WARNING", "--concurrency", "2", "--without-mingle"]
    # What a worker is killed over is delivered again: long patience would buy nothing. On SIGTERM it would
    # finish its tasks, however long; nobody is there to end it when the supervisor was killed.
    return Part(
        "The worker",
        [*command, "--without-gossip"],
        WORK,
        patience=10.0,
        orphan_signal=signal.SIGQUIT,
        folder=ROOT,
    )


def scheduler() -> Part:
    # In memory, and stopped by SIGKILL: every due time is in PostgreSQL, so it has nothing to keep. Celery's
    # own scheduler file breaks when a signal comes in the middle of a tick.
    command = [*_celery(), "beat", "--loglevel", "WARNING", "--scheduler", "celery.beat:Scheduler"]
    return Part("The scheduler", command, WORK, folder=ROOT, stop_signal=signal.SIGKILL)


def _celery() -> list[str]:
    # In a container everything is root; the warning has one line of news and ten of noise.
    quiet = "ignore:You're running the worker with superuser"
    return [sys.executable, "-W", quiet, "-m", "celery", "--app", "retention", "--quiet"]


def demo() -> Part:
    return Part("The demo", [sys.executable, "manage.py", "load_demo"], WEB, once=True, folder=ROOT)


def broker() -> Part:
    """Valkey with an append-only file: what was promised to the worker survives a restart."""
    home = embedded.find_home()
    program = embedded.reachable_program(binaries.valkey(), home)
    folder = paths.make_private_dir(paths.data_dir() / "broker", home.uid)
    owner = keeper.as_owner(home)
    if owner:
        os.chown(folder, home.uid, home.gid)
    options = {
        "port": "0",
        "unixsocket": str(paths.broker_socket()),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(folder / "valkey.log"),
        "maxmemory-policy": "noeviction",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Part("The broker", [str(program), *words], BROKER, owner=owner)


def broker_answers() -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(paths.broker_socket()))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")  # not while it is loading its file
        except OSError:
            return False
