"""A number is given out once, on both databases: links and mails name rows by it for ever."""

import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from support.readers import sign_up

from mailer.core.errors import MailerError
from mailer.services.office import Office
from mailer.store import migrate, rising
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery, metadata
from mailer.store.tables import consent, request, subscriber, subscription

TABLES = (delivery, consent, request, subscription, subscriber)


def test_the_number_of_a_deleted_last_row_is_never_given_out_again(office: Office) -> None:
    def last() -> dict[str, int]:
        with office.database.read() as connection:
            return {
                table.name: int(connection.scalar(select(func.max(table.c.id))) or 0)
                for table in TABLES
            }

    sign_up(office, "anna@example.org")
    before = last()
    with office.database.write() as connection:
        for table in TABLES:
            connection.execute(table.delete())
    sign_up(office, "jens@example.org")
    assert {table.name for table in TABLES} == set(rising.TABLES)
    assert all(number > before[name] for name, number in last().items())


def test_it_is_done_once_and_keeps_rows_indexes_and_references(tmp_path: Path) -> None:
    """A database of before, with people in it: as a batch migration leaves its tables."""
    url = f"sqlite:///{tmp_path}/old.sqlite"
    migrate.upgrade(url)
    database = Database(url, foreign_keys=False)
    with database.write() as connection:
        now = "2026-03-02 08:00:00.000000"
        values = {"typed": "a@b.example", "mailbox": "a@b.example", "lookup": "a@b.example"}
        connection.execute(
            insert(subscriber).values(id=41, hash="h", made_at=text(f"'{now}'"), **values)
        )
        sql = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'subscriber'"))
        assert "AUTOINCREMENT" in str(sql)
        plain, _, _ = str(sql).replace("PRIMARY KEY AUTOINCREMENT ", "").rpartition(")")
        plain = re.sub('CREATE TABLE "?subscriber"?', "CREATE TABLE older", plain)
        connection.exec_driver_sql(f"{plain}, CONSTRAINT pk_subscriber PRIMARY KEY (id))")
        connection.exec_driver_sql("INSERT INTO older SELECT * FROM subscriber")
        connection.exec_driver_sql("DROP TABLE subscriber")
        connection.exec_driver_sql("ALTER TABLE older RENAME TO subscriber")
        connection.exec_driver_sql("CREATE INDEX ix_subscriber_hash ON subscriber (hash)")
    with database.write() as connection:
        rising.keep_rising(connection)
        rising.keep_rising(connection)
        assert connection.scalar(select(subscriber.c.id)) == 41
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    database.close()
    assert migrate.check(url) == []


def test_it_is_not_done_while_references_are_held(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.sqlite")
    with database.write() as connection:
        metadata.create_all(connection)
        with pytest.raises(MailerError, match="foreign keys"):
            rising.keep_rising(connection)
    database.close()


def test_a_table_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "strange.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE request (id TEXT)")
    raw.close()
    database = Database(f"sqlite:///{path}", foreign_keys=False)
    with pytest.raises(MailerError, match="not as our migrations"), database.write() as connection:
        rising.keep_rising(connection)
    database.close()
