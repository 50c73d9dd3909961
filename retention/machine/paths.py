"""Where this installation keeps its data. No Django here: settings read this file while they load."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

# A unix socket address holds 103 bytes on macOS and 107 on Linux; "/.s.PGSQL.5432" takes 14 of them.
LONGEST_SOCKET_DIR = 85


def data_dir() -> Path:
    chosen = os.environ.get("PERENNIAL_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        # The database runs as an unprivileged user, who cannot enter /root.
        return Path("/var/lib/perennial")
    return Path("~/.local/share/perennial").expanduser()


def make_data_dir() -> Path:
    """Closed to others; as root they may pass through, because the database's own user must."""
    folder = data_dir()
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    return folder


def cluster_dir() -> Path:
    return data_dir() / "postgres"


def socket_dir() -> Path:
    """The folder that holds the sockets: in the data folder, unless its path is too long for a socket."""
    folder = data_dir() / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_DIR:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:20]
    # Not XDG_RUNTIME_DIR: every process of an installation must find the same folder, and cron has none.
    return Path("/tmp") / f"perennial-{digest}"


def broker_socket() -> Path:
    return socket_dir() / "broker.sock"


def make_private_dir(folder: Path, owner: int) -> Path:
    """Make the folder, or refuse one that somebody else made first: /tmp is open to everybody."""
    make_data_dir()
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = found.st_uid in (owner, os.geteuid()) and not found.st_mode & 0o077
    if not stat.S_ISDIR(found.st_mode) or not ours:
        raise PermissionError(
            f"{folder} is not private to us: remove it, or choose a shorter PERENNIAL_DATA."
        )
    return folder


def secret_key() -> str:
    """The installation's own random key, made once. Losing it signs everybody out, nothing worse."""
    file = data_dir() / "secret-key"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _make_secret(file)
    except OSError as error:
        raise SystemExit(f"Perennial cannot read {file}: {error.strerror}.") from error


def _make_secret(file: Path) -> str:
    try:
        make_data_dir()
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".secret-key-")  # mkstemp makes it 0600
    except OSError as error:
        # Raised while settings load, where any other exception would be fifty lines of traceback.
        raise SystemExit(f"Perennial cannot write to {file.parent}: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(50))
            out.flush()
            os.fsync(out.fileno())
        # A hard link is made or fails as a whole, so of several first starters exactly one key wins.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        os.unlink(draft)
    return file.read_text(encoding="ascii").strip()
