"""Takes a batch of people who consented elsewhere into the database, by a handful of statements.

A batch is sorted by address before anything is written, so that two imports at once queue up
instead of locking each other out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from mailer.core.address import Address
from mailer.core.consent import Act, ImportAnswer, SubscriptionState, answer_import
from mailer.store.columns import insert_ignoring
from mailer.store.erasures import erased_among
from mailer.store.tables import consent, subscriber, subscription, suppression

FORM = "import"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One address to import, with its keyed hash and the language to write in."""

    address: Address
    hash: str
    language: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a batch, by lookup form.

    Attributes:
        repeated: of those that are active already, whom an earlier batch of the same import took.
    """

    answers: dict[str, ImportAnswer]
    repeated: frozenset[str]


def import_batch(
    connection: Connection,
    batch: Sequence[Incoming],
    *,
    newsroom: str,
    evidence: str,
    mark: int,
    now: datetime,
) -> Imported:
    """Make active whoever may be, and keep the evidence with each.

    Args:
        batch: no lookup form twice.
        mark: the last consent entry before the import began.
    """
    hashes = [one.hash for one in batch]
    suppressed, erased = _suppressed(connection, hashes), erased_among(connection, hashes)
    closed_to = suppressed | erased
    answers = {
        one.address.lookup: answer_import(
            state=None, suppressed=one.hash in suppressed, erased=True
        )
        for one in batch
        if one.hash in closed_to
    }
    open_to = sorted(
        (one for one in batch if one.hash not in closed_to), key=lambda one: one.address.lookup
    )
    if not open_to:
        return Imported(answers, frozenset())
    subscribers = _make_subscribers(connection, open_to, now)
    _make_subscriptions(connection, open_to, newsroom, now)
    taken: list[int] = []
    active: dict[int, str] = {}
    for number, lookup, state in _standing(connection, subscribers, newsroom):
        answers[lookup] = answer_import(state=state, suppressed=False)
        if answers[lookup] is ImportAnswer.IMPORT:
            taken.append(number)
        elif answers[lookup] is ImportAnswer.ALREADY:
            active[number] = lookup
    repeated = frozenset(
        active[number] for number in _imported_since(connection, list(active), mark, evidence)
    )
    _grant(connection, taken, evidence, now)
    return Imported(answers, repeated)


def _suppressed(connection: Connection, hashes: Sequence[str]) -> set[str]:
    rows = connection.execute(select(suppression.c.hash).where(suppression.c.hash.in_(hashes)))
    return {row.hash for row in rows}


def _make_subscribers(
    connection: Connection, batch: Sequence[Incoming], now: datetime
) -> dict[int, str]:
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
    lookups = [one.address.lookup for one in batch]
    rows = connection.execute(
        select(subscriber.c.id, subscriber.c.lookup).where(subscriber.c.lookup.in_(lookups))
    )
    return {row.id: row.lookup for row in rows}


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
    connection: Connection, subscribers: dict[int, str], newsroom: str
) -> list[tuple[int, str, SubscriptionState]]:
    # By number, not by a join: SQLite would read the whole newsroom for every batch.
    rows = connection.execute(
        select(subscription.c.id, subscription.c.subscriber_id, subscription.c.state)
        .where(
            subscription.c.subscriber_id.in_(list(subscribers)),
            subscription.c.newsroom == newsroom,
        )
        .order_by(subscription.c.id)
        .with_for_update(key_share=True)
    )
    return [(row.id, subscribers[row.subscriber_id], SubscriptionState(row.state)) for row in rows]


def _imported_since(
    connection: Connection, numbers: Sequence[int], mark: int, evidence: str
) -> set[int]:
    if not numbers:
        return set()
    rows = connection.scalars(
        select(consent.c.subscription_id).where(
            consent.c.subscription_id.in_(numbers),
            consent.c.id > mark,
            consent.c.act == Act.IMPORTED,
            consent.c.evidence == evidence,
        )
    )
    return set(rows)


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
            _languages_alone(connection),
        )
        .join_from(subscription, subscriber)
        .where(subscription.c.id.in_(numbers))
        .order_by(subscription.c.id)
    )
    columns = ["subscription_id", "act", "at", "address", "form", "evidence", "choice"]
    connection.execute(insert(consent).from_select(columns, entries))


def _languages_alone(connection: Connection) -> ColumnElement[Any]:
    """As `core.choice.languages_alone`: of who was imported the language is on record, and no more."""
    name: ColumnElement[str] = literal_column("'languages'")
    if connection.dialect.name == "postgresql":
        return func.json_build_object(name, subscription.c.languages)
    return func.json_object(name, func.json(subscription.c.languages))
