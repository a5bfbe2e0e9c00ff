"""How the relays are: one line for each relay and machine, whoever writes it and however many at once."""

from datetime import UTC, datetime, timedelta

from support.desk import race

from mailer.store import health
from mailer.store.database import Database
from mailer.store.health import RelayHealth

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
FAILING = RelayHealth("one", "here", AT, "it is not there", AT)
WELL = RelayHealth("one", "here", None, None, AT + timedelta(minutes=1))


def note(database: Database, *found: RelayHealth) -> None:
    with database.write() as connection:
        health.note(connection, found)


def read(database: Database) -> list[RelayHealth]:
    with database.read() as connection:
        return health.relays(connection)


def test_nothing_was_found_yet(database: Database) -> None:
    assert read(database) == []
    note(database)
    assert read(database) == []


def test_what_is_written_is_read_and_the_next_word_replaces_it(database: Database) -> None:
    note(database, FAILING)
    assert read(database) == [FAILING]
    note(database, WELL)
    assert read(database) == [WELL]


def test_relays_and_machines_are_told_apart_and_come_in_order(database: Database) -> None:
    elsewhere = RelayHealth("one", "elsewhere", AT, "no route", AT)
    other = RelayHealth("a second", "here", AT, "it refuses us", AT)
    note(database, FAILING, elsewhere, other)
    assert read(database) == [other, elsewhere, FAILING]
    note(database, WELL)
    assert read(database) == [other, elsewhere, WELL]


def test_dispatchers_of_one_machine_may_find_the_same_in_the_same_moment(
    database: Database,
) -> None:
    """`--workers` lose one relay all at once."""
    others = [RelayHealth(name, "here", AT, "gone", AT) for name in ("three", "two")]

    def write() -> None:
        for _ in range(5):
            note(database, FAILING, *others)
            note(database, *others, WELL)

    race(write, write, write)
    assert read(database) == [WELL, *others]
