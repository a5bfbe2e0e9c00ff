"""Sign-up with double opt-in: what a visitor asks for counts only once the mailbox's reader confirms it.

subscribe   request + evidence "asked" + the notice that answers it, in one transaction. The caller
            learns nothing, so that a page cannot tell who is known here.
confirm     one UPDATE of the open request decides; of any number of presses one wins. It activates the
            subscription, keeps evidence "confirmed" and owes the receipt.
leave       ends the subscription from any state and takes back what was still open.

Reading a link changes nothing. A stranger's sign-up never touches an active subscription: it leaves a
request, an entry of evidence and at most one notice.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.address import Address
from mailer.core.consent import (
    Act,
    LinkState,
    Origin,
    Reply,
    RequestState,
    SubscriptionState,
    answer_signup,
    link_state,
)
from mailer.core.delivery import Purpose
from mailer.core.errors import NotFound, TokenExpired
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose, keyed_hash
from mailer.services import notices
from mailer.services.office import Office
from mailer.store import consents, people
from mailer.store.consents import Entry, NewRequest, RequestRow
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow


@dataclass(frozen=True, slots=True)
class RequestView:
    """What a confirm page shows: `state` is "open", "confirmed" or "expired"."""

    newsroom_key: str
    mailbox: str
    language: str
    state: LinkState


@dataclass(frozen=True, slots=True)
class LeaveView:
    """What a leave page shows: `state` is "active", "ended" or "pending"."""

    newsroom_key: str
    mailbox: str
    language: str
    state: SubscriptionState


def subscribe(
    office: Office,
    *,
    newsroom: Newsroom,
    address: Address,
    language: str,
    wording: str,
    origin: Origin,
) -> None:
    """Take a sign-up; the same work and the same silence for known and unknown addresses.

    Args:
        language: of the page; the newsroom's own stands in for one it does not offer.
        wording: the exact sentence that was shown at the form.
    """
    ask(
        office,
        newsroom=newsroom,
        address=address,
        language=language,
        wording=wording,
        origin=origin,
    )


def ask(
    office: Office,
    *,
    newsroom: Newsroom,
    address: Address,
    language: str,
    wording: str,
    origin: Origin,
) -> Reply:
    """As `subscribe`, for an operator, who may know what it is answered with."""
    now = office.clock()
    chosen = choose([language], newsroom.languages)
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        standing = people.find_or_make(
            connection,
            address=address,
            address_hash=keyed_hash(office.keys.suppression, address.lookup),
            newsroom=newsroom.key,
            language=chosen,
            now=now,
        )
        reply = _reply(office, connection, standing)
        shown = consents.keep_wording(connection, wording, now)
        state = RequestState.OPEN if reply is Reply.CONFIRM else RequestState.ANSWERED
        new = NewRequest(standing.id, state, chosen, shown, _expiry(now))
        request_id = consents.add_request(connection, new, now)
        asked = Entry(standing.id, Act.ASKED, address.typed, origin, request_id, shown)
        consents.note(connection, asked, now)
        if reply is not Reply.SILENCE:
            notices.owe(
                office,
                connection,
                purpose=Purpose(reply),
                newsroom=newsroom,
                language=chosen,
                subscription_id=standing.id,
                cause=f"request:{request_id}",
            )
    office.wake()
    return reply


def read_request(office: Office, *, token: str) -> RequestView:
    """What a confirm link is good for; changes nothing.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
        NotFound: its request is no longer kept.
    """
    request_id = _request_named(office, token)
    with office.database.read() as connection:
        request, standing = _asked(connection, request_id)
    return _request_view(office, request, standing)


def confirm(office: Office, *, token: str, origin: Origin) -> RequestView:
    """Do what the request behind a confirm link asks, once; pressed again it says so and does nothing.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
        NotFound: its request is no longer kept, or its newsroom has left the settings.
    """
    request_id = _request_named(office, token)
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        request, standing = _asked(connection, request_id, lock=True)
        if people.is_suppressed(connection, standing.hash):
            consents.take_back_requests(connection, standing.id, now)
        elif consents.confirm_request(connection, request_id, now):
            _grant(office, connection, request, standing, origin)
        request, standing = _asked(connection, request_id)
    office.wake()
    return _request_view(office, request, standing)


def read_leave(office: Office, *, token: str) -> LeaveView:
    """What a leave link would end; changes nothing.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
        NotFound: its subscription is no longer kept.
    """
    number = _subscription_named(office, token)
    with office.database.read() as connection:
        return _leave_view(_standing(connection, number))


def leave(office: Office, *, token: str, origin: Origin) -> LeaveView:
    """End a subscription, whatever its state and however old the link; pressed again it changes nothing.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
        NotFound: its subscription is no longer kept.
    """
    number = _subscription_named(office, token)
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        standing = _standing(connection, number, lock=True)
        consents.take_back_requests(connection, number, now)
        if standing.state is not SubscriptionState.ENDED:
            people.end(connection, number, reason=Act.LEFT, now=now)
            consents.note(connection, Entry(number, Act.LEFT, standing.mailbox, origin), now)
        return _leave_view(_standing(connection, number))


def expire_requests(office: Office) -> int:
    """Let open requests expire whose time has passed; how many there were."""
    now = office.clock()
    with office.database.read() as connection:
        if not consents.any_expired(connection, now):
            return 0
    with office.database.write() as connection:
        return consents.expire_requests(connection, now)


def _reply(office: Office, connection: Connection, standing: SubscriptionRow) -> Reply:
    return answer_signup(
        state=standing.state,
        suppressed=people.is_suppressed(connection, standing.hash),
        last_mailed=consents.last_mailed(connection, standing.id),
        now=office.clock(),
        interval=office.limits.signup_mail_interval,
    )


def _expiry(now: datetime) -> datetime:
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # what anybody may ask for in anybody's name has to lapse
    return now + lifetime


def _grant(
    office: Office,
    connection: Connection,
    request: RequestRow,
    standing: SubscriptionRow,
    origin: Origin,
) -> None:
    now = office.clock()
    confirmed = Entry(
        standing.id, Act.CONFIRMED, standing.mailbox, origin, request.id, request.wording
    )
    consents.note(connection, confirmed, now)
    if standing.state is SubscriptionState.ACTIVE:
        # Another request was confirmed first, and its receipt is sent: this one sets the language.
        people.set_languages(connection, standing.id, [request.language])
        return
    people.activate(connection, standing.id, languages=[request.language], now=now)
    newsroom = office.newsroom(standing.newsroom)
    notices.owe(
        office,
        connection,
        purpose=Purpose.WELCOME,
        newsroom=newsroom,
        language=choose([request.language], newsroom.languages),
        subscription_id=standing.id,
        cause=f"request:{request.id}",
    )


def _request_named(office: Office, token: str) -> int:
    """The number in a confirm token. One past its time still names its request, which says the rest."""
    try:
        return office.keys.tokens.read(LinkPurpose.CONFIRM, token, office.clock()).subject
    except TokenExpired as late:
        return late.subject


def _subscription_named(office: Office, token: str) -> int:
    return office.keys.tokens.read(LinkPurpose.LEAVE, token, office.clock()).subject


def _asked(
    connection: Connection, request_id: int, *, lock: bool = False
) -> tuple[RequestRow, SubscriptionRow]:
    request = consents.read_request(connection, request_id)
    if request is None:
        raise NotFound("What this link confirms is no longer kept", "sign up again")
    standing = _standing(connection, request.subscription_id, lock=lock)
    return request, standing


def _standing(connection: Connection, number: int, *, lock: bool = False) -> SubscriptionRow:
    found = people.read_subscription(connection, number, lock=lock)
    if found is None:
        raise NotFound("The subscription that this link names is no longer kept")
    return found


def _request_view(office: Office, request: RequestRow, standing: SubscriptionRow) -> RequestView:
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
    )


def _leave_view(standing: SubscriptionRow) -> LeaveView:
    return LeaveView(
        newsroom_key=standing.newsroom,
        mailbox=standing.mailbox,
        language=standing.languages[0],
        state=standing.state,
    )
