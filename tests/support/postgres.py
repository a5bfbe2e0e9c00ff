"""A real PostgreSQL server for one test process, and databases at head that tests borrow in turn.

To make a database takes a quarter of a second, to empty one some milliseconds. So one that comes back is
emptied and lent again, unless its shape is no longer that of head: then it is dropped.
"""

import fcntl
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from mailer.store import migrate

_SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) FROM (
  SELECT format('column %s %s %s %s %s', attrelid::regclass, attname, atttypid, attnotnull, attnum)
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace AND attnum > 0
  UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT setconfig::text FROM pg_db_role_setting
  JOIN pg_database ON pg_database.oid = setdatabase AND datname = current_database()
) AS shape(line)
"""

# What the migrations themselves wrote, to be written anew after each test.
_KEEP = """
DO $$ DECLARE one record; filled boolean; BEGIN
  CREATE SCHEMA seed;
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (TABLE public.%I)', one.tablename) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE seed.%I AS TABLE public.%I', one.tablename, one.tablename);
    END IF;
  END LOOP;
END $$
"""

_EMPTY = """
DO $$ DECLARE one record; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
  LOOP
    IF one.size > 200000 THEN
      EXECUTE 'TRUNCATE ' || one.name || ' CASCADE';
    ELSE
      EXECUTE 'DELETE FROM ' || one.name;
    END IF;
  END LOOP;
  FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'seed' LOOP
    EXECUTE format('INSERT INTO public.%I TABLE seed.%I', one.name, one.name);
  END LOOP;
  PERFORM setval(oid, 1, false) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
END $$
"""


def _answers(line: "psycopg.Connection[Any]") -> bool:
    """Whether nobody has ended it: a test may, with all others of its database."""
    try:
        line.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


class Server:
    """Lends databases at head, and takes them back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count()
        self._free: list[str] = []
        self._kept: dict[str, psycopg.Connection[Any]] = {}
        self._tell("postgres", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        self._tell("postgres", "CREATE DATABASE head")
        migrate.upgrade(self.url_of("head"))
        self._tell("head", _KEEP)
        self._head = self._shape("head")
        self._kept.pop("head").close()  # who copies a database must find nobody in it

    def url_of(self, name: str) -> str:
        """The address of a database, as the settings have it."""
        return self._place(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def lend(self) -> str:
        """The name of a database that nobody has, at head, empty."""
        if self._free:
            return self._free.pop()
        name = f"t{next(self._numbers)}"
        self._tell("postgres", f"CREATE DATABASE {name} TEMPLATE head")
        return name

    def take_back(self, name: str) -> None:
        """End whoever still talks to it, and make it ready for the next."""
        self._tell(
            name,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"  # milliseconds
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()",
        )
        if self._shape(name) == self._head:
            self._tell(name, _EMPTY)
            self._free.append(name)
        else:
            self._kept.pop(name).close()
            self._tell("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Hang up."""
        for connection in self._kept.values():
            connection.close()

    def _shape(self, name: str) -> str | None:
        found = self._line(name).execute(_SHAPE).fetchone()
        return None if found is None else found[0]

    def _tell(self, name: str, *statements: str) -> None:
        for statement in statements:
            self._line(name).execute(statement.encode())

    def _line(self, name: str) -> "psycopg.Connection[Any]":
        """A connection that is kept from test to test: to open one takes longer than all that is said."""
        line = self._kept.get(name)
        if line is None or not _answers(line):
            line = self._kept[name] = psycopg.connect(self._place(name), autocommit=True)
        return line

    def _place(self, name: str) -> str:
        return self._url.replace("/postgres?", f"/{name}?", 1)


@contextmanager
def serving(pgserver: Any) -> Iterator[Server]:
    """A server of its own, from the wheel, as long as the block lasts."""
    # Not in pytest's own folder, which is root's alone where root runs the tests: the server is not root.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        with _one_at_a_time():
            server = pgserver.get_server(folder, cleanup_mode="stop")
        # Power cuts are not tested, and waiting for the disk is most of what databases cost.
        lender = Server(server.get_uri())
        yield lender
        lender.close()
        server.cleanup()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test processes start their servers in turn: where root runs them the first makes an account."""
    with (Path(tempfile.gettempdir()) / "pressmailer-tests.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def until_waited_for(connection: Connection) -> None:
    """Return once somebody waits for a row of this connection's database."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not connection.scalar(waiting):
        time.sleep(0.01)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
