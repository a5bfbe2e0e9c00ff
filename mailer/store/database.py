"""Opens the database so that a commit is a commit: one writer at a time on SQLite, waits instead of errors.

SQLite: WAL, foreign keys on, synchronous FULL, a busy timeout, and BEGIN IMMEDIATE for every writing
transaction, so that two writers queue up instead of one of them failing half-way. The writers of one process
queue up before they ask SQLite, whose own way of waiting is to look again ever more seldom: among many
threads it serves a few and starves the rest. PostgreSQL: READ COMMITTED with row locks where two could meet.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mailer.core.errors import Crossed, MailerError, SchemaOutdated, ServiceMissing, TryLater
from mailer.store.glance import HEAD

__all__ = ["Connection", "Database"]

_LOOK_SECONDS = 0.001


class Database:
    """A database at a URL; `read` and `write` lend connections.

    Args:
        url: SQLAlchemy URL, `sqlite:///file` or `postgresql://...`.
        busy_seconds: how long to wait for another writer: of a SQLite file, of a row on PostgreSQL.
        foreign_keys: SQLite holds references; off for migrations alone, which make tables anew.

    Raises:
        MailerError: the URL cannot be read or names a database we do not speak to.
    """

    def __init__(self, url: str, *, busy_seconds: float = 20, foreign_keys: bool = True) -> None:
        self.engine = _engine(url, busy_seconds)
        self._busy_seconds = busy_seconds
        self._writer = threading.Lock()
        if self.is_sqlite and not foreign_keys:
            event.listen(self.engine, "connect", _without_foreign_keys)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that only reads.

        Raises:
            ServiceMissing: the database cannot be reached.
        """
        with _translated(self.engine), self.engine.connect() as connection:
            if self.is_sqlite:
                with _pragma(connection, "query_only", "ON", after="OFF"):
                    yield connection
            else:
                yield connection.execution_options(postgresql_readonly=True)
                connection.commit()  # at a ROLLBACK the driver forgets what statements it had prepared

    @contextmanager
    def write(
        self, *, durable: bool = True, by_key: bool = False, growing: bool = False
    ) -> Iterator[Connection]:
        """A transaction that is committed when the block ends well and undone otherwise.

        Args:
            durable: its commit is on the disk. Else it waits for no disk, and is lost, whole, where the
                machine or the database server breaks down right after it: for what bounds and proves nothing.
            by_key: it reads and changes few rows, each found by a key. PostgreSQL then takes an index,
                whatever it believes of a table's size (of a new database it knows nothing for its first
                minute), also where it checks references; and it plans each statement once.
            growing: the same statements come again and again while their tables grow. PostgreSQL then plans
                them each time for tables as they are; and the checks of references too, 8 microseconds each.

        Raises:
            ServiceMissing: the database cannot be reached.
            TryLater: another writer held the database for longer than we wait.
        """
        turn = self._turn() if self.is_sqlite else nullcontext()
        with turn, _translated(self.engine), self.engine.connect() as connection:
            connection.info["writing"] = True
            try:
                with self._commits(connection, durable=durable), connection.begin():
                    if not self.is_sqlite:
                        _set_locally(connection, durable=durable, by_key=by_key, growing=growing)
                    yield connection
            finally:
                connection.info["writing"] = False

    def _commits(self, connection: Connection, *, durable: bool) -> AbstractContextManager[None]:
        """SQLite is told outside the transaction whether its end waits for the disk."""
        if durable or not self.is_sqlite:
            return nullcontext()
        return _pragma(connection, "synchronous", "NORMAL", after="FULL")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Our turn among the writers of this process."""
        if not self._writer.acquire(timeout=self._busy_seconds):
            place = self.engine.url.render_as_string(hide_password=True)
            raise TryLater(f"The database {place} is busy", "try again in a minute")
        try:
            yield
        finally:
            self._writer.release()

    def require_head(self) -> None:
        """Stop with a clear word if the schema is not this program's.

        Raises:
            SchemaOutdated: no schema, an older or a newer one.
        """
        found = self.revision()
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise newer(found)
        state = "has no tables yet" if found is None else f"is at revision {found}, not {HEAD}"
        raise SchemaOutdated(f"The database {state}", "run `mailer db upgrade`")

    def revision(self) -> str | None:
        """The schema's revision; None for an empty database."""
        with self.read() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return None if found is None else str(found)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def newer(revision: str) -> SchemaOutdated:
    """What to say of a schema that a later program made."""
    return SchemaOutdated(
        f"The database is at revision {revision}, made by a newer mailer; this one knows {HEAD}",
        "use the newer program",
    )


