"""Backup and restore of a running installation, and what a restore refuses."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machine.house import House, wait_for

Build = Callable[..., House]
EVENTS = (
    "from retention.timeline.models import Event, Follower; from retention.stores.models import User;"
    "print(list(Event.objects.order_by('id').values_list('kind', 'customer_id', 'data', 'occurred_at')),"
    " User.objects.count())"
)
UNREAD = "from retention.timeline import follow; print({n: follow.lag(n) for n in follow.FOLLOWERS})"
# Ten orders that the backup has, one of them changed, and one new.
MORE = "order,date,customer,sku,quantity,unit_price\n" + "".join(
    f"{n},2024-{1 + n % 12:02}-{1 + n % 28:02} 10:00,c{n % 40},SKU{n % 7},{1 + n % 3},{5 + n % 11}.50\n"
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 500)
).replace(",SKU3,", ",SKU4,", 1)


def shell(house: House, code: str) -> str:
    return house.ask("shell", "--no-imports", "-c", code)


def report(house: House) -> dict[str, Any]:
    return dict(json.loads(house.ask("report", "--store", "shop", "--json")))


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> None:
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            reader = old.extractfile(member)
            assert reader
            data = change(member.name, reader.read())
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))


@pytest.fixture
def running(house: House) -> House:
    (house.data / "uploads" / "logos").mkdir(parents=True)
    (house.data / "uploads" / "logos" / "fern.svg").write_text("<svg/>")
    house.up()
    return house


def test_a_backup_of_a_running_house_moves_to_another_one(running: House, build: Build, ground: Path) -> None:
    file = ground / "whole.tar"
    assert "written and checked" in running.ask("backup", str(file))
    assert file.stat().st_mode & 0o077 == 0
    other = build("moved", empty=True)
    assert "Restored." in other.ask("restore", "--yes", str(file))

    assert report(other) == report(running)
    assert shell(other, EVENTS) == shell(running, EVENTS)
    assert (other.data / "uploads" / "logos" / "fern.svg").read_text() == "<svg/>"
    assert (other.data / "secret-key").read_text() == (running.data / "secret-key").read_text()

    # The followers go on where they stood, and miss nothing that comes after.
    assert set(json.loads(shell(other, UNREAD).replace("'", '"')).values()) <= {0}
    (ground / "more.csv").write_text(MORE)
    for house in (running, other):
        house.ask("import_orders", str(ground / "more.csv"), "--store", "shop", "--as-of", "2026-01-01")
        house.ask("check_metrics")
    assert report(other) == report(running)
    assert report(other)["orders"] == 201


def test_a_running_house_goes_back_to_its_backup(running: House, ground: Path) -> None:
    file = ground / "back.tar"
    running.ask("backup", str(file))
    before = report(running)
    (ground / "later.csv").write_text(MORE)
    running.ask("import_orders", str(ground / "later.csv"), "--store", "shop")
    (running.data / "uploads" / "later.txt").write_text("came after the backup")
    assert report(running) != before

    running.ask("restore", "--yes", str(file))
    assert report(running) == before
    assert not (running.data / "uploads" / "later.txt").exists()
    wait_for(running.is_well, "everything to be well")
    assert running.works()
    running.ask("check_metrics")


def test_what_is_not_a_whole_backup_is_refused(house: House, ground: Path) -> None:
    whole, broken = ground / "sound.tar", ground / "broken.tar"
    house.ask("backup", str(whole))
    before = report(house)

    def refused(why: str) -> None:
        done = house.run("restore", "--yes", str(broken))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert why in done.stderr

    data = whole.read_bytes()
    middle = len(data) // 2
    broken.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    refused("is not what was backed up")
    broken.write_bytes(data[:middle])
    refused("is not a whole archive")
    broken.write_bytes(b"order,date\n1,2024-01-01\n")
    refused("is not a whole archive")

    def newer(name: str, old: bytes) -> bytes:
        return old.replace(b'"timeline.0001', b'"timeline.0999') if name == "list.json" else old

    rewrite(whole, broken, newer)
    refused("newer version")
    broken.unlink()
    refused("No such file")
    assert report(house) == before


def test_a_backup_that_cannot_be_written_says_so(house: House, ground: Path) -> None:
    done = house.run("backup", str(ground / "no-such-folder" / "file.tar"))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(ground.glob("**/.file.tar-*"))


def test_restore_asks_first(house: House, ground: Path) -> None:
    done = house.run("restore", str(ground / "any.tar"), stdin="no\n")
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
