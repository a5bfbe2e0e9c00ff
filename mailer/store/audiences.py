"""Whom a mailing is for, and which of its messages each of them gets: asked here and nowhere else.

`of.kind` picks the definition; each lives in a module of its own. Portions are written, audiences counted
and proofs made from the same expressions, so that they cannot disagree.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from mailer.store import accredited, gathered, holders, joint, mailings, translating, wanting
from mailer.store.addressed import Audience
from mailer.store.columns import among
from mailer.store.ledger_tables import mailing
from mailer.store.mailings import MailingRow
from mailer.store.tables import subscription

__all__ = ["Audience", "audience", "counted", "to_be_written"]


def audience(connection: Connection, of: MailingRow) -> Audience:
    """Whom a mailing is for.

    Its prepared messages are kept before that.
    """
    match of.kind:
        case "first":
            return wanting.audience(connection, of)
        case "translation":
            return translating.audience(connection, of)
        case "correction" | "withdrawal" | "embargo":
            return holders.audience(connection, of)
        case "early":
            return accredited.audience(connection, of)
        case "digest":
            return gathered.audience(of)
        case _:
            raise AssertionError(f"nobody says whom a mailing of kind “{of.kind}” is for")


def to_be_written(
    connection: Connection, readers: Sequence[int], *which: ColumnElement[bool]
) -> Iterator[tuple[int, MailingRow]]:
    """Those readers whom a mailing is for that has not come to their row yet, with that mailing.

    Args:
        readers: numbers of subscriptions.
        which: conditions about the mailings to ask, of those that go on.
    """
    being_written = select(mailing.c.id).where(
        mailing.c.state.in_(["open", "held"]), mailing.c.fanned_to.is_not(None), *which
    )
    for number in connection.scalars(being_written).all():
        row = mailings.read(connection, number)
        assert row is not None
        theirs = select(subscription.c.id).where(
            among(subscription.c.id, "readers", connection.dialect.name),
            subscription.c.id > row.fanned_to,
            *audience(connection, row).conditions,
        )
        for reader in connection.scalars(theirs, {"readers": list(readers)}):
            yield reader, row


def counted(connection: Connection, of: MailingRow) -> int:
    """How many a mailing that is being opened is for."""
    shared = of.kind in joint.KINDS and joint.not_elsewhere(connection, of)
    if of.kind == "first" and not shared:
        return wanting.counted(connection, of)
    if of.kind == "translation" and not shared:
        return translating.counted(connection, of)
    if of.kind in holders.KINDS:
        return holders.counted(connection, of)
    conditions = audience(connection, of).conditions
    query = select(func.count()).select_from(subscription).where(*conditions)
    return int(connection.scalar(query) or 0)
