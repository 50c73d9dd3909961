"""What the doctor and /healthz say, and with which exit code."""

from __future__ import annotations

import json

from tests.machine.house import House, wait_for


def test_the_doctor_of_a_running_house_finds_nothing(house: House) -> None:
    house.up()
    wait_for(house.is_well, "everything to be well")
    said = house.ask("doctor")
    for name in ("database", "migrations", "broker", "worker", "followers", "disk"):
        assert f"ok   {name}" in said
    told = json.loads(house.ask("doctor", "--json"))
    assert told.keys() == house.health().keys()
    assert told["checks"].keys() == house.health()["checks"].keys()
    assert told["checks"]["worker"]["seconds_ago"] < 60
    assert "metrics" in told["checks"]["followers"]["seconds_behind"]


def test_the_doctor_of_a_house_that_does_not_run_says_what_to_do(house: House) -> None:
    done = house.run("doctor")
    assert done.returncode == 1
    assert "NOT  broker" in done.stdout
    assert "ok   database" in done.stdout
    assert "bin/up" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_healthz_is_503_while_the_broker_is_gone(house: House) -> None:
    house.up()
    wait_for(house.is_well, "everything to be well")

    # Killed again and again, so that it is away when somebody looks.
    def sick() -> bool:
        house.kill("broker")
        return house.status("/healthz") == 503

    wait_for(sick, "a 503")
    assert house.supervisor
    house.supervisor.kill()
