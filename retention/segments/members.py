"""Who is in: whole segments computed anew with their difference, or some people asked about many segments.

Everything here runs under one lock, that of the follower of segments, so there is one writer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import md5
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from retention.segments.benchmarks import Benchmarks
from retention.segments.compiling import Compiled, compares, compiled, hears
from retention.segments.models import Segment
from retention.segments.rules import Path, leaves
from retention.segments.statement import Statement, moment, spelled
from retention.segments.windows import NEVER
from retention.stores.models import Store

FOLLOWER = "segments"
# PostgreSQL allows 1664 columns in a row.
MOST_COLUMNS = 1_600
# Few people are asked by a statement that the server keeps planned; for many the plan matters more.
FEW = 50
Move = tuple[int, int, bool, bool, datetime | None, datetime | None]
MOVES = (
    "segment_id bigint, customer_id bigint, holds boolean, was boolean,"
    " turns_at timestamptz, known_at timestamptz"
)


def lock(cursor: CursorWrapper) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"follower:{FOLLOWER}"])


AROUND = (
    "(SELECT time_zone FROM metrics_state WHERE store_id = %(store)s),"
    " (SELECT numbers FROM segments_usual WHERE store_id = %(store)s)"
)
# By hand, since every event asks this, and the ORM takes longer to write it than the server to answer.
LIVE_KEYS = (
    "(SELECT array_agg(ARRAY[id, version] ORDER BY id) FROM segments_segment"
    " WHERE store_id = %(store)s AND status = 'active' AND kind = 'rule')"
)


def _found(columns: str, store: Store) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", {"store": store.pk})
        row: tuple[Any, ...] = cursor.fetchone()
        return row


@dataclass(frozen=True)
class Surroundings:
    """What all rules of a store are read in."""

    store: int
    zone: str
    benchmarks: Benchmarks

    @classmethod
    def of(cls, store: Store) -> Surroundings:
        """Cost: one query."""
        return cls._read(store, _found(AROUND, store))

    @classmethod
    def with_live(cls, store: Store) -> tuple[Surroundings, list[Live]]:
        """These, and the rules that decide who is in. Cost: one query, and one for rules that are new."""
        *around, keys = _found(f"{AROUND}, {LIVE_KEYS}", store)
        return cls._read(store, around), _known([(pk, version) for pk, version in keys or []])

    @classmethod
    def _read(cls, store: Store, found: Sequence[Any]) -> Surroundings:
        zone, numbers = found
        usual = Benchmarks.of(json.loads(numbers)) if numbers else Benchmarks()
        return cls(store.pk, zone or store.time_zone, usual)

    def statement(self) -> Statement:
        return Statement(self.store, self.zone, self.benchmarks)


def depends_on(rule: dict[str, Any]) -> frozenset[int]:
    """The segments and lists that a rule asks about."""
    named = ("segments.member", "lists.member")
    return frozenset(node["value"] for _, node in leaves(rule) if node["if"] in named)


@dataclass(frozen=True, eq=False)
class Live:
    """A segment's rule with what has to be known of it at every event; read once per version."""

    pk: int
    version: int
    text: str
    rule: dict[str, Any]
    heard: tuple[str, ...]
    asks: frozenset[int]
    compares: bool


LIVE: dict[tuple[int, int], Live] = {}
MOST_LIVE = 10_000


def _known(keys: list[tuple[int, int]]) -> list[Live]:
    if new := [pk for pk, version in keys if (pk, version) not in LIVE]:
        if len(LIVE) > MOST_LIVE:
            LIVE.clear()
            new = [pk for pk, _ in keys]
        for segment in Segment.objects.filter(pk__in=new):
            LIVE[segment.pk, segment.version] = _read(segment)
    return [LIVE[key] for key in keys if key in LIVE]


def _read(segment: Segment) -> Live:
    rule = segment.tree
    return Live(
        segment.pk, segment.version, json.dumps(rule, sort_keys=True), rule,
        # A new or changed person may be in any segment.
        ("customer.", *sorted(hears(rule))), depends_on(rule), compares(rule),
    )  # fmt: skip


