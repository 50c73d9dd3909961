"""The main promise: whatever is killed while a real file comes in, the numbers end up the same."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable

import pytest

from tests.machine.house import ROOT, House, wait_for

FILE = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.csv.gz"
VICTIMS = ["web", "worker", "scheduler", "database", "broker"]
AS_OF = "2012-01-01T00:00:00+00:00"
COLUMNS = {
    "order": "InvoiceNo",
    "date": "InvoiceDate",
    "customer": "CustomerID",
    "sku": "StockCode",
    "title": "Description",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
    "country": "Country",
}
# What the page does when a file is confirmed: the run is made, and a worker finds it.
START = f"""
from datetime import datetime
from pathlib import Path
from retention.ingest import intake, running
from retention.ingest.files.values import microseconds
from retention.stores.models import Store
store = Store.objects.create(name="Stormy", slug="stormy", currency="GBP", time_zone="Europe/London")
run = intake.take(store, Path("{FILE}"), form="", mapping={COLUMNS}, options={{"cancel_prefix": "C"}},
    as_of=microseconds(datetime.fromisoformat("{AS_OF}")))
running.start(run)
print(run.pk)
"""
RUN = "SELECT state, rows_read, rows_done, accepted, same, rejected FROM ingest_importrun WHERE id = %s"
AT_WORK = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND objid = %s AND granted"
)
TOLD = (
    "SELECT kind, count(*) FROM timeline_event JOIN stores_store s ON s.id = store_id WHERE slug = %s"
    " GROUP BY kind ORDER BY kind"
)
UNREAD = (
    "SELECT f.name, count(*) FROM timeline_event e JOIN timeline_follower f ON (e.xid, e.id) > (f.xid, f.event_id)"
    " WHERE f.name = 'metrics' GROUP BY f.name"
)
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the Online Retail file is not on this machine")


@pytest.fixture(scope="module")
def rows() -> int:
    with gzip.open(FILE, "rb") as lines:
        return sum(1 for _ in lines) - 1


def progress(house: House, run: int, rows: int) -> float:
    """From 0 to 1: half of it reading the file, half of it telling facts. 0 while nobody is at it."""
    try:
        (state, read, done, *_), at_work = house.query(RUN, run)[0], house.query(AT_WORK, run)[0][0]
    except ConnectionError:
        return 0.0
    if state == "done":
        return 1.0
    return 0.999 * (read + done) / (2 * rows) if at_work else 0.0


def calm(house: House) -> None:
    mapping = [word for field, column in COLUMNS.items() for word in ("--map", f"{field}={column}")]
    words = ["--store", "calm", "--create-store", "GBP", "--time-zone", "Europe/London", "--as-of", AS_OF]
    house.ask("import_orders", str(FILE), *words, *mapping, "--map", "cancel_prefix=C")


def figures(house: House, store: str) -> dict[str, object]:
    house.ask("check_metrics", "--store", store)
    report = json.loads(house.ask("report", "--store", store, "--json", "--as-of", "2011-12-31"))
    assert report.pop("store") == store
    return {"report": report, "told": house.query(TOLD, store)}


def test_ten_kills_during_an_import_change_no_number(build: Callable[..., House], rows: int) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    moments = sorted(dice.random() for _ in range(2 * len(VICTIMS)))
    moments[0] = min(moments[0], 0.4)
    victims = dice.sample(VICTIMS * 2, k=len(moments))
    while moments[victims.index("database")] > 0.45:  # once while the file is read, by a way of its own
        dice.shuffle(victims)

    house = build()
    house.up()
    calm(house)
    run = int(house.ask("shell", "--no-imports", "-c", START))
    for moment, name in zip(moments, victims, strict=True):
        wait_for(lambda at=moment: progress(house, run, rows) >= at, f"{moment:.2f} of the import", 300)
        killed = house.kill(name)
        print(f"{time.strftime('%X')} {name} killed at {moment:.2f}")
        house.back(name, not_pid=killed)
    wait_for(lambda: progress(house, run, rows) == 1.0, "the import", 300)

    state, read, _, accepted, same, rejected = house.query(RUN, run)[0]
    assert (state, read, accepted + same + rejected) == ("done", rows, rows)
    wait_for(house.is_well, "everything to be well")
    wait_for(lambda: not house.query(UNREAD), "the followers", 300)
    assert figures(house, "stormy") == figures(house, "calm")
    assert house.stop() == 0
    assert house.processes() == []