def _engine(url: str, busy_seconds: float) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise MailerError(
            "database.url cannot be read",
            "write it as sqlite:///file or postgresql://user@host/name",
        ) from error
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise MailerError(
            f"database.url names {parsed.get_backend_name()}", "use sqlite or postgresql"
        )
    try:
        # Parameters are hidden: an error that reaches a log must not quote an address.
        engine = create_engine(
            parsed, hide_parameters=True, **_options(parsed.get_backend_name(), busy_seconds)
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise MailerError(
            "The PostgreSQL driver is not installed", "pip install 'pressmailer[postgresql]'"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", partial(_begin_sqlite, busy_seconds))
    else:
        event.listen(engine, "connect", partial(_prepare_postgresql, busy_seconds))
    return engine


def _options(backend: str, busy_seconds: float) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": busy_seconds, "check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -8192",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _without_foreign_keys(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")  # within a transaction it would do nothing


def _prepare_postgresql(busy_seconds: float, connection: Any, _record: object) -> None:
    """Waiting for a lock ends some day: a visitor is then asked to come back, as on SQLite."""
    connection.execute(f"SET lock_timeout = {round(busy_seconds * 1000)}")
    connection.commit()


def _set_locally(connection: Connection, *, durable: bool, by_key: bool, growing: bool) -> None:
    """Give PostgreSQL the terms of this transaction, in one statement."""
    terms = [] if durable else [("synchronous_commit", "off")]
    if by_key:
        terms += [(f"enable_{way}", "off") for way in ("seqscan", "hashjoin", "mergejoin")]
        terms.append(("plan_cache_mode", "force_generic_plan"))
    if growing:
        terms.append(("plan_cache_mode", "force_custom_plan"))
    if terms:
        words = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in terms)
        connection.exec_driver_sql(f"SELECT {words}")


@contextmanager
def _pragma(connection: Connection, name: str, meanwhile: str, *, after: str) -> Iterator[None]:
    """Something that SQLite is told for a while, outside its transactions."""
    say = connection.connection.cursor().execute
    say(f"PRAGMA {name} = {meanwhile}")
    try:
        yield
    finally:
        say(f"PRAGMA {name} = {after}")


def _begin_sqlite(busy_seconds: float, connection: Connection) -> None:
    if not connection.info.get("writing", False):
        connection.exec_driver_sql("BEGIN")
        return
    # A transaction that reads first and writes later would fail at once if another wrote in between.
    ask = connection.connection.cursor().execute
    ask("PRAGMA busy_timeout = 0")
    try:
        _wait_to_begin(ask, time.monotonic() + busy_seconds)
        if not connection.connection.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # which says why it cannot
    finally:
        ask(f"PRAGMA busy_timeout = {round(busy_seconds * 1000)}")


def _wait_to_begin(ask: Callable[[str], object], deadline: float) -> None:
    """Begin as soon as no other process writes: SQLite itself would look ever more seldom, and starve."""
    while time.monotonic() < deadline:
        try:
            ask("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
                return
            time.sleep(_LOOK_SECONDS)
        else:
            return


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        place = engine.url.render_as_string(hide_password=True)
        raise TryLater(f"All connections to {place} are in use", "try again in a minute") from error
    except DBAPIError as error:
        lost = isinstance(error, OperationalError) or error.connection_invalidated
        # The bare kind is SQLite's for a file that is no database, or a damaged one.
        if lost or type(error) is DatabaseError:
            raise _as_ours(error, engine) from error
        raise


def _as_ours(error: DBAPIError, engine: Engine) -> MailerError:
    place = engine.url.render_as_string(hide_password=True)
    reason = str(error.orig).strip().partition("\n")[0]
    if any(word in reason for word in ("locked", "busy", "deadlock", "lock timeout")):
        kind = Crossed if "deadlock" in reason else TryLater
        return kind(f"The database {place} is busy: {reason}", "try again in a minute")
    if "no such table" in reason:
        return SchemaOutdated("The database lacks our tables", "run `mailer db upgrade`")
    return ServiceMissing(
        f"The database {place} cannot be used: {reason}",
        "check database.url and that it is running",
    )
