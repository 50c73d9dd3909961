"""The front page of a shop with a million customers and ten million orders: how fast, and how exact.

    python -m bench.dashboard [--scale 0.1]

Makes two shops, the asked scale and a tenth of it, in a database of its own, computes their figures through
the real rebuild, times every widget and the page, changes orders in batches through the real follower, and
asks DuckDB the same questions. At the end the figures are rebuilt and must be what the batches left.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.goals import goal, own_data, say, stopwatch, timed  # noqa: E402

if TYPE_CHECKING:
    from bench.duck import Duck
    from retention.stores.models import Store

WIDGET_MS, PAGE_MS, GROWTH, APPLY_S, DUCK_RATIO = 10, 100, 1.5, 1.0, 300
GB_AT_FULL = 30
TIMES = 30
AS_OF = date(2025, 12, 31)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 = ten million orders (default)")
    scale = parser.parse_args().scale
    with own_data(free_gb=1 + GB_AT_FULL * scale) as folder:
        small = _shop("tenth", scale / 10)
        before = page_time(small)
        store = _shop("big", scale)
        ok = run(store, before, folder)
    sys.exit(0 if ok else 1)


def _shop(slug: str, scale: float) -> Store:
    from django.db import connection

    from bench.big_shop import make_shop
    from retention.metrics.rebuild import rebuild

    with stopwatch(f"{slug}: {scale:g} of ten million orders made"):
        store = make_shop(slug, scale)
    _wait_for_quiet()
    with stopwatch(f"{slug}: figures computed"):
        rebuild(store)
    _read_on(store)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return store


def _wait_for_quiet() -> None:
    """Until no open transaction, such as an autovacuum, hides events: a rebuild takes in what it sees."""
    from django.db import connection

    hidden = "SELECT EXISTS (SELECT FROM timeline_event WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(hidden)
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.2)


def _read_on(store: Store) -> None:
    """Put the follower where the rebuild stood: it would only skip what the rebuild has taken in."""
    from retention.metrics.rebuild import FOLLOWER, taken_in
    from retention.timeline.models import Follower

    position = taken_in(store)
    assert position
    told = {"xid": position[0], "event_id": position[1]}
    Follower.objects.update_or_create(name=FOLLOWER, defaults=told)


def run(store: Store, page_before: float, folder: Path) -> bool:
    from bench import duck
    from bench.changes import change_orders

    page = page_time(store)
    results = [*widget_goals(store), goal("page_median_ms", page, PAGE_MS)]
    results.append(goal("page_growth_10x", page / page_before, GROWTH))
    with stopwatch("DuckDB loaded"):
        other = duck.load(store, AS_OF, folder)
    results += [*compare(store, other)]
    for size, times in ((1, 5), (1_000, 5), (100_000, 1)):
        seconds = change_orders(store, size, times)
        say(f"{size:,} changed orders applied: {seconds:.3f} s")
        if size == 1_000:
            results.append(goal("apply_1000_changed_orders_s", seconds, APPLY_S))
    results.append(exact(store))
    return all(results)


def page_time(store: Store) -> float:
    """Median milliseconds of the whole front page, through URL, login, view and template."""
    from django.test import Client

    from retention.stores.models import Membership, Role, User

    user = User.objects.create_user(f"{store.slug}@example.com", "a-fern-by-the-window")
    Membership.objects.create(store=store, user=user, role=Role.OWNER)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)

    def ask() -> None:
        answer = client.get(f"/{store.slug}/")
        assert answer.status_code == 200, answer.status_code
        assert b"heat" in answer.content

    ask()
    median, p95 = timed(ask, TIMES)
    say(f"{store.slug}: page {median:.1f} ms, p95 {p95:.1f} ms")
    return median


def widgets(store: Store) -> dict[str, Callable[[], object]]:
    """Each widget's figures, by the functions that the page itself calls."""
    from retention.dashboard import queries as page
    from retention.dashboard.filters import DIMENSIONS, Filters
    from retention.metrics import queries

    plain = Filters()
    cohorts = queries.cohort_matrix(store, as_of=AS_OF)
    return {
        "repeat_purchase_rate": lambda: page.rate_course(store, plain, AS_OF),
        "clv_to_date": lambda: page.clv_course(store, plain, AS_OF),
        "average_order_value": lambda: page.aov_course(store, plain, AS_OF),
        "time_between_purchases": lambda: page.gap_course(store, plain, AS_OF),
        "cohort_matrix": lambda: queries.cohort_matrix(store, as_of=AS_OF),
        "repeat_curves": lambda: page.curves(store, plain, AS_OF, cohorts),
        "trend": lambda: page.trend(store, plain, AS_OF),
        "totals": lambda: queries.totals(store, AS_OF),
        "menus": lambda: [queries.dimension_values(store, name) for name in DIMENSIONS],
        "freshness": page.freshness,
        "day_of_page": lambda: page.when(store, plain),
    }


