"""The embedded database as its users see it: hold it, wake it, let it go."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from retention.machine import binaries, keeper, paths

Problem = keeper.Problem
# Who the server runs as when root starts it, best first. A cluster that exists keeps its owner.
UNPRIVILEGED = ("perennial", "nobody")

_guard = threading.Lock()
_held: int | None = None


def hold() -> None:
    """Keep the database alive as long as this process lives. Forked children share the hold."""
    global _held
    with _guard:
        if _held is not None:
            return
        folder = paths.data_dir()
        try:
            paths.make_data_dir()
            lock = keeper.open_lock(str(folder), "users.lock")
        except OSError as error:
            raise Problem(f"Perennial cannot write to {folder}: {error.strerror}.") from error
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits only while a keeper is stopping its server
        _held = lock


def let_go() -> None:
    global _held
    with _guard:
        if _held is not None:
            os.close(_held)
            _held = None


def wait_until_gone(seconds: float = 15.0) -> bool:
    """After let_go: True once the server is down, False when somebody else still uses it."""
    lock = keeper.open_lock(str(paths.data_dir()), "keeper.lock")
    deadline = time.monotonic() + seconds
    try:
        while not keeper.take(lock, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
    finally:
        os.close(lock)


def is_ready() -> bool:
    return keeper.is_ready(str(paths.cluster_dir()), str(paths.socket_dir()))


def wake() -> None:
    """Have a server answering when this returns, or raise Problem with one line."""
    hold()
    home = find_home()
    for _ in range(3):
        # The keeper's first process leaves as soon as the server answers; the second lives on without us.
        said = subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, home.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        ).stdout.strip()
        if said == keeper.READY:
            return
        if said:
            raise Problem(said)
        # Silence: the keeper was killed before it could speak.
    raise Problem(f"The keeper of the embedded database died three times; see {home.log}.")


def find_home() -> keeper.Home:
    uid, gid = _owner()
    folder, cluster = paths.data_dir(), paths.cluster_dir()
    version = _cluster_version(cluster)
    try:
        programs = binaries.postgres(version)
        sockets = _own_dir(paths.socket_dir(), uid, gid)
    except binaries.Missing as missing:
        raise Problem(str(missing)) from missing
    except OSError as error:
        raise Problem(str(error)) from error
    found = version or binaries.major_version(programs) or 0
    return keeper.Home(
        programs=str(_reachable(programs, uid, gid)),
        version=found,
        cluster=str(cluster),
        sockets=str(sockets),
        locks=str(folder),
        log=str(folder / "postgres.log"),
        uid=uid,
        gid=gid,
    )


def _cluster_version(cluster: Path) -> int | None:
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii").split(".")[0])
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Problem(f"{cluster / 'PG_VERSION'} cannot be read: {error}.") from error


def _owner() -> tuple[int, int]:
    try:
        found = paths.cluster_dir().stat()
        uid, gid = found.st_uid, found.st_gid
    except FileNotFoundError:
        return _new_owner()
    except OSError as error:
        raise Problem(f"{paths.cluster_dir()} cannot be opened: {error.strerror}.") from error
    if os.geteuid() not in (0, uid):
        raise Problem(
            f"{paths.cluster_dir()} belongs to another user; use that user or another PERENNIAL_DATA."
        )
    return uid, gid


def _new_owner() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for name in UNPRIVILEGED:
        try:
            person = pwd.getpwnam(name)
        except KeyError:
            continue
        return person.pw_uid, person.pw_gid
    raise Problem("PostgreSQL does not run as root, and this machine has no user perennial or nobody.")


def _own_dir(folder: Path, uid: int, gid: int) -> Path:
    paths.make_private_dir(folder, uid)
    if os.geteuid() == 0:
        os.chown(folder, uid, gid)
    return folder


def _reachable(programs: Path, uid: int, gid: int) -> Path:
    """As root with the checkout in /root, the server's user cannot read the wheel: give it a copy (38 MB)."""
    folder = paths.data_dir()
    if os.geteuid() != 0 or _can_run(programs, uid, gid):
        _refuse_closed(folder, uid, gid)
        return programs
    _refuse_closed(folder, uid, gid)
    package = programs.parent.parent
    if package.name != binaries.POSTGRES_WHEEL:
        raise Problem(
            f"{programs} cannot be entered by the user the database runs as; choose another PG_BIN."
        )
    return _copy_wheel(package, programs, folder / "programs")


def _copy_wheel(package: Path, programs: Path, target: Path) -> Path:
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True).stdout
    copy = target / version.split()[-1]
    if not copy.exists():
        draft = target / f".{copy.name}-{os.getpid()}"
        # The programs find their libpq by a relative path, so both folders keep their places.
        libraries = package.parent / f"{package.name}.libs"
        shutil.copytree(programs.parent, draft / package.name / programs.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        try:
            draft.rename(copy)
        except OSError:  # another starter was quicker
            shutil.rmtree(draft)
    return copy / package.name / programs.parent.name / programs.name


def reachable_program(program: Path, home: keeper.Home) -> Path:
    """Likewise for a program of one file: as root with a closed checkout, a copy beside the server's."""
    if os.geteuid() != 0 or _test_as("-x", program, home.uid, home.gid):
        return program
    copy = paths.data_dir() / "programs" / program.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    draft = copy.with_name(f".{copy.name}-{os.getpid()}")
    shutil.copyfile(program, draft)
    draft.chmod(0o755)
    # By name, because the old one may be running.
    return draft.replace(copy)


def _can_run(programs: Path, uid: int, gid: int) -> bool:
    return _test_as("-x", programs / "postgres", uid, gid)


def _refuse_closed(folder: Path, uid: int, gid: int) -> None:
    if os.geteuid() == 0 and not _test_as("-x", folder, uid, gid):
        raise Problem(
            f"The database runs as {pwd.getpwuid(uid).pw_name}, who cannot enter {folder}: "
            "choose a data folder outside closed ones such as /root (PERENNIAL_DATA)."
        )


def _test_as(what: str, path: Path, uid: int, gid: int) -> bool:
    command = ["/bin/sh", "-c", f'test {what} "$1"', "sh", str(path)]
    return subprocess.run(command, user=uid, group=gid, extra_groups=[], cwd="/").returncode == 0
