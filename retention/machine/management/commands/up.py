"""`manage.py up`: the whole app in one command, on this machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection

from retention.machine import binaries, embedded, keeper, parts, paths
from retention.machine.supervisor import GivenUp, Part, Supervisor
from retention.stores.models import Store, User
from retention.stores.setup import setup_url

LEFTOVER_SECONDS = 20.0
DEMO_TRIES = 3
log = structlog.get_logger("perennial")


class Command(BaseCommand):
    help = "Run everything: database, web server, worker and scheduler. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []  # half a second of every start; bin/test runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address to listen on (default %(default)s)"
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="the port to listen on (default %(default)s)"
        )
        parser.add_argument("--data", help="the folder for all data (default: PERENNIAL_DATA)")
        parser.add_argument("--no-demo", action="store_true", help="start empty, and print a link to set up")

    def handle(self, **options: Any) -> None:
        _restart_with_data(options["data"])
        os.environ["PERENNIAL_DATA"] = str(paths.data_dir())  # a relative one would mislead the parts
        self.host, self.port = options["host"], options["port"]
        self.with_demo = not options["no_demo"]
        self.demo: Part | None = None
        self.demo_tries = 0
        self.greeted = self.told_login = False
        _refuse_taken_port(self.host, self.port)
        supervisor = Supervisor()
        supervisor.listen()
        try:
            self._run(supervisor)
        except (embedded.Problem, binaries.Missing, GivenUp, OSError) as problem:
            raise CommandError(str(problem)) from problem

    def _run(self, supervisor: Supervisor) -> None:
        alone, shared = _refuse_second_start()
        supervisor.keep_open = (shared,)
        os.environ.setdefault("BASE_URL", self.address)
        try:
            if _is_migrated():
                # Most starts. The parts load while the database wakes, which saves a second.
                embedded.find_home()  # whatever is wrong with the folder is said before anything starts
                self._start_parts(supervisor)
                embedded.wake()
            else:
                _migrate()
                self._start_parts(supervisor)
            if not supervisor.stopping:
                supervisor.watch(lambda: self._on_tick(supervisor))
        finally:
            if supervisor.parts:
                self._say("Stopping.")
            supervisor.stop()
            _let_database_go()
            os.close(shared)
            os.close(alone)

    def _start_parts(self, supervisor: Supervisor) -> None:
        if supervisor.stopping:
            return
        supervisor.start(parts.web(self.host, self.port))
        if not os.environ.get("CELERY_BROKER_URL"):
            supervisor.start(parts.broker())
            while not parts.broker_answers() and not supervisor.stopping:
                supervisor.mend()
                supervisor.wait(0.02)

    def _on_tick(self, supervisor: Supervisor) -> None:
        if not self.greeted and _answers(self.host, self.port):
            self.greeted = True
            self._greet(supervisor)
        if not self.told_login and self.demo:
            self._print_demo_login()
        if self.demo and not self.demo.alive:
            self._after_demo(supervisor, self.demo)

    @property
    def address(self) -> str:
        host = {"0.0.0.0": "localhost", "127.0.0.1": "localhost", "::": "localhost"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _greet(self, supervisor: Supervisor) -> None:
        # Not sooner: on two cores they would double the time to the first page.
        supervisor.start(parts.worker())
        supervisor.start(parts.scheduler())
        self._say(f"Perennial is at {self.address}  (Ctrl-C stops it)")
        self._print_demo_login()
        if self.with_demo and (_demo_mark().exists() or not Store.objects.exists()):
            self._say("Loading the demo stores; you can watch them fill.")
            _demo_mark().touch()
            self._load_demo(supervisor)
        elif not User.objects.exists():
            self._print_setup_link()
        connection.close()

    def _say(self, line: str) -> None:
        if settings.LOG_FORMAT == "json":
            log.info(line)
        else:
            self.stdout.write(line)

    def _print_demo_login(self) -> None:
        login = paths.data_dir() / "demo-login.txt"
        if login.is_file():
            self.told_login = True
            self._say(login.read_text(encoding="utf-8").strip())

    def _print_setup_link(self) -> None:
        link = setup_url(os.environ["BASE_URL"])
        self._say(f"Set up your store with this link, good for one use: {link}")

    def _load_demo(self, supervisor: Supervisor) -> None:
        self.demo_tries += 1
        self.demo = supervisor.start(parts.demo())

    def _after_demo(self, supervisor: Supervisor, demo: Part) -> None:
        supervisor.parts.remove(demo)
        self.demo = None
        assert demo.process is not None
        if demo.process.returncode == 0:
            _demo_mark().unlink(missing_ok=True)
            self._say("The demo stores are ready.")
        elif self.demo_tries < DEMO_TRIES:
            self._load_demo(supervisor)  # the database was killed meanwhile, perhaps
        else:
            self._say("The demo could not be loaded; the lines above say why. The next start tries again.")


def _demo_mark() -> Path:
    """There while the demo is wanted and not whole, so that a start after a power cut goes on with it."""
    return paths.data_dir() / "demo-unfinished"


def _restart_with_data(chosen: str | None) -> None:
    """Settings have read the old folder by now, so begin again with the new one."""
    if not chosen:
        return
    wanted = str(Path(chosen).expanduser().absolute())
    if str(paths.data_dir()) != wanted:
        os.environ["PERENNIAL_DATA"] = wanted
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.argv])


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CommandError(
                f"Port {port} on {host} cannot be used ({reason}). Choose another: --port"
            ) from error


def _refuse_second_start() -> tuple[int, int]:
    """Two locks: one of this process, one that every part inherits and so outlives a killed supervisor."""
    folder = paths.make_data_dir()
    alone = keeper.open_lock(str(folder), "up.lock")
    if not keeper.take(alone, fcntl.LOCK_EX):
        raise CommandError(
            f"Perennial already runs on {folder}. Stop that one, or choose another folder: --data"
        )
    shared = keeper.open_lock(str(folder), "parts.lock")
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while not keeper.take(shared, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise CommandError(f"Parts of an earlier start still run on {folder}. End them and try again.")
        time.sleep(0.1)
    return alone, shared


def _is_migrated() -> bool:
    """Whether this very code has migrated this very data folder; a server elsewhere is always asked."""
    if connection.settings_dict["ENGINE"] != "retention.machine.postgres" or not paths.cluster_dir().exists():
        return False
    stamp = paths.data_dir() / "migrated"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _fingerprint()


def _fingerprint() -> str:
    digest = hashlib.sha256((parts.ROOT / "requirements.txt").read_bytes())
    for file in sorted(parts.ROOT.glob("retention/*/migrations/*.py")):
        digest.update(str(file.relative_to(parts.ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()


def _migrate() -> None:
    Path(settings.STATIC_ROOT or paths.data_dir()).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    (paths.data_dir() / "migrated").write_text(_fingerprint(), encoding="ascii")


def _let_database_go() -> None:
    connection.close()
    embedded.let_go()
    if (paths.data_dir() / "keeper.lock").exists() and not embedded.wait_until_gone():
        print("The database stays up: another program still uses it.")


def _answers(host: str, port: int) -> bool:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        socket.create_connection((target, port), timeout=1).close()
    except OSError:
        return False
    return True
