"""Makes SQLite never give out a number twice, as PostgreSQL never does, even when the last row was deleted.

Links, Message-IDs and return paths name rows by number, some for ever, and an audience is frozen at the
number of a consent entry. Left to itself SQLite gives the number of a deleted last row to the next one:
an old link would then open what somebody else asked for. AUTOINCREMENT keeps numbers rising, and can
only be had by making a table anew; migrations that make one anew lose it again. So this runs after them,
and does nothing where all is well.
"""

import re

from sqlalchemy import Connection, text

from mailer.core.errors import MailerError

TABLES = ("subscriber", "subscription", "request", "consent", "delivery")
"""Those whose numbers are in links and mails, and whose rows are deleted some day."""

_KEY = re.compile(r"\bid INTEGER NOT NULL")
_CONSTRAINT = re.compile(r",\s*(?:CONSTRAINT \w+ )?PRIMARY KEY \(id\)")
_NAME = re.compile(r'CREATE TABLE ("?)(\w+)\1')


def keep_rising(connection: Connection) -> None:
    """Make every table of `TABLES` one whose numbers rise for ever; foreign keys must be off.

    Raises:
        MailerError: foreign keys are on, or a table is not as our migrations make it.
    """
    if connection.dialect.name != "sqlite":
        return
    waiting = [
        (name, made)
        for name in TABLES
        if (made := _definition(connection, name)) and "AUTOINCREMENT" not in made
    ]
    if waiting and connection.scalar(text("PRAGMA foreign_keys")):
        raise MailerError(
            "Tables cannot be made anew while foreign keys are on", "run `mailer db upgrade`"
        )
    for name, made in waiting:
        _make_anew(connection, name, made)


def _definition(connection: Connection, name: str) -> str | None:
    query = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    found = connection.scalar(query, {"name": name})
    return None if found is None else str(found)


def _make_anew(connection: Connection, name: str, made: str) -> None:
    """SQLite's own way to change what ALTER TABLE cannot (sqlite.org/lang_altertable.html, section 7)."""
    fresh = f"rising_{name}"
    changed, keys = _KEY.subn("id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", made, count=1)
    changed, constraints = _CONSTRAINT.subn("", changed)
    changed, names = _NAME.subn(f"CREATE TABLE {fresh}", changed, count=1)
    if (keys, constraints, names) != (1, 1, 1):
        raise MailerError(
            f"The table {name} is not as our migrations make it", "compare it by `mailer db check`"
        )
    indexes = connection.scalars(
        text(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name AND sql > ''"
        ),
        {"name": name},
    ).all()
    # Names are those of TABLES, and nothing that anybody typed is among the words.
    for statement in (
        changed,
        f"INSERT INTO {fresh} SELECT * FROM {name}",  # noqa: S608 - as said above
        f"DROP TABLE {name}",
        f"ALTER TABLE {fresh} RENAME TO {name}",
        *indexes,
    ):
        connection.exec_driver_sql(statement)
