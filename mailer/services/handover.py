"""Carries out one confirmed change of address: each subscription changes hands, or two become one.

    old mailbox has    new mailbox has      what happens
    active or ended    none                 it changes hands
    active             pending or ended     the two change places; the pending one ends
    active             active               one goes on with what either wanted, the other ends
                                            (what either has had is not sent again)
    ended              any                  it stays
    pending            any                  it stays: its own link still asks the old mailbox

The caller's transaction holds all of them locked.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mailer.core.choice import Choice, joined
from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.errors import TryLater
from mailer.store import (
    awaiting,
    choices,
    consents,
    inheriting,
    merging,
    moves,
    people,
    remaking,
)
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.moves import MoveRow
from mailer.store.people import SubscriptionRow

REASON = "moved"


@dataclass(frozen=True, slots=True)
class Handover:
    """What every step of one change of address needs."""

    connection: Connection
    row: MoveRow
    origin: Origin
    now: datetime


def carry_out(act: Handover, rows: list[SubscriptionRow]) -> None:
    """Move everything that moves.

    Args:
        rows: the subscriptions of both mailboxes, locked.

    Raises:
        TryLater: two would become one, and each is owed a release that the other is not, or something to
            one of them is on its way this moment.
    """
    theirs = {one.newsroom: one for one in rows if one.subscriber_id == act.row.to_id}
    for one in [each for each in rows if each.subscriber_id == act.row.from_id]:
        other = theirs.get(one.newsroom)
        if one.state is SubscriptionState.PENDING:
            continue
        if other is None:
            moves.hand_over(act.connection, one.id, act.row.to_id)
            consents.take_back_requests(act.connection, one.id, act.now)
            if one.state is SubscriptionState.ACTIVE:
                _note_going_on(act, one, one.choice)
        elif one.state is SubscriptionState.ACTIVE:
            _make_one(act, one, other)


def _make_one(act: Handover, one: SubscriptionRow, other: SubscriptionRow) -> None:
    """Let one of two subscriptions to a newsroom go on, at the new mailbox."""
    both = other.state is SubscriptionState.ACTIVE
    pending = other.state is SubscriptionState.PENDING
    if not pending and merging.in_hand(act.connection, [one.id, other.id]):
        raise TryLater("Something is on its way this moment", "try again in a moment")
    for each in (one, other):
        remaking.recall(act.connection, each.id, act.now)
    choice = joined(one.choice, other.choice) if both else one.choice
    every = choice.every_language
    goes_on, over = _in_order(act.connection, one, other, every) if both else (one, other)
    for each in (one, other):
        consents.take_back_requests(act.connection, each.id, act.now)
    merging.drop_held(act.connection, goes_on.id, over.id, act.now, every_language=every)
    owed_later = merging.owed_later(act.connection, goes_on.id)
    awaiting.pass_on(
        act.connection,
        over.id,
        goes_on.id,
        act.now,
        but=owed_later,
        every_language=choice.every_language,
    )
    if over.state is not SubscriptionState.ENDED:
        people.end(act.connection, over.id, reason=REASON, now=act.now)
    if both:
        ended = Entry(over.id, Act.ENDED, over.mailbox, act.origin, evidence=REASON)
        consents.note(act.connection, ended, act.now)
        choices.settle(act.connection, goes_on.id, choice)
        awaiting.reconsider(act.connection, goes_on.id, act.now)
    if goes_on is one:
        moves.swap(act.connection, one.id, other.id)
        if act.row.subscription_id == other.id:
            moves.name_bearer(act.connection, act.row.request_id, one.id)
    moves.merge(act.connection, over.id, goes_on.id)
    _note_going_on(act, goes_on, choice)
    inheriting.inherit(act.connection, goes_on.id, over.id, here=goes_on is one)


def _in_order(
    connection: Connection, one: SubscriptionRow, other: SubscriptionRow, every_language: bool
) -> tuple[SubscriptionRow, SubscriptionRow]:
    """Which of two active subscriptions goes on, and which ends: no release that is due may be lost.

    Where that leaves the choice, the one whose letters may have left: they are repeated with their own
    Message-IDs. Then the elder.
    """
    ask = partial(merging.owed_alone, connection, every_language=every_language)
    owed, owed_to_other = ask(one.id, other.id), ask(other.id, one.id)
    if owed and owed_to_other:
        raise TryLater(
            "Releases are on their way to both addresses, each of them to one alone",
            "try again in a while",
        )
    if owed or owed_to_other:
        return (one, other) if owed else (other, one)
    doubts = merging.in_doubt(connection, one.id), merging.in_doubt(connection, other.id)
    if doubts[0] != doubts[1]:
        return (one, other) if doubts[0] > doubts[1] else (other, one)
    older = (other.active_since or other.made_at) < (one.active_since or one.made_at)
    return (other, one) if older else (one, other)


def _note_going_on(act: Handover, standing: SubscriptionRow, choice: Choice) -> None:
    """The new mailbox's reader said yes, and to what: kept with the subscription that goes on."""
    entry = Entry(
        standing.id,
        Act.CONFIRMED,
        act.row.to_mailbox,
        act.origin,
        act.row.request_id,
        act.row.wording,
        choice=choice,
    )
    consents.note(act.connection, entry, act.now)
