"""The keeper: a detached process that owns the embedded PostgreSQL.

Every process that uses the database holds a shared flock on users.lock. The keeper waits for the exclusive
one, which the kernel grants when the last user is gone, however it died; then it stops the server.

Started as `python -I -S keeper.py JSON`: the standard library only, so that a warm start costs
milliseconds and not the import of Django. It says "ready", or in one line why not, and goes to the
background. Several may be started at once; one wins keeper.lock, the others wait for its server.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROLE = "perennial"
PORT = 5432
READY = "ready"
# What a server says while the last one, killed, still lets go of its memory and its lock file.
PASSING = ("pre-existing shared memory block", "lock file", "Address already in use")
PASSING_SECONDS = 30.0
LARGEST_LOG = 10_000_000


class Problem(Exception):
    """Why there is no database, in one line for the person at the terminal."""


@dataclass(frozen=True)
class Home:
    """Where one cluster lives and who owns it."""

    programs: str
    version: int
    cluster: str
    sockets: str
    locks: str
    log: str
    uid: int
    gid: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def program(self, name: str) -> str:
        return os.path.join(self.programs, name)


def is_ready(cluster: str, sockets: str) -> bool:
    """Whether a server answers. The state is line 8 of postmaster.pid, which a killed server leaves behind:
    hence the two further looks."""
    try:
        lines = Path(cluster, "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        if lines[7].strip() != READY:
            return False
        os.kill(int(lines[0]), 0)
    except PermissionError:
        pass
    except (OSError, IndexError, ValueError):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(os.path.join(sockets, f".s.PGSQL.{PORT}")) == 0


def open_lock(folder: str, name: str) -> int:
    # Read-only is enough for flock, and lets root and the owner share one file.
    return os.open(os.path.join(folder, name), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


def take(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def die_with_parent(how: int) -> Callable[[], None]:
    """For preexec_fn: the kernel sends this signal to the child when its parent dies, even by kill -9."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: loading after it could deadlock
    parent = os.getpid()

    def arm() -> None:
        prctl(1, how)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return arm


