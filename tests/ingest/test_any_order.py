"""Whatever order files come in, and wherever an import is cut, the facts are the same."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.customers.models import Customer, Identity
from retention.ingest import facts, grouping, keeping_up, running, staging, tasks
from retention.ingest.intake import take
from retention.ingest.models import ImportRun, State
from retention.orders.models import Line, Order, Refund
from retention.stores.models import Store
from retention.timeline.follow import lag
from retention.timeline.models import Event
from tests import world
from tests.ingest.conftest import import_file

HEADER = "order,date,customer,email,sku,title,quantity,unit_price,country\n"
IDS, EMAILS = ["", "7", "8"], ["", "ann@x.com", "bo@x.com"]
row = st.tuples(
    st.sampled_from(["1", "2", "3", "C4"]),
    st.integers(1, 28),
    st.sampled_from(IDS),
    st.sampled_from(EMAILS),
    st.sampled_from(["a", "b", ""]),
    st.sampled_from(["Cap", "Mug"]),
    st.integers(-2, 3).filter(bool),
    st.integers(0, 3),
    st.sampled_from(["DE", "FR"]),
)
file = st.lists(row, min_size=1, max_size=6)


def text_of(rows: list[tuple[Any, ...]]) -> str:
    lines = [f"{o},2024-05-{d:02},{c},{e},{s},{t},{q},{p}.00,{k}" for o, d, c, e, s, t, q, p, k in rows]
    return HEADER + "\n".join(lines) + "\n"


def run_of(store: Store, path: Path, as_of: int) -> ImportRun:
    run = take(store, path, form="", mapping={}, options={"cancel_prefix": "C"}, as_of=as_of)
    running.start(run)
    return run


def bring_in(store: Store, rows: list[tuple[Any, ...]], as_of: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_text(text_of(rows))
        run = run_of(store, path, as_of)
        running.advance(run.pk)
        run.refresh_from_db()
        assert run.state == State.DONE, run.error
        assert run.rows_read == run.accepted + run.same + run.rejected


def state_of(store: Store) -> dict[str, Any]:
    """Everything known of people and orders, with no number that only arrival decides."""
    names: dict[int, str] = {}
    for identity in Identity.objects.filter(store=store).order_by("source", "external_id"):
        names[identity.customer_id] = names.get(identity.customer_id, "") + f"|{identity}"
    people = Customer.objects.filter(store=store, merged_into=None)
    orders = Order.objects.filter(store=store).order_by("external_id")
    # A refund that a newer telling takes back stays as one of nothing, so that its followers hear of it.
    refunds = Refund.objects.filter(store=store).exclude(amount=0).order_by("external_id")
    lines = Line.objects.filter(order__store=store).order_by("order__external_id", "position")
    return {
        "people": sorted((names.get(p.pk, ""), p.email, p.country) for p in people),
        "orders": [
            (o.external_id, names.get(o.customer_id or 0), o.placed_at, o.items, o.discounts, o.refunded)
            + (o.void, o.country, o.version, o.digest)
            for o in orders
        ],
        "refunds": [(r.external_id, names.get(r.customer_id or 0), r.amount, r.refunded_at) for r in refunds],
        "lines": list(
            lines.values_list("order__external_id", "position", "quantity", "total", "product__title")
        ),
    }


@pytest.mark.django_db(transaction=True)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.lists(st.tuples(file, st.integers(1, 3)), min_size=2, max_size=4),
    shuffle=st.randoms(use_true_random=False),
    chunk=st.sampled_from([1, 2, 40_000]),
)
def test_any_order_of_the_same_files_gives_the_same_facts(files, shuffle, chunk):
    one, two = world.a_store(), world.a_store()
    for rows, version in files:
        bring_in(one, rows, version)
    again = [*files, *files[:1]]
    shuffle.shuffle(again)
    whole, grouping.CHUNK = grouping.CHUNK, chunk
    try:
        for rows, version in again:
            bring_in(two, rows, version)
    finally:
        grouping.CHUNK = whole
    assert state_of(one) == state_of(two)


ROWS = [(str(n), 1 + n % 28, str(n % 7), "", "a", "Cap", 1, 2, "DE") for n in range(40)]


class Killed(BaseException):
    """Ends a run as a kill does: nothing gets to clean up."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lost", [False, True], ids=["tables survive", "tables are lost"])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, monkeypatch, lost):
    store = world.a_store()
    monkeypatch.setattr(grouping, "CHUNK", 10)
    (tmp_path / "orders.csv").write_text(text_of(ROWS))
    run = run_of(store, tmp_path / "orders.csv", 5)

    def stop(run: ImportRun) -> None:
        if run.chunk == 2:
            raise Killed

    with pytest.raises(Killed):
        running.advance(run.pk, told=stop)
    run.refresh_from_db()
    assert (run.state, run.chunk, Order.objects.count()) == (State.RUNNING, 2, run.rows_done)
    if lost:
        staging.drop_staging(run)
    running.advance(run.pk)
    run.refresh_from_db()
    assert (run.state, run.accepted, run.same, run.facts_new) == (State.DONE, 40, 0, 40)
    assert Event.objects.filter(kind="order.placed").count() == Order.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_fails_half_way_leaves_nothing_of_itself(tmp_path, monkeypatch):
    store = world.a_store()
    (tmp_path / "orders.csv").write_text(text_of(ROWS))
    run = run_of(store, tmp_path / "orders.csv", 5)

    def stop(*args: object) -> None:
        raise Killed

    monkeypatch.setattr(facts, "_events", stop)
    with pytest.raises(Killed):
        running.advance(run.pk)
    assert not Order.objects.exists()
    assert not Customer.objects.exists()
    assert not ImportRun.objects.filter(chunk__gt=F("chunks")).exists()


