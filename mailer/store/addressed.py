"""Says what an audience is to those who write it: whom a mailing is for, and what each of them is owed."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, null, select

from mailer.store.ledger_tables import prepared


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a mailing is for, as SQL about a row of `subscription`; the same whenever it is asked.

    Attributes:
        conditions: all hold for whoever belongs to it, the newsroom's included.
        prepared_id: the number of the prepared message that a reader gets.
        answers: the number of the earlier delivery to whose Message-ID the copy is threaded; NULL for none.
    """

    conditions: tuple[ColumnElement[bool], ...]
    prepared_id: ColumnElement[Any]
    answers: ColumnElement[Any] = field(default_factory=null)


def only_message(mailing_id: int) -> ColumnElement[Any]:
    """The one message of a mailing that has no other, or the one that took its place."""
    return (
        select(prepared.c.id)
        .where(prepared.c.mailing_id == mailing_id, prepared.c.superseded_by.is_(None))
        .scalar_subquery()
    )
