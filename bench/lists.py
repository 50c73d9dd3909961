"""A mailing list comes in: people new and known, tags, custom fields, refusals, each with its proof.

python bench/lists.py [--scale 0.1]      scale 1: 100,000 rows in Mailchimp's three files

Two rows of five are of people whom the shop knows already; eight of ten are subscribed, the others have left
or bounced. A bare COPY of the same cells into a table without indexes is what the database needs at least.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.goals import goal, own_data, say, stopwatch

if TYPE_CHECKING:
    from retention.ingest.lists.results import ListResult
    from retention.stores.models import Store

ROWS, FASTEST = 100_000, 5_000
SHARES = {"subscribed": 0.8, "unsubscribed": 0.15, "cleaned": 0.05}
BEFORE = ["Email Address", "First Name", "Last Name", "Phone Number", "Birthday", "Shoe size"]
BEFORE += ["MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP"]
LEFT = {
    "subscribed": [],
    "unsubscribed": ["UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON"],
    "cleaned": ["CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"],
}
AFTER = ["LATITUDE", "LONGITUDE", "TIMEZONE", "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS"]
FIRST = ("Anna", "Maria", "John", "James", "Wei", "Fatima", "Olga", "Juan")
START = datetime(2020, 1, 1, tzinfo=UTC)


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--scale", type=float, default=1.0)
    rows = max(1_000, int(ROWS * given.parse_args().scale))
    with own_data(free_gb=1) as folder:
        with stopwatch("files and known people"):
            files = [_file(folder, status, int(rows * share)) for status, share in SHARES.items()]
            store = _shop(rows)
        met = _measure(store, files)
    sys.exit(0 if all(met) else 1)


def _file(folder: Path, status: str, rows: int) -> Path:
    path, chance = folder / f"{status}.csv", random.Random(status)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*BEFORE, *LEFT[status], *AFTER])
        writer.writerows(_row(status, number, chance) for number in range(rows))
    return path


def _row(status: str, number: int, chance: random.Random) -> list[str]:
    at = START + timedelta(seconds=chance.randrange(60_000_000))
    told, later = f"{at:%Y-%m-%d %H:%M:%S}", f"{at + timedelta(days=400):%Y-%m-%d %H:%M:%S}"
    confirmed = [told, "203.0.113.10"] if chance.random() < 0.5 else ["", ""]
    left = {"unsubscribed": [later, "Spring", "c-17", "NORMAL"], "cleaned": [later, "Autumn", "c-9"]}
    tags = [tag for tag in ("VIP", "Blog", "Winter 2024", "Wholesale") if chance.random() < 0.3]
    return [
        _address(status, number), chance.choice(FIRST), f"Lind{chance.randrange(40_000)}",
        f"+4670{chance.randrange(10_000_000):07}", f"{chance.randint(1, 12)}/{chance.randint(1, 28)}",
        str(chance.randint(35, 47)), str(chance.randint(1, 5)), told, "203.0.113.9", *confirmed,
        *left.get(status, []), "55.7", "13.2", "Europe/Stockholm", "se", "m", later, f"{status}{number}",
        f"{status[0]}{number:08x}", "likes ferns", ",".join(f'"{tag}"' for tag in tags),
    ]  # fmt: skip


def _address(status: str, number: int) -> str:
    return f"{status}{number}@example.com"


def _shop(rows: int) -> Store:
    """Two people of five are known, half of them have said something about letters before."""
    from django.db import connection, transaction

    from retention.stores.models import Store

    store = Store.objects.create(slug="bench", name="Bench", time_zone="America/New_York")
    with transaction.atomic(), connection.cursor() as cursor:
        for status, share in SHARES.items():
            given: dict[str, Any] = {"store": store.pk, "status": status, "people": int(rows * share)}
            for sql in KNOWN:
                cursor.execute(sql, given)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return store


# Every second of them answered before: one in five of those has left, whatever the file says.
KNOWN = (
    """
    INSERT INTO customers_customer (store_id, email, phone, first_name, last_name, company, city, region,
        country, tags, versions, created_at)
    SELECT %(store)s, %(status)s || i || '@example.com', '', 'Known', 'Lind' || i, '', '', '', 'SE',
        CASE WHEN i %% 10 = 0 THEN '["wholesale"]'::jsonb ELSE '[]' END, '{"first_name": 1}', now()
    FROM generate_series(0, %(people)s - 1) AS i WHERE i %% 5 < 2
    """,
    """
    INSERT INTO customers_identity (store_id, source, external_id, customer_id)
    SELECT %(store)s, 'email', email, id FROM customers_customer
    WHERE store_id = %(store)s AND email LIKE %(status)s || '%%'
    """,
    """
    INSERT INTO customers_proof (store_id, customer_id, channel, purpose, status, reason, source, method,
        wording, at, detail, imported, by, key)
    SELECT %(store)s, id, 'email', 'marketing',
        CASE WHEN id %% 10 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, '', 'form', 'form', '1',
        '2021-01-01', '{}', false, 'customer', md5(id::text)
    FROM customers_customer
    WHERE store_id = %(store)s AND email LIKE %(status)s || '%%' AND id %% 2 = 0
    """,
    """
    INSERT INTO customers_consent (store_id, customer_id, channel, purpose, status, reason, since)
    SELECT p.store_id, customer_id, channel, purpose, status, reason, at
    FROM customers_proof p JOIN customers_customer c ON c.id = p.customer_id
    WHERE p.store_id = %(store)s AND c.email LIKE %(status)s || '%%'
    """,
)


def _measure(store: Store, files: list[Path]) -> list[bool]:
    copied = sum(_bare_copy(file) for file in files)
    checked, _ = _timed(store, files, dry=True)
    first, results = _timed(store, files)
    again, repeated = _timed(store, files)
    rows = sum(one.read for one in results)
    say(f"{rows:,} rows: bare COPY {copied:.2f} s, checked in {checked:.1f} s, imported in {first:.1f} s")
    for one in results:
        say(f"  {one.as_json()['rows']} {one.as_json()['people']}, kept out {one.people_kept_out}")
    say(f"the import takes {first / copied:.0f} times as long as the bare COPY; again in {again:.1f} s")
    return [
        goal("list_rows_per_second", rows / first, FASTEST, at_least=True),
        goal("list_rows_checked_per_second", rows / checked, FASTEST, at_least=True),
        goal("list_second_import_share", again / first, 1),
        goal("list_second_import_changes", sum(one.accepted for one in repeated), 0),
    ]


def _timed(store: Store, files: list[Path], *, dry: bool = False) -> tuple[float, list[ListResult]]:
    from retention.ingest.lists.importing import check_people, import_people

    start = time.perf_counter()
    results = [(check_people if dry else import_people)(store, file, as_of=START) for file in files]
    return time.perf_counter() - start, results


def _bare_copy(path: Path) -> float:
    from django.db import connection

    with path.open(newline="", encoding="utf-8") as file:
        columns = ", ".join(f'"{name}" text' for name in next(csv.reader(file)))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS bench_bare; CREATE TABLE bench_bare ({columns})")
        start = time.perf_counter()
        with path.open("rb") as source, cursor.cursor.copy("COPY bench_bare FROM STDIN CSV HEADER") as copy:
            while piece := source.read(1 << 20):
                copy.write(piece)
        seconds = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_bare")
    return seconds


if __name__ == "__main__":
    main()
