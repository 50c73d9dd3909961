"""As root the parts run as somebody else, who may not be able to enter the checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from retention.machine import binaries, embedded


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs parts as somebody else")
def test_the_broker_of_a_closed_checkout_can_be_run(tmp_path: Path) -> None:
    home = embedded.find_home()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "valkey-server"
    program.write_bytes(binaries.valkey().read_bytes())
    program.chmod(0o755)
    found = embedded.reachable_program(program, home)
    assert found != program
    told = subprocess.run(
        [found, "--version"], user=home.uid, group=home.gid, extra_groups=[], cwd="/", capture_output=True
    )
    assert told.returncode == 0
