"""Adds rows by a statement whose words are the same for every number of them: all rows are one value.

A list of VALUES is another statement each time: put together here, taken apart by the driver, planned by
the server. For a hundred rows that takes longer than to write them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Table

from mailer.store.columns import zoned


def add_all(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    giving: tuple[str, ...] = ("id",),
    ignoring: bool = False,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Add rows in their order.

    Args:
        rows: all of the same columns. What is no plain value is an aware time; what a column of JSON
            takes is a list or a dictionary.
        giving: columns to be told of each row that was added.
        ignoring: one that is there already stays as it is.

    Raises:
        ValueError: a time without a zone.
    """
    if not rows:
        return []
    dialect = connection.dialect.name
    words = _adding(table, tuple(rows[0]), giving, dialect, ignoring=ignoring)
    moment = sqlite_moment if dialect == "sqlite" else _iso_moment
    return connection.exec_driver_sql(words, (json.dumps(rows, default=moment),)).all()


def sqlite_moment(value: datetime) -> str:
    """A time as `columns.Moment` has it on SQLite.

    Raises:
        ValueError: it has no zone.
    """
    return zoned(value).strftime("%Y-%m-%d %H:%M:%S.%f")


def _iso_moment(value: datetime) -> str:
    return zoned(value).isoformat()


@cache
def _adding(
    table: Table, columns: tuple[str, ...], giving: tuple[str, ...], dialect: str, *, ignoring: bool
) -> str:
    if dialect == "sqlite":
        values = ", ".join(f"json_extract(value, '$.{column}')" for column in columns)
        source = "json_each(?)"
    else:
        values = ", ".join(columns)
        source = f"json_populate_recordset(NULL::{table.name}, %s::json)"
    clash = " ON CONFLICT DO NOTHING" if ignoring else ""
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM {source}"  # noqa: S608 - our own names
        f" WHERE true{clash} RETURNING {', '.join(giving)}"
    )
