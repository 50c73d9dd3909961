"""Whatever part is killed comes back; when the supervisor is killed, everything goes."""

from __future__ import annotations

import sys
import time

import pytest

from retention.machine.supervisor import GivenUp, Part, Supervisor
from tests.machine.house import House, wait_for


def test_every_part_comes_back_after_kill_9(house: House) -> None:
    house.up()
    wait_for(house.is_well, "everything to be well")
    for name in ("scheduler", "worker", "web", "broker", "database", "keeper"):
        killed = house.kill(name)
        if name != "keeper":
            house.back(name, not_pid=killed)
        assert house.works(), name
    assert house.is_well()
    assert house.stop() == 0
    assert (house.processes(), house.sockets()) == ([], [])


def test_a_killed_supervisor_takes_everything_with_it(house: House) -> None:
    house.up()
    wait_for(house.is_well, "everything to be well")
    assert house.supervisor
    house.supervisor.kill()
    wait_for(lambda: not house.processes(), "everything to be gone", 90)
    house.up()
    wait_for(house.is_well, "everything to be well again")
    assert house.stop() == 0


def test_a_part_that_always_falls_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor()
    good = supervisor.start(Part("Good", [sys.executable, "-c", "import time; time.sleep(60)"], stop_order=1))
    supervisor.start(Part("Bad", ["false"], stop_order=2))
    with pytest.raises(GivenUp, match=r"Bad stopped 5 times within a minute"):
        supervisor.watch(lambda: None)
    supervisor.stop()
    assert not good.alive


def test_a_part_that_does_not_listen_is_made_to_stop() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    supervisor = Supervisor()
    part = supervisor.start(Part("Deaf", [sys.executable, "-c", deaf], stop_order=1, patience=0.3))
    time.sleep(0.3)
    started = time.monotonic()
    supervisor.stop()
    assert not part.alive
    assert time.monotonic() - started < 5