@pytest.mark.django_db(transaction=True)
def test_an_error_that_would_come_again_ends_the_run_with_words(tmp_path, monkeypatch):
    store = world.a_store()
    (tmp_path / "orders.csv").write_text(text_of(ROWS))
    run = run_of(store, tmp_path / "orders.csv", 5)
    (tmp_path / "orders.csv").unlink()
    running.advance(run.pk)
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert "There is no file" in run.error


def left_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> tuple[Path, ImportRun]:
    monkeypatch.setattr(grouping, "CHUNK", 10)
    path = tmp_path / "orders.csv"
    path.write_text(text_of(ROWS))
    run = run_of(store, path, 5)

    def stop(run: ImportRun) -> None:
        if run.chunk == 2:
            raise Killed

    with pytest.raises(Killed):
        running.advance(run.pk, told=stop)
    return path, run


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_of_its_file_leaves_a_killed_import_to_be_finished(tmp_path, monkeypatch):
    path, run = left_half_way(tmp_path, monkeypatch, world.a_store(slug="shop"))
    import_file(path, "--dry-run", "--map", "cancel_prefix=C")
    tasks.sweep()
    run.refresh_from_db()
    assert (run.state, Order.objects.count()) == (State.DONE, 40)


@pytest.mark.django_db(transaction=True)
def test_the_same_command_after_a_kill_goes_on_where_it_stopped(tmp_path, monkeypatch):
    path, run = left_half_way(tmp_path, monkeypatch, world.a_store(slug="shop"))
    result = import_file(path, "--map", "cancel_prefix=C")
    assert result["run"] == run.pk
    assert result["orders"] == {"new": 40, "changed": 0, "same": 0}


@pytest.mark.django_db(transaction=True)
def test_products_that_come_in_between_two_chunks_name_all_categories(tmp_path, monkeypatch):
    store = world.a_store()
    monkeypatch.setattr(grouping, "CHUNK", 10)
    (tmp_path / "orders.csv").write_text(text_of(ROWS))
    (tmp_path / "products.csv").write_text(
        "Handle,Title,Type,Vendor,Variant SKU,Variant Price\ncap,Cap,Hats,V,a,2\n"
    )
    orders = run_of(store, tmp_path / "orders.csv", 5)
    products = take(
        store, tmp_path / "products.csv", form="", mapping={}, options={"source": "file"}, as_of=6
    )
    running.start(products)

    def come_in_between(run: ImportRun) -> None:
        if run.chunk == 2:
            with ThreadPoolExecutor() as other:
                other.submit(in_a_connection_of_its_own, products.pk).result()

    running.advance(orders.pk, told=come_in_between)
    assert set(Order.objects.values_list("first_category", flat=True)) == {"Hats"}


def in_a_connection_of_its_own(run: int) -> None:
    try:
        assert running.advance(run)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_an_import_returns_when_a_follower_in_other_hands_has_read_all(tmp_path, monkeypatch):
    store = world.a_store()
    monkeypatch.setattr(keeping_up, "FOLLOWERS", {"metrics": keeping_up.FOLLOWERS["metrics"]})
    world.an_order(world.a_customer(store))
    held, free = threading.Event(), threading.Event()

    def another_worker() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('follower:metrics'))")
                held.set()
                free.wait(5)
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(another_worker)
        assert held.wait(5)
        threading.Timer(1, free.set).start()
        with keeping_up.followers_keep_up():
            pass
    assert lag("metrics") == 0


@pytest.mark.django_db(transaction=True)
def test_a_stopped_run_counts_only_what_it_brought_in(tmp_path, monkeypatch):
    store = world.a_store()
    monkeypatch.setattr(grouping, "CHUNK", 10)
    (tmp_path / "orders.csv").write_text(text_of(ROWS))
    run, events = run_of(store, tmp_path / "orders.csv", 5), facts._events

    def stop(*args: Any) -> None:
        if Order.objects.count() > 20:
            raise ValueError("no more room")
        events(*args)

    monkeypatch.setattr(facts, "_events", stop)
    running.advance(run.pk)
    run.refresh_from_db()
    assert (run.state, run.accepted, run.facts_new, run.chunk) == (State.FAILED, 20, 20, 2)
    assert Order.objects.count() == 20
