"""Brings a database to this program's schema, and tells where the two differ."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from mailer import resources
from mailer.store.database import Connection, Database, newer
from mailer.store.glance import HEAD
from mailer.store.ledger_tables import metadata


def upgrade(url: str) -> tuple[str | None, str]:
    """Run every migration that is missing, all in one transaction each.

    Returns:
        The revision before (None for an empty database) and after.

    Raises:
        ServiceMissing: the database cannot be reached.
        SchemaOutdated: it was made by a newer program.
    """
    database = Database(url, foreign_keys=False)  # tables are made anew on SQLite
    try:
        before = database.revision()
        if before is not None and before > HEAD:
            raise newer(before)
        with database.write() as connection:
            config = _config(resources.migrations())
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before, HEAD
    finally:
        database.close()


def check(url: str) -> list[str]:
    """What differs between the database and this program's tables; empty when nothing does."""
    database = Database(url)
    try:
        found = database.revision()
        if found is None:
            return ["the database has no tables yet: run `mailer db upgrade`"]
        if found != HEAD:
            return [f"the schema is at revision {found}, not {HEAD}: run `mailer db upgrade`"]
        with database.read() as connection:
            return [_said(difference) for difference in differences(connection)]
    finally:
        database.close()


def differences(connection: Connection, *, types: bool = False) -> list[Any]:
    """What the database's tables and this program's differ in, as alembic says it.

    Args:
        types: those of columns too.
    """

    def kept_here(constraint: Any, *_: object) -> bool:
        return bool(constraint.info.get("only", connection.dialect.name) == connection.dialect.name)

    context = MigrationContext.configure(
        connection, opts={"compare_type": types, "include_object": kept_here}
    )
    return list(compare_metadata(context, metadata))


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _said(difference: object) -> str:
    return (
        " ".join(str(part) for part in difference if part is not None)
        if isinstance(difference, tuple)
        else str(difference)
    )
