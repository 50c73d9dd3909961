"""Installations to start, kill and move: one is furnished once, the others are copies of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.machine.house import House, Process, folder_for_all, wait_for

ORDERS = "order,date,customer,sku,quantity,unit_price\n" + "".join(
    f"{n},2024-{1 + n % 12:02}-{1 + n % 28:02} 10:00,c{n % 40},SKU{n % 7},{1 + n % 3},{5 + n % 11}.50\n"
    for n in range(1, 201)
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = "looks at processes through /proc"
    for item in items:
        if "tests/machine" in str(item.path) and not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class FirstStart:
    """What was seen from `up` on an empty folder to Ctrl-C."""

    data: Path
    said: str
    page: int
    healthz: dict[str, object]
    code: int
    left: list[Process]
    sockets: list[Path]


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    with folder_for_all() as folder:
        yield folder


@pytest.fixture(scope="session")
def first_start(ground: Path) -> Iterator[FirstStart]:
    house = House(ground / "first")
    try:
        house.up()
        wait_for(house.is_well, "everything to be well")
        page, healthz = house.status("/accounts/login/"), house.health()
        (ground / "orders.csv").write_text(ORDERS)
        house.ask("import_orders", str(ground / "orders.csv"), "--store", "shop", "--create-store", "USD")
        code = house.stop()
        yield FirstStart(house.data, house.said, page, healthz, code, house.processes(), house.sockets())
    finally:
        house.remove()


@pytest.fixture
def build(first_start: FirstStart, ground: Path) -> Iterator[Callable[..., House]]:
    """Make a house: a furnished copy, or an empty one at a path of your choice."""
    houses: list[House] = []

    def make(path: str = "", *, empty: bool = False, **environment: str) -> House:
        data = ground / (path or f"copy-{len(list(ground.iterdir()))}")
        data.parent.mkdir(parents=True, exist_ok=True)
        if not empty:
            subprocess.run(["cp", "-a", str(first_start.data), str(data)], check=True)
        houses.append(House(data, environment=environment))
        return houses[-1]

    yield make
    for house in houses:
        house.remove()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
