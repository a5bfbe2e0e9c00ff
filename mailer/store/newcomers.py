"""Finds or makes the subscriptions that sign-ups are for: of all who come together by the same statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    literal,
    select,
)

from mailer.core.address import Address
from mailer.core.consent import SubscriptionState
from mailer.store.columns import among
from mailer.store.consents import mailed_last
from mailer.store.people import SubscriptionRow, as_row, every_subscription, locked
from mailer.store.rows import add_all
from mailer.store.tables import lapsed, subscriber, subscription, suppression
from mailer.store.waiting import mails_to


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who signs up.

    Attributes:
        hash: keyed hash of `address.lookup`, by which a suppression finds it.
        language: of a new subscription; an existing one keeps its own.
    """

    address: Address
    hash: str
    newsroom: str
    language: str


class Past(NamedTuple):
    """What a sign-up is answered by, beside how its subscription stands.

    Attributes:
        suppressed: its address must not be mailed.
        lapsed: an earlier sign-up of the address was never confirmed, and forgotten.
        mails: confirmation mails owed to it since its reader last answered (`waiting.mails`).
        last_mailed: when a sign-up was last answered by mail (`consents.mailed_last`).
    """

    suppressed: bool
    lapsed: bool
    mails: int
    last_mailed: datetime | None


def find_or_make(connection: Connection, newcomer: Newcomer, now: datetime) -> SubscriptionRow:
    """The subscription of that mailbox to that newsroom, made pending if it is new, and locked."""
    return find_or_make_all(connection, [newcomer], now)[0]


def find_or_make_all(
    connection: Connection, newcomers: Sequence[Newcomer], now: datetime
) -> list[SubscriptionRow]:
    """The same for each of several, whose mailboxes differ; locked in the order of their numbers."""
    subscribers = _subscribers(connection, newcomers, now)
    found: dict[tuple[str, int], SubscriptionRow] = {}
    for newsroom in sorted({one.newsroom for one in newcomers}):
        here = [one for one in newcomers if one.newsroom == newsroom]
        numbers = sorted(subscribers[one.address.lookup] for one in here)
        language = {subscribers[one.address.lookup]: one.language for one in here}
        pending = [
            {
                "subscriber_id": number,
                "newsroom": newsroom,
                "state": SubscriptionState.PENDING,
                "languages": [language[number]],
                "made_at": now,
            }
            for number in numbers
        ]
        add_all(connection, subscription, pending, ignoring=True)
        wanted = {"of": numbers, "to": newsroom}
        rows = connection.execute(_standing(connection.dialect.name), wanted).all()
        found |= {(row.newsroom, row.subscriber_id): row for row in map(as_row, rows)}
    return [found[one.newsroom, subscribers[one.address.lookup]] for one in newcomers]


def pasts(connection: Connection, subscriptions: Sequence[int], now: datetime) -> dict[int, Past]:
    """What each of these subscriptions is answered by, by its number.

    A statement of its own after they were locked: it sees what whoever held them before has written.
    """
    wanted = {"of": list(subscriptions), "at": now}
    rows = connection.execute(_pasts(connection.dialect.name), wanted).all()
    return {
        row.id: Past(bool(row.suppressed), bool(row.lapsed), int(row.mails), row.last_mailed)
        for row in rows
    }


def _subscribers(
    connection: Connection, newcomers: Sequence[Newcomer], now: datetime
) -> dict[str, int]:
    """The numbers of their mailboxes, by lookup form; made where they are new."""
    people = [
        {
            "typed": one.address.typed,
            "mailbox": one.address.mailbox,
            "lookup": one.address.lookup,
            "hash": one.hash,
            "made_at": now,
        }
        for one in sorted(newcomers, key=lambda one: one.address.lookup)
    ]
    add_all(connection, subscriber, people, ignoring=True)
    lookups = [one.address.lookup for one in newcomers]
    rows = connection.execute(_numbers(connection.dialect.name), {"of": lookups}).all()
    return {row.lookup: row.id for row in rows}


# Made once for each kind of database.
@cache
def _numbers(dialect: str) -> Select[tuple[int, str]]:
    mine = among(subscriber.c.lookup, "of", dialect)
    return select(subscriber.c.id, subscriber.c.lookup).where(mine)


@cache
def _standing(dialect: str) -> Select[tuple[object, ...]]:
    mine = among(subscription.c.subscriber_id, "of", dialect)
    here = subscription.c.newsroom == bindparam("to")
    return locked(every_subscription().where(mine, here).order_by(subscription.c.id))


@cache
def _pasts(dialect: str) -> Select[*tuple[Any, ...]]:
    of: ColumnElement[int] = subscription.c.id
    suppressed = _first(suppression.c.hash == subscriber.c.hash)
    again = _first(lapsed.c.hash == subscriber.c.hash, lapsed.c.until > bindparam("at"))
    return (
        select(
            of,
            suppressed.label("suppressed"),
            again.label("lapsed"),
            mails_to(of).label("mails"),
            mailed_last(of).label("last_mailed"),
        )
        .join_from(subscription, subscriber)
        .where(among(of, "of", dialect))
    )


def _first(*which: ColumnElement[bool]) -> ScalarSelect[int]:
    """1 where there is such a row. Of EXISTS PostgreSQL may make a table of all rows in memory, each time."""
    found = select(literal(1)).where(*which).limit(1)
    return found.correlate(subscriber).scalar_subquery()
