"""Runs migrations on the connection `mailer.store.migrate` lends, or on MAILER_DATABASE__URL."""

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from mailer.store.columns import Moment
from mailer.store.database import Database
from mailer.store.ledger_tables import metadata
from mailer.store.rising import keep_rising


def _written(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    """Migrations stand alone: what `Moment` means today must not change what an old one makes."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Moment) else False


def run(connection: Connection) -> None:
    """Run them all within the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=_written,
    )
    context.run_migrations()
    keep_rising(connection)


lent: Connection | None = context.config.attributes.get("connection")
if lent is not None:
    run(lent)
else:
    with Database(os.environ["MAILER_DATABASE__URL"], foreign_keys=False).write() as opened:
        run(opened)
