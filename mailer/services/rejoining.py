"""Coming back: the button in the last mail undoes a leaving, once, for seven days.

The link names the consent entry of the leaving, and is bound to the subscription as it stood then: a
later confirmation, change of address or ending, by whomever, closes it. Reading it changes nothing.
The row's lock decides between presses at the same moment: one of them activates.
"""

from dataclasses import dataclass
from typing import Literal

from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.errors import NotFound
from mailer.core.language import choose
from mailer.core.token import LinkPurpose
from mailer.services import notices
from mailer.services.office import Office
from mailer.services.shown import keep_privacy
from mailer.store import consents, departures, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.departures import Departure
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow
from mailer.texts.wording import subscribe_wording

RejoinState = Literal["open", "active", "expired"]


@dataclass(frozen=True, slots=True)
class RejoinView:
    """What a page to come back shows.

    Attributes:
        state: "active" where its reader is subscribed, by this link or otherwise.
    """

    newsroom_key: str
    mailbox: str
    language: str
    state: RejoinState


@dataclass(frozen=True, slots=True)
class _Left:
    departure: Departure
    standing: SubscriptionRow
    late: bool


def read_rejoin(office: Office, *, token: str) -> RejoinView:
    """What a link to come back is good for; changes nothing.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
        NotFound: what it names is no longer kept, or its newsroom has left the settings.
    """
    entry_id, late = office.keys.tokens.named(LinkPurpose.REJOIN, token, office.clock())
    with office.database.read() as connection:
        return _view(office, connection, _left(connection, entry_id, late=late))


def rejoin(office: Office, *, token: str, language: str, origin: Origin) -> RejoinView:
    """Make a subscription active again as it was; pressed again it says so and does nothing.

    Args:
        language: of the page, whose sentence of consent is kept as evidence.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
        NotFound: what it names is no longer kept, or its newsroom has left the settings.
    """
    entry_id, late = office.keys.tokens.named(LinkPurpose.REJOIN, token, office.clock())
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        left = _left(connection, entry_id, late=late, lock=True)
        opened = _view(office, connection, left).state == "open"
        if opened:
            _grant(office, connection, left.standing, language=language, origin=origin)
        view = _view(office, connection, _left(connection, entry_id, late=late))
    if opened:
        office.wake()
    return view


def _left(connection: Connection, entry_id: int, *, late: bool, lock: bool = False) -> _Left:
    departure = departures.read_departure(connection, entry_id)
    if departure is not None:
        standing = people.read_subscription(connection, departure.subscription_id, lock=lock)
        if standing is not None:
            return _Left(departure, standing, late)
    raise NotFound("The subscription that this link names is no longer kept", "sign up again")


def _view(office: Office, connection: Connection, left: _Left) -> RejoinView:
    office.newsroom(left.standing.newsroom)
    return RejoinView(
        newsroom_key=left.standing.newsroom,
        mailbox=left.standing.mailbox,
        language=left.standing.languages[0],
        state=_state(connection, left),
    )


def _state(connection: Connection, left: _Left) -> RejoinState:
    standing = left.standing
    if standing.state is SubscriptionState.ACTIVE:
        return "active"
    bound = left.departure.way_back and left.departure.generation == standing.generation
    if left.late or not bound or people.is_suppressed(connection, standing.hash):
        return "expired"
    return "open"


def _grant(
    office: Office,
    connection: Connection,
    standing: SubscriptionRow,
    *,
    language: str,
    origin: Origin,
) -> None:
    now = office.clock()
    newsroom = office.newsroom(standing.newsroom)
    confirmed = Entry(
        standing.id,
        Act.CONFIRMED,
        standing.mailbox,
        origin,
        wording=consents.keep_wording(connection, subscribe_wording(newsroom, language), now),
        choice=standing.choice,
        privacy=keep_privacy(connection, newsroom, language, now),
    )
    number = consents.note(connection, confirmed, now)
    people.activate(connection, standing.id, choice=standing.choice, now=now)
    notices.owe(
        office,
        connection,
        purpose=Purpose.WELCOME,
        newsroom=newsroom,
        language=choose(standing.languages, newsroom.languages),
        subscription_id=standing.id,
        cause=f"consent:{number}",
    )
