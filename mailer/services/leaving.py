"""Leaving: one press of a link ends a subscription, whatever its state and however old the link.

leave   ends the subscription from any state and takes back what was still open. Who was active is owed
        one last mail, with a way back (`services.rejoining`), where the newsroom wants it.

Reading a link changes nothing. A link of ours whose subscription is no longer kept is granted too: the
reader gets no more mail, and that is all they asked for.
"""

from dataclasses import dataclass

from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.language import choose
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import notices
from mailer.services.office import Office
from mailer.store import consents, departures, moves, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow


@dataclass(frozen=True, slots=True)
class LeaveView:
    """What a leave page shows.

    Attributes:
        state: "active", "ended" or "pending".
        way_back: a mail with a button to come back was owed, and the button still works.
    """

    newsroom_key: str
    mailbox: str
    language: str
    state: SubscriptionState
    way_back: bool = False


def read_leave(office: Office, *, token: str) -> LeaveView | None:
    """What a leave link would end; None where nothing is kept that it could. Changes nothing.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
    """
    number = _subscription_named(office, token)
    with office.database.read() as connection:
        standing = _meant(connection, number)
        return None if standing is None else _view(office, connection, standing)


def leave(office: Office, *, token: str, origin: Origin) -> LeaveView | None:
    """End a subscription, whatever its state and however old the link; pressed again it changes nothing.

    Returns:
        How it stands now; None where nothing is kept that could be ended.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
    """
    number = _subscription_named(office, token)
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        standing = _meant(connection, number, lock=True)
        if standing is None:
            return None
        owed = end_for_reader(office, connection, standing, origin)
        ended = people.read_subscription(connection, standing.id)
        assert ended is not None  # its row is locked by us
        view = _view(office, connection, ended)
    if owed:
        office.wake()
    return view


def end_for_reader(
    office: Office, connection: Connection, standing: SubscriptionRow, origin: Origin
) -> bool:
    """End a subscription as its reader wishes, in the caller's transaction, which has taken its turn.

    Args:
        standing: read with its lock.

    Returns:
        Whether a last mail was owed: the office is to be woken once that is committed.
    """
    now = office.clock()
    consents.take_back_requests(connection, standing.id, now)
    if standing.state is SubscriptionState.ENDED:
        return False
    people.end(connection, standing.id, reason=Act.LEFT, now=now)
    ended = people.read_subscription(connection, standing.id)
    assert ended is not None  # its row is locked by us
    entry = Entry(standing.id, Act.LEFT, standing.mailbox, origin, generation=ended.generation)
    number = consents.note(connection, entry, now)
    newsroom = office.newsrooms.get(standing.newsroom)
    if newsroom is None or not newsroom.farewell or standing.state is not SubscriptionState.ACTIVE:
        return False
    notices.owe(
        office,
        connection,
        purpose=Purpose.LEFT,
        newsroom=newsroom,
        language=choose(standing.languages, newsroom.languages),
        subscription_id=standing.id,
        cause=departures.cause_of(number),
    )
    return True


def _subscription_named(office: Office, token: str) -> int:
    return office.keys.tokens.read(LinkPurpose.LEAVE, token, office.clock()).subject


def _meant(connection: Connection, number: int, *, lock: bool = False) -> SubscriptionRow | None:
    """The subscription that a link ends: the one it names, or what goes on in its place."""
    standing = people.read_subscription(connection, number, lock=lock)
    if standing is None or standing.state is not SubscriptionState.ENDED:
        return standing
    follower = moves.successor(connection, number)
    if follower is None:
        return standing
    return people.read_subscription(connection, follower, lock=lock) or standing


def _view(office: Office, connection: Connection, standing: SubscriptionRow) -> LeaveView:
    return LeaveView(
        newsroom_key=standing.newsroom,
        mailbox=standing.mailbox,
        language=standing.languages[0],
        state=standing.state,
        way_back=_way_back(office, connection, standing),
    )


def _way_back(office: Office, connection: Connection, standing: SubscriptionRow) -> bool:
    if standing.state is not SubscriptionState.ENDED:
        return False
    departure = departures.last_departure(connection, standing.id)
    lifetime = LIFETIME[LinkPurpose.REJOIN]
    assert lifetime is not None  # a way back that never closes would be a leaving that never ends
    return (
        departure is not None and departure.way_back and office.clock() - departure.at <= lifetime
    )
