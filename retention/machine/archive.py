"""Backup and restore: one tar with the database, the uploads, the signing key and a list with checksums."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection

from retention.machine import binaries, paths

FORMAT = 1
LIST = "list.json"
DUMP = "database.dump"
KEY = "secret-key"
UPLOADS = "uploads/"
BLOCK = 1 << 20
Members = dict[str, str]  # name in the archive -> sha256


class Damaged(Exception):
    """The file is not a whole backup; the message says in what."""


def write(target: Path) -> Members:
    """Write a backup, read it back, and only then give it its name."""
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix=".perennial-backup-", dir=target.parent) as folder:
        dump = Path(folder) / DUMP
        # One snapshot while everybody works on; uploads follow it, so none that it names is missing.
        _run_postgres(
            "pg_dump",
            "--format=custom",
            "--no-unlogged-table-data",
            "--no-owner",
            "--no-acl",
            "--file",
            str(dump),
        )
        try:
            members = _write_tar(draft, dump)
            check(draft)
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)
    return members


def _write_tar(draft: Path, dump: Path) -> Members:
    members: Members = {}
    # 0600: it holds every customer and the signing key.
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, file in _contents(dump):
                members[name] = _add(tar, name, file)
            _add_list(tar, members)
        out.flush()
        os.fsync(out.fileno())
    return members


def _contents(dump: Path) -> Iterator[tuple[str, Path]]:
    yield DUMP, dump
    key = paths.data_dir() / KEY
    if key.is_file():  # links in mails already sent are signed with it
        yield KEY, key
    uploads = Path(settings.MEDIA_ROOT)
    for file in sorted(uploads.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield UPLOADS + file.relative_to(uploads).as_posix(), file


class _Hashing(io.RawIOBase):
    """Lets tarfile read a file while its checksum is taken: one pass over gigabytes, not two."""

    def __init__(self, inner: IO[bytes]) -> None:
        self.inner = inner
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.inner.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, file: Path) -> str:
    with open(file, "rb") as inner:
        info = tarfile.TarInfo(name)
        # The size at this moment: a file that grows meanwhile is cut there, not a broken archive.
        info.size = os.fstat(inner.fileno()).st_size
        info.mtime = int(os.fstat(inner.fileno()).st_mtime)
        hashing = _Hashing(inner)
        tar.addfile(info, hashing)
    return hashing.digest.hexdigest()


def _add_list(tar: tarfile.TarFile, members: Members) -> None:
    content = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "migrations": sorted(_applied_migrations()),
        "members": members,
    }
    data = json.dumps(content, indent=1).encode()
    info = tarfile.TarInfo(LIST)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _applied_migrations() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations")
        return [row[0] for row in cursor.fetchall()]


def check(file: Path) -> dict[str, Any]:
    """Read the whole archive: every member there, every checksum right, the dump's own list readable."""
    with tempfile.TemporaryDirectory(prefix=".perennial-check-", dir=file.parent) as folder:
        content = unpack(file, Path(folder), only=DUMP)
        _run("pg_restore", "--list", str(Path(folder) / DUMP))
    return content


def unpack(file: Path, folder: Path, only: str | None = None) -> dict[str, Any]:
    """Unpack into an empty folder, and refuse anything that its list does not vouch for. `only` writes one
    member and merely reads the others."""
    found: Members = {}
    content: dict[str, Any] = {}
    try:
        with tarfile.open(file, mode="r:") as tar:
            for member in tar:
                reader = tar.extractfile(member) if member.isreg() else None
                if reader is None:
                    raise Damaged(f"{member.name} is not a plain file")
                if member.name == LIST:
                    content = json.load(reader)
                    continue
                target = folder / _safe(member.name) if only in (None, member.name) else None
                found[member.name] = _copy(reader, target)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Damaged(f"it is not a whole archive ({error})") from error
    _compare(content, found)
    return content


def _safe(name: str) -> str:
    known = name in (DUMP, KEY) or name.startswith(UPLOADS)
    if not known or ".." in name.split("/") or name.endswith("/"):
        raise Damaged(f"{name} has no place in a backup")
    return name


def _copy(reader: IO[bytes], target: Path | None) -> str:
    digest = hashlib.sha256()
    if target is None:
        target = Path(os.devnull)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as out:
        while block := reader.read(BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _compare(content: dict[str, Any], found: Members) -> None:
    if content.get("format") != FORMAT:
        raise Damaged("it has no list of a format this version knows")
    if DUMP not in found:
        raise Damaged("it has no database in it")
    if wrong := sorted(set(content["members"].items()) ^ set(found.items())):
        raise Damaged(f"{wrong[0][0]} is not what was backed up")


def _run_postgres(program: str, *arguments: str, database: str | None = None) -> None:
    _run(program, *arguments, "--dbname", database or str(connection.settings_dict["NAME"]))


def _run(program: str, *arguments: str) -> None:
    command = [str(binaries.client_program(program, _server_version())), *arguments]
    done = subprocess.run(
        command, env=_client_environment(), capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
        raise Damaged(f"{program} failed: {lines[0]}")


def _server_version() -> int:
    connection.ensure_connection()
    return int(connection.pg_version) // 10000  # type: ignore[attr-defined]


def _client_environment() -> dict[str, str]:
    """The password goes by the environment: arguments are for everybody to see in the process list."""
    asked = connection.settings_dict
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    words = {variable: str(asked[name]) for name, variable in names.items() if asked[name]}
    options = asked.get("OPTIONS", {})
    ssl = {f"PG{name.upper()}": str(options[name]) for name in ("sslmode", "sslrootcert") if name in options}
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", **words, **ssl}


def replace_uploads(unpacked: Path) -> None:
    """By two renames, so that nobody meets a folder half filled."""
    uploads = Path(settings.MEDIA_ROOT)
    uploads.parent.mkdir(parents=True, exist_ok=True)
    old = uploads.with_name(f".{uploads.name}-before-restore")
    shutil.rmtree(old, ignore_errors=True)
    if uploads.exists():
        uploads.rename(old)
    unpacked.mkdir(exist_ok=True)
    unpacked.rename(uploads)
    shutil.rmtree(old, ignore_errors=True)
