"""Reads how subscriptions were left: the consent entry that a way back is bound to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    cast,
    exists,
    func,
    literal,
    select,
)

from mailer.core.consent import ENDS, GRANTS, Act
from mailer.core.delivery import Purpose
from mailer.store.columns import among
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent

_CAUSE = "consent:"


@dataclass(frozen=True, slots=True)
class Departure:
    """One leaving by the reader's own hand.

    Attributes:
        id: of its consent entry.
        generation: of the subscription from then on; None for one of before this was kept.
        way_back: a mail with a button to come back was owed for it.
    """

    id: int
    subscription_id: int
    at: datetime
    generation: int | None
    way_back: bool


def read_departure(connection: Connection, entry_id: int) -> Departure | None:
    """The leaving that this consent entry is evidence of, if it is one."""
    row = connection.execute(_departures().where(consent.c.id == entry_id)).one_or_none()
    return None if row is None or row.act != Act.LEFT else _departure(row)


def last_departures(connection: Connection, subscriptions: Collection[int]) -> dict[int, Departure]:
    """By subscription: the leaving that its last decisive entry is evidence of, where that is one."""
    wanted = {"of": sorted(subscriptions)}
    rows = connection.execute(_last(connection.dialect.name), wanted)
    return {row.subscription_id: _departure(row) for row in rows if row.act == Act.LEFT}


def cause_of(entry_id: int) -> str:
    """The cause that a notice about this leaving bears."""
    return f"{_CAUSE}{entry_id}"


def _departures() -> Select[*tuple[Any, ...]]:
    owed = exists().where(
        delivery.c.mailing_id.is_(None),
        delivery.c.purpose == Purpose.LEFT,
        delivery.c.cause == literal(_CAUSE) + cast(consent.c.id, String),
    )
    return select(
        consent.c.id,
        consent.c.subscription_id,
        consent.c.at,
        consent.c.generation,
        consent.c.act,
        owed.label("way_back"),
    )


@cache
def _last(dialect: str) -> Select[*tuple[Any, ...]]:
    decisive = consent.alias("decisive")
    last = (
        select(func.max(decisive.c.id))
        .where(
            among(decisive.c.subscription_id, "of", dialect),
            decisive.c.act.in_([*GRANTS, *ENDS]),
        )
        .group_by(decisive.c.subscription_id)
    )
    return _departures().where(consent.c.id.in_(last))


def _departure(row: Row[*tuple[Any, ...]]) -> Departure:
    return Departure(row.id, row.subscription_id, row.at, row.generation, bool(row.way_back))
