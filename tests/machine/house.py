"""An installation of its own: a data folder, a port, and the real programs in real processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
# Not what it takes but what is hopeless: a machine that does ten other things is slow, not wrong.
PATIENCE = 120.0
OUTSIDE = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "BASE_URL", "LOG_FORMAT")


def wait_for(question: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def folder_for_all(prefix: str = "perennial-test-") -> Iterator[Path]:
    """Not pytest's own folder: as root that is closed to the database's user."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    words: str


def processes_of(data: Path) -> list[Process]:
    """Every process that works on the data folder: by its environment, its command or where it stands."""
    return [p for entry in Path("/proc").glob("[0-9]*") if (p := _process(entry, str(data)))]


def _process(entry: Path, data: str) -> Process | None:
    try:
        words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        told = (
            data in words or f"PERENNIAL_DATA={data}\0".encode() in (entry / "environ").read_bytes() + b"\0"
        )
        if not told and not os.readlink(entry / "cwd").startswith(data + "/"):
            return None
        parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:  # gone meanwhile, or somebody else's
        return None
    return Process(int(entry.name), parent, words) if words else None


@dataclass
class House:
    data: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    log: Path = Path()
    supervisor: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.log = self.data.with_suffix(".log")

    # What a person types.

    def up(self, *options: str) -> None:
        with open(self.log, "wb") as out:
            self.supervisor = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), *(options or ("--no-demo",))],
                cwd=ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_for(lambda: self._ended() or self.status("/accounts/login/") == 200, "the first page")
        assert not self._ended(), self.said

    def stop(self, how: int = signal.SIGINT) -> int:
        assert self.supervisor
        self.supervisor.send_signal(how)
        return self.supervisor.wait(PATIENCE)

    def run(self, *words: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        """A manage.py command, to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE,
            **options,
        )

    def ask(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    # What can be seen.

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=20) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))
        except OSError:
            return {"ok": False, "checks": {}}

    def is_well(self) -> bool:
        return bool(self.health()["ok"])

    def processes(self) -> list[Process]:
        return processes_of(self.data)

    def part(self, name: str) -> int | None:
        """The first process of a part; not the children that it started itself, nor what it left behind."""
        found = [p for p in self.processes() if SIGNS[name] in p.words]
        if name in ("keeper", "database"):
            pids = {p.pid for p in found}
            heads = [p.pid for p in found if p.parent not in pids]
        else:
            heads = [p.pid for p in found if self.supervisor and p.parent == self.supervisor.pid]
        return heads[0] if heads else None

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Asked of the database itself, past the app. ConnectionError while it is away."""
        try:
            with psycopg.connect(host=str(self.data / "run"), user="perennial", dbname="perennial") as link:
                return link.execute(sql, values).fetchall()
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from error

    def works(self) -> bool:
        """Whether a task that is sent now is done by the worker."""
        sent = time.monotonic()
        self.ask("shell", "--no-imports", "-c", "from retention.machine.tasks import beat; beat.delay()")

        def heard() -> bool:
            ago = self.health()["checks"].get("worker", {}).get("seconds_ago")
            return ago is not None and ago < time.monotonic() - sent

        return wait_for(heard, "the worker to take a task")

    def sockets(self) -> list[Path]:
        # Where the sockets live when the path is too long is the app's own affair: ask it.
        asked = "from retention.machine import paths; print(paths.socket_dir())"
        said = subprocess.run(
            [sys.executable, "-c", asked], cwd=ROOT, env=self._environment(), capture_output=True
        )
        return list(Path(said.stdout.decode().strip()).glob("*"))

    # What goes wrong.

    def kill(self, name: str) -> int:
        pid = wait_for(lambda: self.part(name), f"{name} to be there")
        os.kill(pid, signal.SIGKILL)
        return pid

    def back(self, name: str, not_pid: int) -> int:
        """The part's new process, once there is one."""
        return wait_for(lambda: (pid := self.part(name)) != not_pid and pid, f"{name} to be back") or 0

    def remove(self) -> None:
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        if self.supervisor:
            self.supervisor.wait(PATIENCE)

    def _ended(self) -> bool:
        return self.supervisor is not None and self.supervisor.poll() is not None

    def _environment(self) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if k not in OUTSIDE and not k.startswith(("PYTEST", "COV"))
        }
        return {**kept, "PERENNIAL_DATA": str(self.data), **self.environment}


SIGNS = {
    "web": "-m granian",
    "worker": "retention --quiet worker",
    "scheduler": "retention --quiet beat",
    "database": "/bin/postgres -D",
    "keeper": "machine/keeper.py",
    "broker": "valkey-server",
}