def in_order(segments: Iterable[Live]) -> list[list[Live]]:
    """Levels: a segment comes after those that it asks about. Raises ValueError when it asks about itself."""
    return _levels(tuple(segments))


@lru_cache(maxsize=64)
def _levels(segments: tuple[Live, ...]) -> list[list[Live]]:
    left = {segment.pk: segment for segment in segments}
    levels: list[list[Live]] = []
    while left:
        ready = [s for s in left.values() if not s.asks & left.keys()]
        if not ready:
            raise ValueError("a segment asks about itself")
        levels.append(ready)
        for segment in ready:
            del left[segment.pk]
    return levels


@dataclass(frozen=True)
class Answers:
    """Columns with the answer of each distinct condition, and each rule's answer and turn over them."""

    columns: tuple[str, ...]
    rules: tuple[tuple[int, str, str], ...]

    def differing(self, people: str) -> str:
        """SELECT of moves: who differs from what is known, or may turn at another time than known."""
        rows = ", ".join(f"({pk}::bigint, {holds}, {turn})" for pk, holds, turn in self.rules)
        return f"""
        SELECT s.segment_id, x.id, s.holds, m.id IS NOT NULL, s.turn, u.at
        FROM (SELECT c.id, {", ".join(self.columns)} FROM {people} OFFSET 0) x
        CROSS JOIN LATERAL (SELECT v.segment_id, v.holds IS TRUE AS holds, nullif(v.turn, {NEVER}) AS turn
            FROM (VALUES {rows}) AS v(segment_id, holds, turn)) s
        LEFT JOIN (SELECT * FROM segments_membership
                WHERE customer_id = ANY({{people}}) AND left_at IS NULL) m
            ON m.segment_id = s.segment_id AND m.customer_id = x.id
        LEFT JOIN (SELECT * FROM segments_turn WHERE customer_id = ANY({{people}})) u
            ON u.segment_id = s.segment_id AND u.customer_id = x.id
        WHERE s.holds <> (m.id IS NOT NULL) OR s.turn IS DISTINCT FROM u.at"""


def answers(rules: Sequence[tuple[int, Compiled]]) -> Answers:
    """A condition that several rules share is asked once."""
    columns: dict[str, int] = {}
    texts: list[str] = []
    found = []
    for pk, one in rules:
        names = {path: _name(one, path, columns, texts) for path in one.found}

        def holds(path: Path, names: dict[Path, int] = names) -> str:
            return f"x.h{names[path]}"

        def turn(path: Path, names: dict[Path, int] = names) -> str:
            return f"x.t{names[path]}"

        found.append((pk, one.holds_of(holds), one.turns(holds, turn)))
    return Answers(tuple(texts), tuple(found))


def _name(one: Compiled, path: Path, columns: dict[str, int], texts: list[str]) -> int:
    leaf = one.found[path]
    node: Any = one.rule
    for step in path:
        node = node[step]
    key = json.dumps(node, sort_keys=True)
    if key not in columns:
        columns[key] = len(columns)
        texts.append(f"({leaf.holds}) IS TRUE AS h{columns[key]}")
        if leaf.turns:
            texts.append(f"{leaf.turns} AS t{columns[key]}")
    return columns[key]


SOME = (
    "customers_customer c LEFT JOIN metrics_customerfact f ON f.customer_id = c.id"
    " WHERE c.id = ANY({people}) AND c.store_id = {store} AND c.merged_into_id IS NULL"
)


Rules = tuple[tuple[int, int, str], ...]


def ask(around: Surroundings, segments: Sequence[Live], people: Iterable[int], now: datetime) -> list[Move]:
    """What has to change for these people in these segments at this moment."""
    wanted = sorted(people)
    moves: list[Move] = []
    for some in _chunks(tuple((s.pk, s.version, s.text) for s in segments)):
        moves += _asked(around, some, wanted, now)
    return moves


