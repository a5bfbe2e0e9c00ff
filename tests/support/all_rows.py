"""Everything that a database holds, to compare or to take out."""

from sqlalchemy import select

from mailer.store.database import Database
from mailer.store.ledger_tables import metadata


def everything(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with database.read() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


def take_out(database: Database) -> None:
    """Take every row out; numbers go on."""
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
