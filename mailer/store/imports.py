"""Takes a batch of people who consented elsewhere into the database, by a handful of statements.

A batch is sorted by address before anything is written, so that two imports at once queue up
instead of locking each other out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, literal, select, update

from mailer.core.address import Address
from mailer.core.consent import Act, ImportAnswer, SubscriptionState, answer_import
from mailer.store.mailings import insert_ignoring
from mailer.store.tables import consent, subscriber, subscription, suppression

FORM = "import"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One address to import, with its keyed hash and the language to write in."""

    address: Address
    hash: str
    language: str


def import_batch(
    connection: Connection,
    batch: Sequence[Incoming],
    *,
    newsroom: str,
    evidence: str,
    now: datetime,
) -> dict[str, ImportAnswer]:
    """Make active whoever may be, and keep the evidence with each.

    Args:
        batch: no lookup form twice.

    Returns:
        What became of each address, by lookup form.
    """
    suppressed = _suppressed(connection, [one.hash for one in batch])
    answers = {
        one.address.lookup: answer_import(state=None, suppressed=True)
        for one in batch
        if one.hash in suppressed
    }
    open_to = sorted(
        (one for one in batch if one.hash not in suppressed), key=lambda one: one.address.lookup
    )
    if not open_to:
        return answers
    _make_subscribers(connection, open_to, now)
    _make_subscriptions(connection, open_to, newsroom, now)
    taken: list[int] = []
    for number, lookup, state in _standing(connection, open_to, newsroom):
        answers[lookup] = answer_import(state=state, suppressed=False)
        if answers[lookup] is ImportAnswer.IMPORT:
            taken.append(number)
    _grant(connection, taken, evidence, now)
    return answers


def imported_since(
    connection: Connection, lookups: Sequence[str], *, newsroom: str, mark: int, evidence: str
) -> set[str]:
    """Which of these addresses were imported, with this evidence, after consent entry `mark`."""
    rows = connection.execute(
        select(subscriber.c.lookup)
        .join_from(subscriber, subscription)
        .join(consent, consent.c.subscription_id == subscription.c.id)
        .where(
            subscriber.c.lookup.in_(lookups),
            subscription.c.newsroom == newsroom,
            consent.c.id > mark,
            consent.c.act == Act.IMPORTED,
            consent.c.evidence == evidence,
        )
    )
    return {row.lookup for row in rows}


def _suppressed(connection: Connection, hashes: Sequence[str]) -> set[str]:
    rows = connection.execute(select(suppression.c.hash).where(suppression.c.hash.in_(hashes)))
    return {row.hash for row in rows}


def _make_subscribers(connection: Connection, batch: Sequence[Incoming], now: datetime) -> None:
    connection.execute(
        insert_ignoring(connection, subscriber),
        [
            {
                "typed": one.address.typed,
                "mailbox": one.address.mailbox,
                "lookup": one.address.lookup,
                "hash": one.hash,
                "made_at": now,
            }
            for one in batch
        ],
    )


def _make_subscriptions(
    connection: Connection, batch: Sequence[Incoming], newsroom: str, now: datetime
) -> None:
    for language in sorted({one.language for one in batch}):
        lookups = [one.address.lookup for one in batch if one.language == language]
        rows = (
            select(
                subscriber.c.id,
                literal(newsroom),
                literal(SubscriptionState.PENDING.value),
                literal([language], subscription.c.languages.type),
                literal(now, subscription.c.made_at.type),
            )
            .where(subscriber.c.lookup.in_(lookups))
            .order_by(subscriber.c.id)
        )
        columns = ["subscriber_id", "newsroom", "state", "languages", "made_at"]
        connection.execute(insert_ignoring(connection, subscription).from_select(columns, rows))


def _standing(
    connection: Connection, batch: Sequence[Incoming], newsroom: str
) -> list[tuple[int, str, SubscriptionState]]:
    lookups = [one.address.lookup for one in batch]
    rows = connection.execute(
        select(subscription.c.id, subscriber.c.lookup, subscription.c.state)
        .join_from(subscription, subscriber)
        .where(subscription.c.newsroom == newsroom, subscriber.c.lookup.in_(lookups))
        .order_by(subscription.c.id)
        .with_for_update(of=subscription, key_share=True)
    )
    return [(row.id, row.lookup, SubscriptionState(row.state)) for row in rows]


def _grant(connection: Connection, numbers: Sequence[int], evidence: str, now: datetime) -> None:
    if not numbers:
        return
    connection.execute(
        update(subscription)
        .where(subscription.c.id.in_(numbers))
        .values(
            state=SubscriptionState.ACTIVE,
            active_since=now,
            generation=subscription.c.generation + 1,
        )
    )
    entries = (
        select(
            subscription.c.id,
            literal(Act.IMPORTED.value),
            literal(now, consent.c.at.type),
            subscriber.c.typed,
            literal(FORM),
            literal(evidence),
        )
        .join_from(subscription, subscriber)
        .where(subscription.c.id.in_(numbers))
        .order_by(subscription.c.id)
    )
    columns = ["subscription_id", "act", "at", "address", "form", "evidence"]
    connection.execute(insert(consent).from_select(columns, entries))
