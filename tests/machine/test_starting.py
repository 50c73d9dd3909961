"""Starting and stopping: what a person sees of it, and what is left afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machine.conftest import FirstStart
from tests.machine.house import PATIENCE, ROOT, House, wait_for

Build = Callable[..., House]


def refusal(house: House, *options: str) -> str:
    """The one line with which `up` does not start."""
    done = house.run("up", "--no-demo", "--port", str(house.port), *options)
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode == 1
    assert len(lines) == 1, lines
    assert not house.processes()
    return lines[0]


def test_the_first_start_serves_a_page_and_says_where(first_start: FirstStart) -> None:
    assert first_start.page == 200
    assert first_start.healthz["ok"] is True
    assert "Perennial is at http://localhost:" in first_start.said
    assert "/setup/" in first_start.said


def test_ctrl_c_leaves_no_process_and_no_socket(first_start: FirstStart) -> None:
    assert first_start.code == 0
    assert first_start.left == []
    assert first_start.sockets == []


def test_the_second_start_keeps_the_data_and_sigterm_stops_it_too(house: House) -> None:
    house.up()
    assert json.loads(house.ask("report", "--store", "shop", "--json"))["orders"] == 200
    assert house.stop(signal.SIGTERM) == 0
    assert (house.processes(), house.sockets()) == ([], [])


def test_a_folder_runs_once(house: House) -> None:
    house.up()
    second = House(house.data)
    done = second.run("up", "--no-demo", "--port", str(second.port))
    assert done.returncode == 1
    assert f"already runs on {house.data}" in done.stderr
    assert house.status("/accounts/login/") == 200


def test_a_taken_port_is_one_line(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", house.port))
        taken.listen()
        line = refusal(house)
    assert f"Port {house.port}" in line
    assert "--port" in line


def test_data_of_another_postgresql_is_one_line(house: House) -> None:
    (house.data / "postgres" / "PG_VERSION").write_text("12\n")
    line = refusal(house)
    assert "PostgreSQL 12" in line
    assert "PG_BIN" in line


def test_a_folder_that_is_a_file_is_one_line(build: Build) -> None:
    house = build(empty=True)
    house.data.write_text("not a folder")
    assert str(house.data) in refusal(house)


def test_a_read_only_disk_is_one_line(build: Build) -> None:
    house = build(empty=True)
    house.data.mkdir()
    words = ["up", "--no-demo", "--port", str(house.port)]
    if os.geteuid() != 0:
        house.data.chmod(0o555)
        assert "cannot write" in refusal(house)
        return
    # Permissions do not stop root; a disk that is read-only does.
    mount = f"mount -t tmpfs -o ro none '{house.data}' && exec '{sys.executable}' manage.py {' '.join(words)}"
    environment = {**os.environ, "PERENNIAL_DATA": str(house.data)}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount")
    assert done.returncode == 1
    assert done.stderr.strip() == f"Perennial cannot write to {house.data}: Read-only file system."


def may_run_as_another() -> bool:
    """Root, with an interpreter that is not in a closed home folder."""
    return os.geteuid() == 0 and not subprocess.run(["test", "-x", sys.executable], user="nobody").returncode


@pytest.mark.skipif(not may_run_as_another(), reason="needs root, and a Python that others may run")
@pytest.mark.parametrize("closed", [".", "postgres"])
def test_a_folder_of_another_user_is_one_line(house: House, closed: str) -> None:
    shutil.chown(house.data, "nobody")
    house.data.chmod(0o755)
    for file in ("secret-key", "up.lock", "parts.lock", "users.lock", "keeper.lock", "migrated"):
        (house.data / file).chmod(0o644)
        if closed == "postgres":
            shutil.chown(house.data / file, "nobody")
    subprocess.run(["chown", "-R", "daemon", str(house.data / closed)], check=True)
    if closed == ".":
        (house.data / "secret-key").chmod(0o600)
    done = house.run(
        "up", "--no-demo", "--port", str(house.port), user="nobody", group="nogroup", extra_groups=[]
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert str(house.data) in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_place_is_one_line() -> None:
    line = refusal(House(Path("/perennial-of-nobody")))
    assert line == "Perennial cannot write to /perennial-of-nobody: Permission denied."


def test_an_odd_language_and_a_long_path_change_nothing(build: Build) -> None:
    path = "a folder with spaces and ümläuts/" + "/".join(["quite-a-long-name"] * 6) + "/data"
    house = build(path, empty=True, LANG="xx_YY.bogus", LC_ALL="tlh_KX.latin9", PGPORT="1", PGHOST="nowhere")
    house.up()
    wait_for(house.is_well, "everything to be well")
    assert house.stop() == 0
    assert (house.processes(), house.sockets()) == ([], [])


def test_logs_are_json_when_asked(build: Build) -> None:
    house = build(LOG_FORMAT="json")
    house.up()
    wait_for(house.is_well, "everything to be well")
    strange = urllib.request.Request(f"http://127.0.0.1:{house.port}/", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(strange, timeout=PATIENCE)
    house.kill("worker")
    wait_for(lambda: house.part("worker"), "the worker")
    lines = [json.loads(line) for line in house.said.splitlines()]
    assert {"event", "level", "logger", "timestamp"} <= set.intersection(*(set(line) for line in lines))
    assert any("evil.example" in line["event"] and line["level"] == "error" for line in lines)
    assert any("Perennial is at" in line["event"] for line in lines)


def test_the_folder_can_be_told_as_an_option(build: Build, ground: Path) -> None:
    house = build()
    chosen, house.environment = house.data, {"PERENNIAL_DATA": str(ground / "never-made")}
    house.up("--no-demo", "--data", str(chosen))
    assert not (ground / "never-made" / "postgres").exists()
    assert house.stop() == 0
