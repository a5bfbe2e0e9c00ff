"""Confirming: what was asked for counts once the mailbox's reader says so, by a link or by its code.

read       what a link is good for, and what it would do. Changes nothing.
confirm    one UPDATE of the open request decides; of any number of presses one wins. It activates the
           subscription, keeps evidence "confirmed" and owes the receipt.
settle     the same for who has a request in hand already: the page that takes codes.

A request confirms what it asked itself, whatever anybody asked for later or elsewhere.
"""

from dataclasses import dataclass, replace

from mailer.core.choice import EVERYTHING, Choice, Interests, from_plain, languages_alone
from mailer.core.consent import (
    Act,
    LinkState,
    Origin,
    SubscriptionState,
    link_state,
)
from mailer.core.delivery import Purpose
from mailer.core.errors import NotFound
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services import catching_up, gate, notices
from mailer.services.office import Office
from mailer.services.shown import keep_privacy
from mailer.store import consents, erasures, lapsing, people
from mailer.store.consents import Entry, RequestRow
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow

SIGNUP = "signup"


class NoLongerKept(NotFound):
    """What a genuine link names was forgotten: nobody confirmed it in time."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """What a confirm page shows.

    Attributes:
        state: "open", "confirmed" or "expired".
        interests: what is asked for, where that is not everything.
    """

    newsroom_key: str
    mailbox: str
    language: str
    state: LinkState
    interests: Interests = EVERYTHING


def request_named(office: Office, token: str) -> int:
    """The number in a confirm token. One past its time still names its request, which says the rest.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
    """
    number, _ = office.keys.tokens.named(LinkPurpose.CONFIRM, token, office.clock())
    return number


def read_request(office: Office, *, token: str) -> RequestView:
    """What a confirm link is good for; changes nothing.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
        NoLongerKept: its request is not.
    """
    request_id = request_named(office, token)
    with office.database.read() as connection:
        request, standing = asked(connection, request_id)
    return _view(office, request, standing)


def confirm(office: Office, *, token: str, origin: Origin) -> RequestView:
    """Do what the request behind a confirm link asks, once; pressed again it says so and does nothing.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
        NoLongerKept: its request is not.
        NotFound: its newsroom has left the settings.
    """
    request_id = request_named(office, token)
    with office.database.write(by_key=True) as connection:
        take_turn(connection, alone=False)
        view = settle(office, connection, request_id, origin)
    office.wake()
    return view


def settle(office: Office, connection: Connection, request_id: int, origin: Origin) -> RequestView:
    """Confirm a request within the caller's transaction, which has taken its turn; how it stands then.

    Raises:
        NoLongerKept: it is not.
        NotFound: its newsroom has left the settings.
    """
    now = office.clock()
    request, standing = asked(connection, request_id, lock=True)
    if people.is_suppressed(connection, standing.hash):
        consents.take_back_requests(connection, standing.id, now)
    elif consents.confirm_request(connection, request_id, now):
        _grant(office, connection, request, standing, origin)
    request, standing = asked(connection, request_id)
    return _view(office, request, standing)


def asked(
    connection: Connection, request_id: int, *, lock: bool = False
) -> tuple[RequestRow, SubscriptionRow]:
    """A sign-up's request and its subscription.

    Raises:
        NoLongerKept: one of them is not, or the request asks for something else.
    """
    request = consents.read_request(connection, request_id)
    if request is not None and request.kind == SIGNUP:
        standing = people.read_subscription(connection, request.subscription_id, lock=lock)
        if standing is not None:
            return request, standing
    raise NoLongerKept("What this link confirms is no longer kept", "sign up again")


def asked_for(newsroom: Newsroom, request: RequestRow) -> Interests:
    """What a sign-up asks to hear about, as far as its newsroom still offers it."""
    asked = from_plain({**languages_alone(request.language), **request.asked})  # emptied by erasing
    often = request.asked.get("frequency")
    return newsroom.offered(Interests(asked.topics, asked.kinds, asked.places, often))


def _grant(
    office: Office,
    connection: Connection,
    request: RequestRow,
    standing: SubscriptionRow,
    origin: Origin,
) -> None:
    now = office.clock()
    newsroom = office.newsroom(standing.newsroom)
    is_first = standing.state is not SubscriptionState.ACTIVE
    chosen = _chosen(newsroom, request)
    if not is_first:  # the receipt of the request that was confirmed first is sent
        chosen = replace(standing.choice, languages=chosen.languages)
    confirmed = Entry(
        standing.id,
        Act.CONFIRMED,
        standing.mailbox,
        origin,
        request.id,
        request.wording,
        choice=chosen,
        privacy=keep_privacy(connection, newsroom, request.language, now),
    )
    consents.note(connection, confirmed, now)
    erasures.lift(connection, standing.hash)
    lapsing.lift(connection, standing.hash)
    gate.forgive(office, connection, standing.mailbox)
    if not is_first:
        people.set_languages(connection, standing.id, chosen.languages)
        return
    people.activate(connection, standing.id, choice=chosen, now=now)
    catching_up.begin(connection, newsroom, standing.id, chosen, now=now)
    notices.owe(
        office,
        connection,
        purpose=Purpose.WELCOME,
        newsroom=newsroom,
        language=choose([request.language], newsroom.languages),
        subscription_id=standing.id,
        cause=f"request:{request.id}",
    )


def _chosen(newsroom: Newsroom, request: RequestRow) -> Choice:
    """The choice that a first confirmation makes: what the request asks, and what is so without a word."""
    unsaid = Choice((request.language,), frequency=newsroom.frequencies[0])
    return asked_for(newsroom, request).over(unsaid)


def _view(office: Office, request: RequestRow, standing: SubscriptionRow) -> RequestView:
    return RequestView(
        newsroom_key=standing.newsroom,
        mailbox=standing.mailbox,
        language=request.language,
        state=link_state(
            request=request.state,
            subscription=standing.state,
            expires_at=request.expires_at,
            now=office.clock(),
        ),
        interests=_shown(office, request, standing),
    )


def _shown(office: Office, request: RequestRow, standing: SubscriptionRow) -> Interests:
    newsroom = office.newsrooms.get(standing.newsroom)
    if newsroom is None or standing.state is SubscriptionState.ACTIVE:
        return EVERYTHING
    return asked_for(newsroom, request)