def plain_environment() -> dict[str, str]:
    """No LANG, LC_* or PG* of the caller: a bogus locale or a stray PGPORT must not reach the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}


def as_owner(home: Home) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": home.uid, "group": home.gid, "extra_groups": []}


def run_program(home: Home, *command: str, text: str = "") -> None:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        env=plain_environment(),
        cwd="/",
        **as_owner(home),
    )
    # Single-user PostgreSQL reports a failed statement, yet leaves with 0.
    said = [
        line for line in done.stderr.splitlines() if any(w in line for w in ("rror:", "ERROR:", "FATAL:"))
    ]
    if done.returncode or said:
        reason = said[-1] if said else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Problem(f"{os.path.basename(command[0])} failed: {reason.strip()}")


def make_cluster(home: Home) -> None:
    """Built under another name and renamed when whole, so a power cut leaves nothing half made."""
    parent = os.path.dirname(home.cluster)
    for stale in Path(parent).glob(".postgres-new-*"):
        shutil.rmtree(stale, ignore_errors=True)
    draft = tempfile.mkdtemp(prefix=".postgres-new-", dir=parent)
    if os.geteuid() == 0:
        os.chown(draft, home.uid, home.gid)
    try:
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        if home.version >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run_program(home, home.program("initdb"), *options, "-D", draft)
        # The app's role owns its database and may make others (the tests' own), but is no superuser.
        run_program(home, home.program("postgres"), "--single", "-D", draft, "postgres", text=_FIRST_WORDS)
        os.rename(draft, home.cluster)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


_FIRST_WORDS = f"""CREATE ROLE {ROLE} LOGIN CREATEDB
CREATE DATABASE {ROLE} OWNER {ROLE}
"""


class Keeper:
    def __init__(self, home: Home, report: Callable[[str], None]) -> None:
        self.home = home
        self.report = report
        self.guard = threading.Lock()
        self.server: subprocess.Popen[bytes] | None = None
        self.leaving = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=self.leave).start())
        threading.Thread(target=self._leave_after_last_user, daemon=True).start()
        try:
            while self._start_until_ready():
                self.report(READY)
                assert self.server is not None
                self.server.wait()
                time.sleep(0.05)
        finally:
            self.leave()
            if self.server:
                self.server.wait()

    def leave(self) -> None:
        with self.guard:
            self.leaving = True
            if self.server:
                self.server.send_signal(signal.SIGINT)  # a fast shutdown: no waiting for clients

    def _leave_after_last_user(self) -> None:
        # Held until this process ends, so a newcomer waits for the server to be down before it starts one.
        users = open_lock(self.home.locks, "users.lock")
        fcntl.flock(users, fcntl.LOCK_EX)
        self.leave()

    def _start_until_ready(self) -> bool:
        """False when it is time to leave. No limit on a living server: crash recovery may take minutes."""
        deadline = time.monotonic() + PASSING_SECONDS
        while True:
            offset = _size(self.home.log)
            server = self._start()
            if server is None:
                return False
            while server.poll() is None:
                if is_ready(self.home.cluster, self.home.sockets):
                    return True
                time.sleep(0.01)
            if self.leaving:
                return False
            words = _read_from(self.home.log, offset)
            if not any(passing in words for passing in PASSING) or time.monotonic() > deadline:
                raise Problem(f"PostgreSQL did not start: {_last_fatal(words)} (log: {self.home.log})")
            time.sleep(0.1)

    def _start(self) -> subprocess.Popen[bytes] | None:
        # 0600: PostgreSQL quotes the statement that failed, and with it customers.
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with self.guard, open(os.open(self.home.log, mode, 0o600), "ab") as log:
            if self.leaving:
                return None
            self.server = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=plain_environment(),
                preexec_fn=die_with_parent(signal.SIGINT),
                **as_owner(self.home),
            )
            return self.server

    def _command(self) -> list[str]:
        home = self.home
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{home.sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": "60",
            "jit": "off",
            "log_timezone": "UTC",
            **_memory(),
            # Imports write much at once: fewer checkpoints. (Pages are not compressed after them: this
            # server has only the slow way, which made the first update after one three times as long.)
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [home.program("postgres"), "-D", home.cluster, *options]


def _memory() -> dict[str, str]:
    """A quarter of the memory for the server's own cache, at most 1 GB: others live on this machine too."""
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "shared_buffers": f"{max(128, min(1024, megabytes // 4))}MB",
        "effective_cache_size": f"{max(256, megabytes // 2)}MB",
        "maintenance_work_mem": f"{max(64, min(512, megabytes // 16))}MB",
    }


def _size(file: str) -> int:
    return os.path.getsize(file) if os.path.exists(file) else 0


def _read_from(file: str, offset: int) -> str:
    with open(file, encoding="utf-8", errors="replace") as log:
        log.seek(offset)
        return log.read()


def _last_fatal(words: str) -> str:
    bad = [line for line in words.splitlines() if "FATAL:" in line or "PANIC:" in line]
    lines = bad or words.strip().splitlines() or ["it said nothing"]
    return lines[-1].split("FATAL:")[-1].split("PANIC:")[-1].strip()


def _trim_log(file: str) -> None:
    if _size(file) > LARGEST_LOG:
        os.replace(file, file + ".1")


def serve(home: Home, report: Callable[[str], None]) -> None:
    lock = open_lock(home.locks, "keeper.lock")
    while not take(lock, fcntl.LOCK_EX):
        if is_ready(home.cluster, home.sockets):
            return report(READY)
        time.sleep(0.02)
    _sign(home)
    if not os.path.exists(home.cluster):
        make_cluster(home)
    _trim_log(home.log)
    return Keeper(home, report).run()


def _sign(home: Home) -> None:
    """For people and doctors only; nothing trusts this number, which outlives its process."""
    Path(home.locks, "keeper.pid").write_text(f"{os.getpid()}\n", encoding="ascii")


def serve_in_background(home: Home, pipe: int) -> None:
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    told = False

    def report(words: str) -> None:
        nonlocal told
        if not told:
            told = True
            os.write(pipe, words.encode())
            os.close(pipe)

    try:
        serve(home, report)
    except Problem as problem:
        report(str(problem))
    except OSError as error:
        report(f"Perennial cannot use {error.filename or home.locks}: {error.strerror}.")


def main(argument: str) -> int:
    home = Home(**json.loads(argument))
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        serve_in_background(home, writing)
        # Every lock goes at once with the process; a newcomer that sees one free sees both free.
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as heard:
        print(heard.read(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
