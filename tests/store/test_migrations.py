"""Migrations make exactly the tables that the program speaks of, on both databases, from any start."""

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from support.desk import import_readers, progress_of, publish_one
from support.workers import cut_finely, record, take

from mailer import resources
from mailer.core.errors import SchemaOutdated, ServiceMissing
from mailer.services.office import Office
from mailer.store import migrate
from mailer.store.database import Connection, Database
from mailer.store.glance import HEAD
from mailer.store.ledger_tables import metadata


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def test_migrations_equal_tables(database: Database) -> None:
    with database.read() as connection:
        assert migrate.differences(connection, types=True) == []


def test_partial_indexes_and_checks_are_those_of_the_tables(database: Database) -> None:
    """What the comparison above does not look at: the facts that make steps idempotent."""
    with database.read() as connection:
        found = inspect(connection)
        for table in metadata.sorted_tables:
            checks = {each["name"] for each in found.get_check_constraints(table.name)}
            wanted = {
                each.name for each in table.constraints if each.__visit_name__ == "check_constraint"
            }
            assert wanted <= checks, table.name
            for index in table.indexes:
                (made,) = [
                    each for each in found.get_indexes(table.name) if each["name"] == index.name
                ]
                assert bool(made["unique"]) is index.unique, index.name
                partial = index.dialect_options[connection.dialect.name]["where"] is not None
                where = made.get("dialect_options", {}).get(f"{connection.dialect.name}_where")
                assert (where is not None) is partial, index.name


def test_the_head_a_glance_knows_is_the_head_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", str(resources.migrations()))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), (
        "an older revision must sort before a newer"
    )


def test_upgrade_from_empty_and_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite"
    assert migrate.check(url) == ["the database has no tables yet: run `mailer db upgrade`"]
    assert migrate.upgrade(url) == (None, HEAD)
    assert migrate.upgrade(url) == (HEAD, HEAD)
    assert migrate.check(url) == []


def test_upgrade_again_and_check(database: Database) -> None:
    assert migrate.upgrade(url_of(database)) == (HEAD, HEAD)
    assert migrate.check(url_of(database)) == []


def test_a_check_names_what_differs(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("DROP INDEX ix_delivery_waiting"))
        connection.execute(text("ALTER TABLE suppression ADD COLUMN stray INTEGER"))
    found = " ".join(migrate.check(url_of(database)))
    assert "ix_delivery_waiting" in found
    assert "stray" in found


def test_a_newer_database_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdated, match="newer"):
        migrate.upgrade(url_of(database))
    assert database.revision() == "9999"
    (said,) = migrate.check(url_of(database))
    assert "9999" in said


def test_a_database_that_is_not_there() -> None:
    with pytest.raises(ServiceMissing):
        migrate.upgrade("postgresql://nobody@127.0.0.1:1/none")


TWICE = (
    "INSERT INTO delivery (mailing_id, subscription_id, prepared_id, purpose, made_at)"
    " SELECT mailing_id, subscription_id, prepared_id, purpose, made_at FROM delivery"
)


@pytest.mark.parametrize(
    "statement",
    [
        TWICE,
        "UPDATE delivery SET state = 'delivered'",
        "UPDATE mailing SET state = 'lost'",
    ],
)
def test_the_database_itself_refuses_what_may_not_be(office: Office, statement: str) -> None:
    import_readers(office, 2)
    publish_one(office)
    with pytest.raises(IntegrityError), office.database.write() as connection:
        connection.execute(text(statement))


def without_counters_of_chunks(connection: Connection, revision: str) -> None:
    """Take back what the revision after 0020 made, and call the database one of that earlier revision."""
    connection.execute(text("ALTER TABLE mailing RENAME COLUMN settled_otherwise TO settled"))
    connection.execute(text("ALTER TABLE chunk DROP COLUMN accepted"))
    if connection.dialect.name == "postgresql":
        for table, name in (
            ("chunk", "mailing"),
            ("delivery", "mailing"),
            ("delivery", "prepared"),
        ):
            key = f"CONSTRAINT fk_{table}_{name}_id_{name} FOREIGN KEY ({name}_id)"
            connection.execute(text(f"ALTER TABLE {table} ADD {key} REFERENCES {name} (id)"))
    connection.execute(text("UPDATE alembic_version SET version_num = :old"), {"old": revision})


def test_a_mailing_under_way_keeps_its_count_as_chunks_begin_to_count(office: Office) -> None:
    import_readers(office, 6)
    publish_one(office)
    cut_finely(office, 1, size=3)
    record(office, take(office, 2))
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET settled_otherwise = 2"))
        without_counters_of_chunks(connection, "0020")
    migrate.upgrade(url_of(office.database))
    assert migrate.check(url_of(office.database)) == []
    assert progress_of(office, 1) == ("open", 2, 6)
    record(office, take(office, 4))
    assert progress_of(office, 1) == ("finished", 6, 6)


AS_BEFORE = """
CREATE TABLE digest_due (subscription_id BIGINT NOT NULL, release_id BIGINT NOT NULL, mailing_id BIGINT,
  origin VARCHAR(8) NOT NULL, state VARCHAR(16) NOT NULL, since TIMESTAMP NOT NULL, due_at TIMESTAMP,
  settled_at TIMESTAMP, delivery_id BIGINT, edition_id BIGINT, carrier_id BIGINT,
  CONSTRAINT pk_digest_due PRIMARY KEY (subscription_id, release_id))
"""


def test_what_digests_showed_before_they_knew_languages_bears_its_own(office: Office) -> None:
    """One reader's digest showed the release in Danish; for the other it waits, in no language yet."""
    import_readers(office, 2)
    publish_one(office)
    with office.database.write() as connection:
        connection.execute(text("DROP TABLE digest_due"))
        connection.execute(text(AS_BEFORE))
        connection.execute(
            text(
                "INSERT INTO digest_due (subscription_id, release_id, origin, state, since, edition_id)"
                " VALUES (1, 1, 'release', 'taken', '2026-03-01', 1),"
                " (2, 1, 'release', 'waiting', '2026-03-02', NULL)"
            )
        )
        without_counters_of_chunks(connection, "0016")
    migrate.upgrade(url_of(office.database))
    query = text("SELECT subscription_id, language, state FROM digest_due ORDER BY subscription_id")
    with office.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    assert rows == [(1, "da", "taken"), (2, "", "waiting")]