def widget_goals(store: Store) -> list[bool]:
    results = []
    for name, ask in widgets(store).items():
        median, p95 = timed(ask, TIMES)
        say(f"{name}: {median:.2f} ms, p95 {p95:.2f} ms")
        results.append(goal(f"widget_{name}_ms", median, WIDGET_MS))
    for name, ask in narrowed(store).items():
        median, p95 = timed(ask, 3)
        say(f"{name}: {median:.0f} ms, p95 {p95:.0f} ms")
    return results


def narrowed(store: Store) -> dict[str, Callable[[], object]]:
    """What rollups cannot answer: two dimensions at once, and a day long gone."""
    from retention.metrics import queries
    from retention.metrics.queries import Slice

    two = Slice(channel="email", country="US")
    past = date(2025, 3, 10)
    return {
        "cohort matrix of a channel and a country": lambda: queries.cohort_matrix(store, two, AS_OF),
        "repeat rate of a channel and a country": lambda: queries.repeat_purchase_rate(store, two, AS_OF),
        "cohort matrix of one channel": lambda: queries.cohort_matrix(store, Slice(channel="email"), AS_OF),
        "cohort matrix as of a past day": lambda: queries.cohort_matrix(store, as_of=past),
        "repeat curve as of a past day": lambda: queries.repeat_curve(store, as_of=past),
    }


def compare(store: Store, other: Duck) -> list[bool]:
    """The same answers, and how much sooner."""
    from bench.answers import ANSWERS

    results = []
    for question, (ask, plain) in ANSWERS.items():
        mine, theirs = plain(ask(store, AS_OF)), other.ask(question)
        same = goal(f"same_answer_{question}", float(mine == plain_duck(question, theirs)), 1, at_least=True)
        ours, _ = timed(partial(ask, store, AS_OF), TIMES)
        duck_ms, _ = timed(other.asking(question), 3)
        say(f"{question}: {ours:.2f} ms, DuckDB {duck_ms:.0f} ms, {duck_ms / ours:.0f} times as fast")
        results.append(same)
        if question == "cohort_matrix":
            results.append(goal("cohort_matrix_times_faster", duck_ms / ours, DUCK_RATIO, at_least=True))
    return results


def plain_duck(question: str, rows: list[tuple[Any, ...]]) -> object:
    from bench.answers import from_duck

    return from_duck(question, rows, AS_OF)


def exact(store: Store) -> bool:
    """Rebuilding from all orders changes nothing of what the batches have left."""
    from bench.changes import fingerprint
    from retention.metrics.rebuild import rebuild

    kept = fingerprint(store)
    start = time.perf_counter()
    rebuild(store)
    say(f"rebuilt in {time.perf_counter() - start:.1f} s")
    return goal("batches_equal_rebuild", float(kept == fingerprint(store)), 1, at_least=True)


if __name__ == "__main__":
    main()