@lru_cache(maxsize=64)
def _chunks(rules: Rules) -> list[Rules]:
    """As many rules together as have room for their conditions in one row."""
    chunks: list[list[tuple[int, int, str]]] = [[]]
    columns: set[str] = set()
    for one in rules:
        mine = {json.dumps(node, sort_keys=True) for _, node in leaves(json.loads(one[2]))}
        if chunks[-1] and len(columns | mine) * 2 > MOST_COLUMNS:
            chunks.append([])
            columns = set()
        chunks[-1].append(one)
        columns |= mine
    return [tuple(chunk) for chunk in chunks]


def _asked(around: Surroundings, rules: Rules, people: list[int], now: datetime) -> list[Move]:
    gaps = moment(now, around.zone)
    with connection.cursor() as cursor:
        if len(people) <= FEW:
            name = _prepared(cursor, around, rules)
            gaps["people"] = sql.Literal(people)
            # Planning for these very people would take longer than asking them.
            given = sql.SQL(
                "SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE {name} ({now}, {today}, {people})"
            )
            cursor.execute(spelled(given.format(name=sql.Identifier(name), **gaps)))
            cursor.nextset()
        else:
            gaps["people"] = sql.SQL("{}::bigint[]").format(sql.Literal(people))
            cursor.execute(spelled(_filled(around, rules, gaps)))
        return [tuple(row) for row in cursor.fetchall()]


# Names of prepared statements, per connection of this process.
PREPARED: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
MOST_PREPARED = 200


def _prepared(cursor: CursorWrapper, around: Surroundings, rules: Rules) -> str:
    name, text = _parameters(around, rules)
    known = PREPARED.setdefault(connection.connection, set())
    if len(known) >= MOST_PREPARED:
        cursor.execute("DEALLOCATE ALL")
        known.clear()
    if name not in known:
        cursor.execute(f"PREPARE {name} (timestamptz, date, bigint[]) AS {text}")
        known.add(name)
    return name


@lru_cache(maxsize=64)
def _parameters(around: Surroundings, rules: Rules) -> tuple[str, str]:
    """Name and text of the statement that asks these rules about some people."""
    gaps: dict[str, sql.Composable] = {"now": sql.SQL("$1"), "today": sql.SQL("$2"), "people": sql.SQL("$3")}
    text = spelled(_filled(around, rules, gaps))
    return "segments_" + md5(text.encode(), usedforsecurity=False).hexdigest(), text


def _filled(around: Surroundings, rules: Rules, gaps: dict[str, sql.Composable]) -> sql.Composed:
    statement = around.statement()
    one = answers([(pk, compiled(json.loads(rule), statement)) for pk, _, rule in rules])
    return statement.filled(one.differing(SOME), **gaps)


def moves_table(cursor: CursorWrapper) -> None:
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS segments_moves ({MOVES}) ON COMMIT DELETE ROWS")
    cursor.execute("DELETE FROM segments_moves")


def compare_all(cursor: CursorWrapper, around: Surroundings, segment: Live, now: datetime) -> None:
    """Fill `segments_moves` with everything in which a whole segment differs from its rule."""
    moves_table(cursor)
    cursor.execute("SET LOCAL work_mem = '128MB'")
    cursor.execute(_whole(around, segment, now))


def _whole(around: Surroundings, segment: Live, now: datetime) -> str:
    statement = around.statement()
    rule = compiled(segment.rule, statement)
    if rule.timed:
        one = answers([(segment.pk, rule)])
        _, holds, turn = one.rules[0]
        found = (
            f"SELECT x.id, ({holds}) IS TRUE AS holds, nullif({turn}, {NEVER}) AS turn"
            f" FROM (SELECT c.id, {', '.join(one.columns)} FROM {rule.people(later=True)} OFFSET 0) x"
        )
    else:
        found = f"SELECT c.id, true AS holds, NULL::timestamptz AS turn FROM {rule.people()}"
    mine = f"segment_id = {statement.whole(segment.pk)}"
    text = f"""
        INSERT INTO segments_moves
        SELECT {statement.whole(segment.pk)}, coalesce(y.id, m.customer_id, u.customer_id),
            coalesce(y.holds, false), m.customer_id IS NOT NULL, y.turn, u.at
        FROM ({found}) y
        FULL JOIN (SELECT customer_id FROM segments_membership WHERE {mine} AND left_at IS NULL) m
            ON m.customer_id = y.id
        FULL JOIN (SELECT customer_id, at FROM segments_turn WHERE {mine}) u
            ON u.customer_id = coalesce(y.id, m.customer_id)
        WHERE coalesce(y.holds, false) <> (m.customer_id IS NOT NULL) OR y.turn IS DISTINCT FROM u.at"""
    return statement.at(text, now)


