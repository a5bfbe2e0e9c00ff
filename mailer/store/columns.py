"""What every table is built from: names for constraints, keys, references and times."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    any_,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.sql.dml import Insert
from sqlalchemy.util import memoized_property

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives fresh numbers only to INTEGER keys; PostgreSQL wants the wide type said.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; a naive one is refused, for it could be anybody's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = zoned(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def zoned(value: datetime) -> datetime:
    """The same time in UTC.

    Raises:
        ValueError: it has no zone.
    """
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {value!r}")
    return value.astimezone(UTC)


def key() -> Column[int]:
    """A number given by the database."""
    return Column("id", BigKey, primary_key=True, autoincrement=True)


def ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    """A reference to another table's number."""
    return Column(name, BigKey, ForeignKey(f"{target}.id"), nullable=nullable)


def lasting(name: str, target: str) -> ForeignKeyConstraint:
    """That a column refers to another table's rows, none of which is ever deleted.

    PostgreSQL takes 2.5 microseconds to check one, of every row that is written, and locks what it refers to;
    also of a row that is changed twice in one transaction. It is spared that: whoever writes such a row has
    read, in the same transaction, what it refers to.
    """
    made = ForeignKeyConstraint([name], [f"{target}.id"], info={"only": "sqlite"})
    return made.ddl_if(dialect="sqlite")


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """An aware UTC time."""
    return Column(name, Moment(), nullable=nullable)


def one_of(name: str, *words: str) -> CheckConstraint:
    """The words a state column may hold.

    Not by IN: for that SQLite makes a table of the words for every row it writes, 6 microseconds each.
    """
    return CheckConstraint(" OR ".join(f"{name} = '{word}'" for word in words), name=name)


class PartialIndex(Index):
    """An index over the rows that `where` names alone, the same on both databases.

    Said as `Index` wants it, the condition would load PostgreSQL's part of SQLAlchemy as the tables are made:
    45 ms, which only who makes a schema needs.
    """

    def __init__(self, name: str, *columns: str, where: str, unique: bool = False) -> None:
        super().__init__(name, *columns, unique=unique)
        self._where = where

    @memoized_property
    def dialect_options(self) -> Any:
        """What a dialect is told of it, once it asks."""
        found = super().dialect_options
        for dialect in ("sqlite", "postgresql"):
            found[dialect]["where"] = text(self._where)
        return found


def insert_ignoring(connection: Connection, table: Table) -> Insert:
    """An INSERT that does nothing where the row is already there, in the database's own dialect."""
    made: Insert = dialect_insert(connection.dialect.name)(table).on_conflict_do_nothing()
    return made


def among(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column has one of the values of the list that is bound to `name`, however many they are.

    One list is one value to the database, so that the statement is the same for every number of them.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as `dialect_insert`

        return column == any_(bindparam(name, type_=postgresql.ARRAY(column.type)))
    each = func.json_each(bindparam(name, type_=JSON)).table_valued("value")
    return column.in_(select(each.c.value))


def dialect_insert(dialect: str) -> Any:
    """How a database's own dialect makes an INSERT.

    PostgreSQL's takes 45 ms to import: who has SQLite does not wait for it.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as above

        return postgresql.insert
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - as above

    return sqlite.insert
