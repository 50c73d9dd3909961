"""How fast an import is, and how small.

    python bench/import.py [FILE.csv.gz] [--scale 0.1]

Imports the 541,909 lines of Online Retail (found beside the project, named as FILE, or made up in the same
size) through the import command into a database of its own, which is removed afterwards. In the same run the
same lines go by bare COPY into one table without an index, and by Django's bulk_create of the lines alone.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.csv.gz"
LINES = 541_909
HEADER = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
FIELDS = ("order", "sku", "title", "quantity", "date", "unit_price", "customer", "country")
FASTEST, SMALLEST, AGAIN = 40_000, 300, 1 / 3


def made_up(lines: int) -> Iterator[list[str]]:
    """Invoices like those of the real file: 21 lines each, a quarter without a customer, some cancelled."""
    chance = random.Random(541_909)
    start, invoice, left = datetime(2010, 12, 1, 8), 536_364, 0  # noqa: DTZ001  the file has naive dates
    who, at, cancels = "", "", False
    for _ in range(lines):
        if not left:
            invoice, left, cancels = invoice + 1, chance.randint(1, 41), chance.random() < 0.15
            who = "" if chance.random() < 0.25 else f"{chance.randint(12_346, 16_700)}.0"
            start += timedelta(minutes=chance.randint(5, 36))
            at = f"{start:%Y-%m-%d %H:%M:%S}"
        left -= 1
        code = chance.randint(10_000, 14_000)
        sold = -1 if cancels else chance.randint(1, 24)
        number = f"C{invoice}" if cancels else str(invoice)
        price = f"{chance.randint(10, 1_500) / 100:.2f}"
        yield [number, str(code), f"ARTICLE {code} OF WHITE METAL", str(sold), at, price, who, "France"]


def prepare(source: Path | None, folder: Path, lines: int) -> tuple[Path, int]:
    """The bench's own copy of the file, cut to the wanted number of lines."""
    target, count = folder / "lines.csv.gz", 0
    with gzip.open(target, "wt", compresslevel=1, newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for row in read(source) if source else made_up(lines):
            if count == lines:
                break
            writer.writerow(row)
            count += 1
    return target, count


def read(path: Path) -> Iterator[list[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def import_once(file: Path) -> dict[str, Any]:
    """Runs in a process of its own, so that its memory and time are the import's alone."""
    from django.core.management import call_command

    from retention.ingest import keeping_up

    followed = 0.0
    catch_up = keeping_up.catch_up  # type: ignore[attr-defined]

    def timed(name: str) -> int:
        nonlocal followed
        began = time.perf_counter()
        try:
            return catch_up(name)
        finally:
            followed += time.perf_counter() - began

    keeping_up.catch_up = timed  # type: ignore[attr-defined]
    out = io.StringIO()
    maps = [f"--map={field}={column}" for field, column in zip(FIELDS, HEADER, strict=True)]
    began = time.perf_counter()
    call_command(
        *("import_orders", str(file), "--store", "bench", "--create-store", "GBP", "--json"),
        *("--time-zone", "Europe/London", "--map=cancel_prefix=C", *maps),
        stdout=out,
    )
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**json.loads(out.getvalue()), "seconds": seconds, "memory": memory, "followed": followed}


def bare_copy(file: Path) -> float:
    """The file's cells into one unindexed table: no parsing, no facts."""
    from django.db import connection

    columns = ", ".join(f"{name} text" for name in HEADER)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS bench_bare; CREATE TABLE bench_bare ({columns})")
        began = time.perf_counter()
        with gzip.open(file) as source, cursor.cursor.copy("COPY bench_bare FROM STDIN CSV HEADER") as copy:
            while piece := source.read(1 << 20):
                copy.write(piece)
        seconds = time.perf_counter() - began
        cursor.execute("DROP TABLE bench_bare")
    return seconds


def bulk_create(file: Path) -> float:
    """The lines alone, as Django writes them; their order and product are there already."""
    from retention.orders.models import Line, Order

    order = Order.objects.order_by("pk").values_list("pk", flat=True)[0]
    began = time.perf_counter()
    batch: list[Line] = []
    for position, row in enumerate(read(file)):
        pence = round(float(row[5]) * 100)
        count = int(row[3])
        batch.append(
            Line(
                order_id=order,
                position=position,
                sku=row[1],
                title=row[2],
                quantity=count,
                unit_price=pence,
                total=count * pence,
            )
        )
        if len(batch) == 5_000:
            Line.objects.bulk_create(batch)
            batch = []
    Line.objects.bulk_create(batch)
    return time.perf_counter() - began


STEPS = {"import": import_once, "copy": bare_copy, "bulk": bulk_create}


def step(name: str, file: Path) -> Any:
    done = subprocess.run(
        [sys.executable, __file__, "--step", name, str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def goal(name: str, value: float, wanted: str, met: bool) -> None:
    print(f"GOAL {name} {value:.2f} {wanted} {'PASS' if met else 'MISS'}")


def measure(file: Path, lines: int) -> None:
    first, copied, again = step("import", file), step("copy", file), step("import", file)
    created = step("bulk", file)
    rate = lines / first["seconds"]
    print(f"{lines:,} lines imported in {first['seconds']:.1f} s; {first['rows']}")
    print(f"  of it followers, alongside: {first['followed']:.1f} s; memory {first['memory']:.0f} MB")
    print(f"again in {again['seconds']:.1f} s: {again['rows']}")
    print(f"bare COPY {copied:.2f} s: the import takes {first['seconds'] / copied:.1f} times as long")
    print(
        f"bulk_create of the lines alone {created:.1f} s: {created / first['seconds']:.2f} times the import"
    )
    same = again["orders"]["new"] == again["orders"]["changed"] == 0
    goal("lines_per_second", rate, f">={FASTEST}", rate >= FASTEST)
    goal("python_memory_mb", first["memory"], f"<={SMALLEST}", first["memory"] <= SMALLEST)
    share = again["seconds"] / first["seconds"]
    goal("second_import_share", share, "<=0.33", share <= AGAIN)
    goal("second_import_changes", 0 if same else 1, "=0", same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "file", nargs="?", type=Path, help="a file like Online Retail (default: found or made)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the 541,909 lines")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retention.settings")
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        print(json.dumps(STEPS[given.step](given.file)))
        return
    folder = Path(tempfile.mkdtemp(prefix="perennial-bench-"))
    folder.chmod(0o755)
    os.environ["PERENNIAL_DATA"] = str(folder / "data")
    os.environ.pop("DATABASE_URL", None)
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        source = given.file or (REAL if REAL.exists() else None)
        file, lines = prepare(source, folder, int(LINES * given.scale))
        print(f"{'Online Retail' if source else 'made-up lines'}: {lines:,} lines")
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, check=True, capture_output=True)
        measure(file, lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