def keep_moves(cursor: CursorWrapper, moves: Sequence[Move]) -> None:
    moves_table(cursor)
    columns = [list(column) for column in zip(*moves, strict=True)]
    cursor.execute(
        "INSERT INTO segments_moves SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[],"
        " %s::boolean[], %s::timestamptz[], %s::timestamptz[])",
        columns,
    )


@dataclass(frozen=True)
class Moved:
    """Who changed sides: segment -> people."""

    entered: dict[int, set[int]]
    left: dict[int, set[int]]

    def of(self, segment: int) -> set[int]:
        return self.entered.get(segment, set()) | self.left.get(segment, set())


def apply_moves(
    cursor: CursorWrapper,
    store: Store,
    now: datetime,
    cause: str,
    *,
    old: Iterable[int] = (),
    told: bool = True,
    by: str = "system",
) -> Moved:
    """Write `segments_moves`: memberships, next turns, and (if `told`) events.

    A move by time happened at its moment, also when nobody looked until later. `old` are people of whom
    only old events were told: what they enter, they enter by history.
    """
    by_time = "least(v.known_at, %(now)s)" if cause == "time" else "%(now)s::timestamptz"
    why = "CASE WHEN v.customer_id = ANY(%(old)s::bigint[]) THEN 'history' ELSE %(cause)s END"
    given: dict[str, Any] = {"now": now, "cause": cause, "old": list(old), "store": store.pk, "by": by}
    cursor.execute(
        f"UPDATE segments_membership m SET left_at = greatest({by_time}, m.entered_at) FROM segments_moves v"
        " WHERE v.was AND NOT v.holds AND m.segment_id = v.segment_id AND m.customer_id = v.customer_id"
        " AND m.left_at IS NULL",
        given,
    )
    cursor.execute(
        "INSERT INTO segments_membership (segment_id, customer_id, entered_at, cause)"
        f" SELECT v.segment_id, v.customer_id, {by_time}, {why} FROM segments_moves v"
        " WHERE v.holds AND NOT v.was ORDER BY 1, 2",
        given,
    )
    _keep_turns(cursor)
    if told:
        cursor.execute(
            "INSERT INTO timeline_event (store_id, customer_id, kind, occurred_at, subject, data, by)"
            " SELECT %(store)s, v.customer_id,"
            " CASE WHEN v.holds THEN 'segment.entered' ELSE 'segment.left' END,"
            f" {by_time}, 'segment:' || v.segment_id,"
            f" jsonb_build_object('segment', v.segment_id, 'cause', {why}),"
            " %(by)s FROM segments_moves v WHERE v.holds <> v.was ORDER BY v.segment_id, v.customer_id",
            given,
        )
    return _moved(cursor)


def _keep_turns(cursor: CursorWrapper) -> None:
    cursor.execute(
        "DELETE FROM segments_turn u USING segments_moves v WHERE v.turns_at IS NULL"
        " AND u.segment_id = v.segment_id AND u.customer_id = v.customer_id"
    )
    cursor.execute(
        "INSERT INTO segments_turn (segment_id, customer_id, at)"
        " SELECT segment_id, customer_id, turns_at FROM segments_moves"
        " WHERE turns_at IS NOT NULL AND turns_at IS DISTINCT FROM known_at ORDER BY 1, 2"
        " ON CONFLICT (segment_id, customer_id) DO UPDATE SET at = excluded.at"
    )


def _moved(cursor: CursorWrapper) -> Moved:
    entered: dict[int, set[int]] = defaultdict(set)
    left: dict[int, set[int]] = defaultdict(set)
    cursor.execute("SELECT segment_id, customer_id, holds FROM segments_moves WHERE holds <> was")
    for segment, customer, holds in cursor.fetchall():
        (entered if holds else left)[segment].add(customer)
    return Moved(entered, left)
