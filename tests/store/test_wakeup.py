"""Wake-ups: heard from any connection at its commit, and after a lost one; never a reason to hang."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from support.offices import make_office
from support.readers import sign_up

from mailer.store import wakeup
from mailer.store.database import Database
from mailer.store.wakeup import Listener

if TYPE_CHECKING:
    from support.postgres import Server

PATIENCE = 10
on_postgresql = pytest.mark.postgresql


class Woken:
    """Counts wake-ups, and waits for them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, count: int = 1) -> None:
        """Wait until so many have come since the last wait, and forget them."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, PATIENCE)
            self._count = 0

    @property
    def count(self) -> int:
        """How many have come since the last wait."""
        return self._count


@contextmanager
def listening(database: Database) -> Iterator[Woken]:
    """A listener that has begun to listen."""
    woken = Woken()
    with Listener(database, woken, pauses=(0.01,)):
        woken.wait()
        yield woken


@contextmanager
def hearing(event: str) -> Iterator[threading.Event]:
    """Set when the listener logs this event."""
    heard = threading.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == event:
                heard.set()

    ear = Ear()
    logging.getLogger(wakeup.__name__).addHandler(ear)
    yield heard
    logging.getLogger(wakeup.__name__).removeHandler(ear)


@pytest.fixture
def other(postgresql_url: str) -> Iterator[Database]:
    """The same database by another door, as another process has it."""
    database = Database(postgresql_url)
    yield database
    database.close()


def listeners(database: Database) -> list[int]:
    """The server's processes that serve a listener on this database."""
    query = text(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'mailer wake-ups'"
    )
    with database.read() as connection:
        return list(connection.scalars(query))


def cut_off(database: Database) -> None:
    """End the listeners' connections from the server's side, as its restart does."""
    with database.write() as connection:
        for process in listeners(database):
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": process})


def notify_and_fail(database: Database) -> None:
    """A transaction that says something and is undone."""
    with database.write() as connection:
        wakeup.notify(connection)
        raise RuntimeError


@on_postgresql
def test_a_commit_elsewhere_wakes_and_what_was_undone_does_not(
    postgresql_database: Database, other: Database
) -> None:
    with listening(postgresql_database) as woken:
        with pytest.raises(RuntimeError):
            notify_and_fail(other)
        with other.write() as connection:
            wakeup.notify(connection)
            wakeup.notify(connection)
            assert woken.count == 0, "not before the commit"
        woken.wait()
        with other.write() as connection:
            wakeup.notify(connection)
        woken.wait()
        assert woken.count == 0


@on_postgresql
def test_many_commits_in_a_row_are_all_heard(
    postgresql_database: Database, other: Database
) -> None:
    with listening(postgresql_database) as woken:
        for _ in range(20):
            with other.write() as connection:
                wakeup.notify(connection)
            woken.wait()


@on_postgresql
def test_a_sign_up_wakes(postgresql_database: Database, other: Database) -> None:
    with listening(postgresql_database) as woken:
        sign_up(make_office(other), "anna@example.org")
        woken.wait()


@on_postgresql
def test_a_lost_connection_is_made_anew_and_wakes_for_what_was_missed(
    postgresql_database: Database, other: Database
) -> None:
    with listening(postgresql_database) as woken:
        before = listeners(other)
        cut_off(other)
        woken.wait()
        assert before != listeners(other)
        with other.write() as connection:
            wakeup.notify(connection)
        woken.wait()


@on_postgresql
def test_a_database_that_is_away_is_tried_until_it_is_back(
    postgresql_database: Database, postgresql_server: "Server"
) -> None:
    name = postgresql_database.engine.url.database
    server = Database(postgresql_server.url_of("postgres"))
    outside = server.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with listening(postgresql_database) as woken, hearing("wake-ups away") as away:
        outside.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        for _ in range(2):  # the loss, then a try that is refused
            away.clear()
            outside.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                ),
                {"name": name},
            )
            assert away.wait(PATIENCE)
        assert woken.count == 0
        outside.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        woken.wait()
    outside.close()
    server.close()


@on_postgresql
def test_a_listener_ends_while_the_database_is_away(postgresql_database: Database) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    with hearing("wake-ups away") as away, Listener(nowhere, Woken(), pauses=(3600,)):
        assert away.wait(PATIENCE)
    assert not running()


@on_postgresql
def test_a_listener_ends_at_once_and_leaves_nothing(
    postgresql_database: Database, other: Database
) -> None:
    with listening(postgresql_database):
        assert len(listeners(other)) == 1
        assert running()
    assert not running()


def running() -> list[str]:
    """The threads of listeners."""
    return [thread.name for thread in threading.enumerate() if thread.name == "wake-ups"]


def test_on_sqlite_nothing_listens_and_nothing_is_said(sqlite_database: Database) -> None:
    woken = Woken()
    with Listener(sqlite_database, woken), sqlite_database.write() as connection:
        assert not running()
        wakeup.notify(connection)
    assert woken.count == 0
