"""Tests over SQLite alone, and those among them that are over PostgreSQL too."""

import pytest

from mailer.store.database import Database

BOTH = pytest.mark.parametrize(
    "office",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)
"""A test whose office is over each database in turn."""


def database_of(request: pytest.FixtureRequest) -> Database:
    """For a fixture `office`: the database that its test is over."""
    kind = getattr(request, "param", "sqlite")
    found: Database = request.getfixturevalue(f"{kind}_database")
    return found
