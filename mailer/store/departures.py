"""Reads how subscriptions were left: the consent entry that a way back is bound to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    bindparam,
    cast,
    exists,
    literal,
    select,
)

from mailer.core.consent import ENDS, GRANTS, Act
from mailer.core.delivery import Purpose
from mailer.store.columns import BigKey
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


def last_departure(connection: Connection, subscription_id: int) -> Departure | None:
    """The leaving that a subscription's last decisive entry is evidence of, if it is one."""
    row = connection.execute(_LAST, {"of": subscription_id}).one_or_none()
    return None if row is None or row.act != Act.LEFT else _departure(row)


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


_LAST = (
    _departures()
    .where(
        consent.c.subscription_id == bindparam("of", type_=BigKey),
        consent.c.act.in_([*GRANTS, *ENDS]),
    )
    .order_by(consent.c.id.desc())
    .limit(1)
)


def _departure(row: Row[*tuple[Any, ...]]) -> Departure:
    return Departure(row.id, row.subscription_id, row.at, row.generation, bool(row.way_back))
