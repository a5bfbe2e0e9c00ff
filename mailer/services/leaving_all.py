"""Leaving everything that comes in one mail: one press ends each subscription whose digest is merged.

A merged digest is one list to its reader, whatever we keep it as: who leaves it leaves all of it. The link
names the subscription whose delivery the mail was, and is for that mailbox alone; a mail of one newsroom
bears a link that ends no more than that newsroom's.
"""

from dataclasses import dataclass

from mailer.core.choice import DIGESTS
from mailer.core.consent import Origin, SubscriptionState
from mailer.core.token import LinkPurpose
from mailer.services import leaving
from mailer.services.leaving import Ending
from mailer.services.office import Office
from mailer.store import choices
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow


@dataclass(frozen=True, slots=True)
class LeaveAllView:
    """What a page shows that ends all that comes in one mail.

    Attributes:
        newsrooms: keys of those that a press would end, or has ended.
    """

    newsroom_key: str
    mailbox: str
    language: str
    newsrooms: tuple[str, ...]


def read(office: Office, *, token: str) -> LeaveAllView | None:
    """What a link would end; None where nothing is kept that it could. Changes nothing.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
    """
    number = _named(office, token)
    with office.database.read() as connection:
        named = leaving.going_on(connection, number)
        return None if named is None else _view(named, _ending(connection, named))


def leave(office: Office, *, token: str, origin: Origin) -> LeaveAllView | None:
    """End all of it; pressed again it changes nothing.

    Returns:
        What this press ended; None where nothing is kept that could be ended.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
    """
    number = _named(office, token)
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        named = leaving.going_on(connection, number)
        if named is None:
            return None
        ending = _ending(connection, named, lock=True)
        owed = leaving.end_for_readers(office, connection, [Ending(one, origin) for one in ending])
    if owed:
        office.wake()
    return _view(named, ending)


def _named(office: Office, token: str) -> int:
    return office.keys.tokens.read(LinkPurpose.LEAVE_ALL, token, office.clock()).subject


def _ending(
    connection: Connection, named: SubscriptionRow, *, lock: bool = False
) -> list[SubscriptionRow]:
    """The one that is named, and those that are merged with it."""
    return [
        one
        for one in choices.subscriptions_by(connection, named.subscriber_id, lock=lock)
        if one.state is SubscriptionState.ACTIVE
        and (one.id == named.id or (one.choice.merged and one.choice.frequency in DIGESTS))
    ]


def _view(named: SubscriptionRow, ending: list[SubscriptionRow]) -> LeaveAllView:
    return LeaveAllView(
        newsroom_key=named.newsroom,
        mailbox=named.mailbox,
        language=named.languages[0],
        newsrooms=tuple(one.newsroom for one in ending),
    )
