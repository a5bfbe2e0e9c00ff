"""Buckets count exactly, on both databases, however many pour at once; and forget what says nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from support.offices import START
from support.properties import ONE_FIXTURE

from mailer.store import gate, surges
from mailer.store.database import Database
from mailer.store.gate_tables import bucket

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def one(name: str = "a", *, kind: str = "address", count: int = 3) -> gate.Drop:
    return gate.drop(kind, name, count=count, period=HOUR)


def poured(database: Database, *drops: gate.Drop, after: timedelta = timedelta(0)) -> str | None:
    with database.write() as connection:
        return gate.pour(connection, drops, START + after)[0]


def test_a_bucket_takes_its_count_and_lets_one_more_in_as_its_share_runs_out(
    database: Database,
) -> None:
    assert [poured(database, one()) for _ in range(5)] == [None, None, None, "address", "address"]
    assert poured(database, one(), after=HOUR / 3 - SECOND) == "address"
    assert poured(database, one(), after=HOUR / 3) is None
    assert poured(database, one(), after=HOUR / 3) == "address"
    assert [poured(database, one(), after=2 * HOUR) for _ in range(4)] == [None] * 3 + ["address"]


def test_who_is_turned_away_uses_up_nobody_elses_share(database: Database) -> None:
    narrow, wide = one(kind="ipv4", count=1), one(kind="overall", count=3)
    assert poured(database, narrow, wide) is None
    for _ in range(10):
        assert poured(database, narrow, wide) == "ipv4"
    assert poured(database, one("b", kind="ipv4", count=1), wide) is None
    assert poured(database, one("c", kind="ipv4", count=1), wide) is None
    assert poured(database, one("d", kind="ipv4", count=1), wide) == "overall"


def test_a_look_says_what_pouring_would_and_changes_nothing(database: Database) -> None:
    for expected in (None, None, None, "address"):
        with database.read() as connection:
            assert gate.look(connection, [one()], START) == expected
        assert poured(database, one()) == expected


def test_drops_that_leave_one_by_one_have_each_their_turn(database: Database) -> None:
    turns = []
    for minutes in (0, 1, 2, 3, 25):
        now = START + timedelta(minutes=minutes)
        with database.write() as connection:
            full, turn = gate.pour(connection, [one(count=3)], now)
        turns.append((turn - START) // timedelta(minutes=1) if full is None else None)
    assert turns == [0, 20, 40, None, 60]


def test_a_clock_that_was_far_ahead_shuts_nobody_out_for_ever(database: Database) -> None:
    for _ in range(3):
        assert poured(database, one(), after=timedelta(days=365)) is None
    assert poured(database, one()) is None
    assert poured(database, one()) is None


def test_a_clock_that_is_a_little_behind_opens_no_gap(database: Database) -> None:
    for _ in range(3):
        assert poured(database, one()) is None
    assert poured(database, one(), after=timedelta(seconds=-30)) == "address"


@ONE_FIXTURE
@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=30),
    st.integers(1, 5),
    st.text("xyz", max_size=9),
)
def test_no_period_ever_sees_twice_the_count(
    sqlite_database: Database, steps: list[int], count: int, run: str
) -> None:
    name, now = f"{run}{steps}{count}"[:64], START
    taken: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        with sqlite_database.write() as connection:
            gate.empty(connection, "address", [name] if not taken else [])
            if gate.pour(connection, [one(name, count=count)], now)[0] is None:
                taken.append(now)
    for first in taken:
        within = [moment for moment in taken if first <= moment < first + HOUR]
        assert len(within) < 2 * count or count == 1
    if count == 1:
        assert all(later - earlier >= HOUR for earlier, later in pairwise(taken))


@ONE_FIXTURE
@given(
    st.lists(st.lists(st.sampled_from("abc"), unique=True, max_size=3), max_size=8),
    st.integers(1, 4),
)
def test_who_comes_together_is_counted_as_if_each_came_alone(
    database: Database, comers: list[list[str]], count: int
) -> None:
    def drops(prefix: str) -> list[list[gate.Drop]]:
        return [[one(prefix + name, kind=name, count=count) for name in some] for some in comers]

    with database.write() as connection:
        for kind in "abc":
            gate.empty_all(connection, kind)
        in_turn = [gate.pour(connection, some, START) for some in drops("in turn")]
        together = gate.pour_all(connection, drops("together"), START)

    assert together == in_turn


def levels(database: Database) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(select(bucket.c.name, bucket.c.empty_at)).all()
    return {row.name: row.empty_at for row in rows}


def test_what_has_no_room_leaves_every_level_as_it_was(database: Database) -> None:
    wide = one("wide", count=100)
    poured(database, wide, one("narrow", count=1))
    before = levels(database)
    with database.write() as connection:
        assert not gate.pour_with_room(
            connection, [[wide], [wide, one("narrow", count=1)], [one("new", count=4)]], START
        )
    after = levels(database)
    assert after.pop("new") == int(START.timestamp() * 1000), "empty"
    assert after == before


def test_what_is_given_back_counts_nowhere(database: Database) -> None:
    for _ in range(5):
        assert poured(database, one(count=2), one("other", count=1)) is None
        with database.write() as connection:
            gate.give_back(connection, [[one(count=2)], [one("other", count=1)]], START)
    assert [poured(database, one(count=2)) for _ in range(3)] == [None, None, "address"]


def at_once(deeds: list[Callable[[], object]]) -> list[object]:
    start = Barrier(len(deeds))

    def begin(deed: Callable[[], object]) -> object:
        start.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [one.result() for one in [pool.submit(begin, deed) for deed in deeds]]


def test_of_many_at_once_as_many_come_in_as_there_is_room_for(database: Database) -> None:
    def pour_some(number: int) -> Callable[[], object]:
        mine = one(f"visitor{number}", kind="ipv4", count=100)
        drops = [mine, one(kind="overall", count=7)]
        return lambda: [poured(database, *drops[:: 1 if number % 2 else -1]) for _ in range(5)]

    answers = [
        answer for some in at_once([pour_some(n) for n in range(8)]) for answer in _list(some)
    ]
    assert answers.count(None) == 7
    assert answers.count("overall") == 33
    with database.read() as connection:
        levels = connection.scalars(select(bucket.c.empty_at).where(bucket.c.kind == "ipv4")).all()
    start = int(START.timestamp() * 1000)
    assert sum(level - start for level in levels) == 7 * 36_000


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_sweeping_forgets_empty_buckets_alone_even_amid_a_rush(database: Database) -> None:
    for number in range(20):
        poured(database, one(f"old{number}"))
    later = 3 * HOUR

    def sweep() -> object:
        with database.write() as connection:
            return gate.sweep(connection, START + later)

    def rush() -> object:
        return [poured(database, one(f"old{number}"), after=later) for number in range(20)]

    with database.read() as connection:
        assert not gate.any_to_sweep(connection, START)
        assert gate.any_to_sweep(connection, START + later)
    at_once([sweep, rush, sweep, rush])
    with database.write() as connection:
        gate.sweep(connection, START + later)
        assert connection.scalar(select(func.count()).select_from(bucket)) == 20
        gate.sweep(connection, START + later + 2 * HOUR)
        assert connection.scalar(select(func.count()).select_from(bucket)) == 0


def test_an_explosion_is_news_once_goes_on_and_ends(database: Database) -> None:
    calm = timedelta(minutes=10)

    def exploded(minutes: float) -> bool:
        now = START + timedelta(minutes=minutes)
        with database.write() as connection:
            return surges.note(connection, "plain", now, now + calm)

    def going_on(minutes: float) -> bool:
        with database.read() as connection:
            return "plain" in surges.under_way(connection, START + timedelta(minutes=minutes))

    assert [exploded(0), exploded(0.5), exploded(5)] == [True, False, False]
    assert [going_on(14), going_on(16)] == [True, False]
    assert [exploded(20), exploded(21)] == [True, False]
    with database.write() as connection:
        assert surges.end(connection, until=START) == []
        assert surges.end(connection, until=START + HOUR) == ["plain"]
    assert exploded(30)
    with database.write() as connection:
        assert surges.end(connection) == ["plain"]
    assert not going_on(30)
