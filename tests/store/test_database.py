"""Databases that are busy, missing, foreign or of another time: each is told apart, and nothing is lost."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import InternalError, StatementError
from support.desk import race
from support.offices import START

from mailer.core.errors import MailerError, SchemaOutdated, ServiceMissing, TryLater
from mailer.store.database import Connection, Database
from mailer.store.glance import HEAD
from mailer.store.tables import subscriber, suppression

AT = "2026-03-02 08:00:00.000000"


def suppress(connection: Connection, name: str) -> None:
    connection.execute(
        text("INSERT INTO suppression (hash, reason, made_at) VALUES (:name, 'test', :at)"),
        {"name": name, "at": AT},
    )


def suppressed(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(suppression.c.hash).order_by(suppression.c.hash)))


def test_a_block_that_ends_well_is_kept(database: Database) -> None:
    with database.write() as connection:
        suppress(connection, "a")
    assert suppressed(database) == ["a"]


def test_a_block_that_fails_is_undone(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            suppress(connection, "a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert suppressed(database) == []


def test_who_reads_cannot_write(database: Database) -> None:
    """And whoever has the connection next can."""
    refused = pytest.raises((InternalError, ServiceMissing), match=r"read-?only")
    with refused, database.read() as connection:
        suppress(connection, "a")
    assert suppressed(database) == []
    with database.write() as connection:
        suppress(connection, "b")
    assert suppressed(database) == ["b"]


def test_postgresql_reads_a_statement_once_whatever_is_read_between(
    postgresql_database: Database,
) -> None:
    """And, where it is told that tables grow, plans it anew each time."""
    asked = select(suppression.c.hash).where(suppression.c.reason == "test")
    for _ in range(8):
        with postgresql_database.write(growing=True) as connection:
            connection.scalars(asked).all()
        assert suppressed(postgresql_database) == []
    kept = text(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        " WHERE statement LIKE '%FROM suppression%reason%'"
    )
    with postgresql_database.read() as connection:
        ((generic, custom),) = connection.execute(kept).all()
    assert (generic, custom > 0) == (0, True)


def test_writers_queue_up_and_none_fails(database: Database) -> None:
    """Each reads first and writes then: the transaction that plain SQLite lets fail half-way."""
    chosen = suppression.c.hash == "a"

    def count_up() -> None:
        for _ in range(5):
            with database.write() as connection:
                found = connection.scalar(
                    select(suppression.c.reason).where(chosen).with_for_update()
                )
                counted = str(int(found or 0) + 1)
                connection.execute(update(suppression).where(chosen).values(reason=counted))

    with database.write() as connection:
        suppress(connection, "a")
        connection.execute(update(suppression).values(reason="0"))
    race(*[count_up] * 4)
    with database.read() as connection:
        assert connection.scalar(select(suppression.c.reason)) == "20"


def test_a_busy_sqlite_says_try_later_and_readers_go_on(sqlite_url: str) -> None:
    held, hasty = Database(sqlite_url), Database(sqlite_url, busy_seconds=0.05)
    try:
        with held.write() as connection:
            suppress(connection, "a")
            with pytest.raises(TryLater, match="busy") as busy, hasty.write():
                pass
            assert busy.value.exit_code == 75
            assert suppressed(hasty) == []
        with hasty.write() as connection:
            suppress(connection, "b")
        assert suppressed(hasty) == ["a", "b"]
    finally:
        held.close()
        hasty.close()


def test_a_commit_is_on_the_disk(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_what_need_not_be_on_the_disk_is_kept_and_the_next_commit_is(
    database: Database, fails: bool
) -> None:
    asks, kept, hurried = (
        ("PRAGMA synchronous", 2, 1)
        if database.is_sqlite
        else ("SHOW synchronous_commit", "on", "off")
    )

    def count() -> None:
        with database.write(durable=False) as connection:
            assert connection.scalar(text(asks)) == hurried
            suppress(connection, "a")
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError) if fails else nullcontext():
        count()
    with database.write() as connection:  # on the same connection: there is no other
        assert connection.scalar(text(asks)) == kept
    assert suppressed(database) == ([] if fails else ["a"])


def test_a_missing_postgresql_is_a_missing_service() -> None:
    database = Database("postgresql://nobody:hidden-word@127.0.0.1:1/none")
    with pytest.raises(ServiceMissing, match=r"127\.0\.0\.1") as missing, database.read():
        pass
    assert missing.value.exit_code == 69
    assert "hidden-word" not in str(missing.value)


def test_a_missing_folder_is_a_missing_service(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/nowhere/mailer.sqlite")
    with pytest.raises(ServiceMissing, match="nowhere"), database.read():
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is no database. " * 100)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(ServiceMissing, match=r"letter\.txt.*not a database"), database.read():
        pass


@pytest.mark.parametrize("url", ["", "mysql://host/name", "not a url"])
def test_a_url_we_do_not_speak_is_refused(url: str) -> None:
    with pytest.raises(MailerError, match=r"database\.url"):
        Database(url)


def test_the_schema_at_head_is_welcome(database: Database) -> None:
    database.require_head()
    assert database.revision() == HEAD


@pytest.mark.parametrize(
    ("revision", "words"), [("0000", "mailer db upgrade"), ("9999", "newer program")]
)
def test_another_schema_stops_with_its_cure(database: Database, revision: str, words: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": revision})
    with pytest.raises(SchemaOutdated, match=words):
        database.require_head()


def test_an_empty_database_stops_with_its_cure(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.sqlite")
    with pytest.raises(SchemaOutdated, match="no tables yet"):
        database.require_head()
    with pytest.raises(SchemaOutdated, match="db upgrade"), database.read() as connection:
        connection.execute(select(subscriber.c.id))
    database.close()


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = START.replace(tzinfo=None)
    statement = insert(suppression).values(hash="a", reason="x", made_at=naive)
    with pytest.raises(StatementError, match="zone"), database.write() as connection:
        connection.execute(statement)


def test_the_file_a_database_opens_is_the_one_its_url_names(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    database = Database(f"sqlite:///{tmp_path}/a%20b/mailer.sqlite")
    assert database.revision() is None
    database.close()
    assert (tmp_path / "a b" / "mailer.sqlite").exists()
