"""A database by its bare driver, for measuring and for looking: the same few statements on both kinds."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from databases import plain

Rows = Sequence[tuple[Any, ...]]


class Book:
    """A database by its bare driver; statements are written with `?` for both."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self._connection: Any
        if self.is_sqlite:
            self._connection = sqlite3.connect(url.partition(":///")[2], isolation_level=None)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("PRAGMA cache_size = -16384")
        else:
            import psycopg  # noqa: PLC0415 - who measures SQLite alone need not have it

            self._connection = psycopg.connect(plain(url), autocommit=True)

    def run(self, statement: str, *values: object) -> Any:
        """One statement; its cursor."""
        return self._connection.execute(self._dialect(statement), values)

    def many(self, statement: str, rows: Rows) -> None:
        """One statement for many rows."""
        with_rows = self._connection if self.is_sqlite else self._connection.cursor()
        with_rows.executemany(self._dialect(statement), rows)

    def one(self, statement: str, *values: object) -> Any:
        """The first row of an answer."""
        return self.run(statement, *values).fetchone()

    def script(self, statements: str) -> None:
        """Several statements without values."""
        for statement in filter(str.strip, statements.split(";")):
            self.run(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when it ends."""
        self.run("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        yield
        self.run("COMMIT")

    def now(self) -> object:
        """The time as this database keeps it."""
        now = datetime.now(UTC)
        return now.strftime("%Y-%m-%d %H:%M:%S.%f") if self.is_sqlite else now

    def backend(self) -> int:
        """The process number of whoever serves us at PostgreSQL."""
        return int(self._connection.info.backend_pid)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _dialect(self, statement: str) -> str:
        return statement if self.is_sqlite else statement.replace("?", "%s")


def seconds_of(at: object) -> float:
    """Seconds since 1970 of a time as SQLite keeps it, without its zone, or as PostgreSQL gives it."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
