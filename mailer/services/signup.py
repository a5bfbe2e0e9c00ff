"""Signing up: what anybody may ask for in anybody's name, so that nothing but a mail may come of it.

subscribe   counts the sign-up against its limits (`services.gate`); then request + evidence "asked" + the
            notice that answers it, in one transaction. The caller gets the page that takes the code, and
            learns nothing else, so that no page can tell who is known here.
renew       the same for who stands on the page of a link that has expired: one fresh mail for each.

Two mails to confirm is all that a pending subscription gets, reminder included, until its reader answers
or it is forgotten (`services.waiting`). Its reader answers by confirming, by leaving, or by asking for a
fresh mail where a link has expired, for only who has the mail can stand there. So a stranger who keeps on
asking causes two mails, and a person who lost both can have another within seven days. Whose address was
forgotten once gets one instead of two, as long as its keyed hash is kept.

A stranger's sign-up never touches an active subscription: it leaves a request, an entry of evidence and
at most one notice.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.address import Address, parse_address
from mailer.core.choice import EVERYTHING, Interests
from mailer.core.consent import (
    MOST_CONFIRMATION_MAILS,
    NOT_ME,
    Act,
    LinkState,
    Origin,
    Reply,
    RequestState,
    SubscriptionState,
    answer_signup,
)
from mailer.core.delivery import Purpose
from mailer.core.errors import NotAllowed
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose, keyed_hash
from mailer.services import codes, confirmation, gate, notices
from mailer.services.gate import Passage, Turn
from mailer.services.office import Office
from mailer.services.shown import keep_privacy
from mailer.services.waiting import terms
from mailer.store import consents, people, waiting
from mailer.store.consents import Entry, NewRequest, RequestRow
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form asks for.

    Attributes:
        language: of the page; the newsroom's own stands in for one it does not offer.
        wording: the exact sentence that was shown at the form.
        attempt: the number of the page that answers it.
        renews: the expired request on whose page it was asked.
        interests: what the reader wants to hear about.
    """

    newsroom: Newsroom
    address: Address
    language: str
    wording: str
    origin: Origin
    attempt: int
    renews: RequestRow | None = None
    interests: Interests = EVERYTHING


@dataclass(frozen=True, slots=True)
class _Kept:
    request_id: int
    subscription_id: int
    language: str


def subscribe(
    office: Office,
    *,
    newsroom: Newsroom,
    address: Address,
    language: str,
    wording: str,
    origin: Origin,
    interests: Interests = EVERYTHING,
) -> str:
    """Take a sign-up; the same work and the same silence for known and unknown addresses.

    Args:
        language: of the page; the newsroom's own stands in for one it does not offer.
        wording: the exact sentence that was shown at the form.
        interests: what the reader wants to hear about, of what the newsroom offers.

    Returns:
        The token of the page that takes the code; alike for every address and every answer.
    """
    attempt = codes.new_attempt()
    wish = Wish(
        newsroom,
        address,
        language,
        wording,
        origin,
        attempt,
        interests=newsroom.offered(interests),
    )
    if not gate.is_shut(office, address=address, origin=origin):
        _take(office, wish)
    return codes.page_token(office, attempt)


def turned_away(office: Office) -> str:
    """The token of a page that nothing stands behind, for a sign-up of which nothing is taken."""
    return codes.page_token(office, codes.new_attempt())


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
    wish = Wish(newsroom, address, language, wording, origin, codes.new_attempt())
    return _take(office, wish)


def renew(office: Office, *, token: str, origin: Origin) -> tuple[str, str]:
    """Ask anew for what a link asked that has expired; once for each such link.

    Returns:
        The newsroom's key, and the token of the page that takes the code.

    Raises:
        TokenRefused: not a confirm link of ours, or damaged.
        NotFound: its request is no longer kept, or its newsroom has left the settings.
        NotAllowed: the link works, or was used.
    """
    request_id = confirmation.request_named(office, token)
    if confirmation.read_request(office, token=token).state is not LinkState.EXPIRED:
        raise NotAllowed("The link has not expired", "open it and press its button")
    with office.database.read() as connection:
        request, standing = confirmation.asked(connection, request_id)
    wish = Wish(
        newsroom=office.newsroom(standing.newsroom),
        address=parse_address(standing.mailbox, smtputf8=True),
        language=request.language,
        wording="",
        origin=origin,
        attempt=codes.new_attempt(),
        renews=request,
        interests=confirmation.asked_for(office.newsroom(standing.newsroom), request),
    )
    if not gate.is_shut(office, address=wish.address, origin=origin):
        _take(office, wish)
    return wish.newsroom.key, codes.page_token(office, wish.attempt)


def _take(office: Office, wish: Wish) -> Reply:
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        passage = gate.admit(office, connection, address=wish.address, origin=wish.origin)
        if passage is Passage.SHUT:
            return Reply.SILENCE
        standing = people.find_or_make(
            connection,
            address=wish.address,
            address_hash=keyed_hash(office.keys.suppression, wish.address.lookup),
            newsroom=wish.newsroom.key,
            language=choose([wish.language], wish.newsroom.languages),
            now=office.clock(),
        )
        reply = _reply(office, connection, wish, standing)
        turn = None
        if reply is not Reply.SILENCE:
            turn = gate.give_turn(office, connection, address=wish.address, passage=passage)
            reply = reply if turn is not None else Reply.SILENCE
        request = _keep(office, connection, wish, standing, reply)
        if turn is not None:
            _owe(office, connection, wish, request, Purpose(reply), turn)
    office.wake()
    return reply


def _reply(office: Office, connection: Connection, wish: Wish, standing: SubscriptionRow) -> Reply:
    lapsed = waiting.has_lapsed(connection, standing.hash, office.clock())
    mails = waiting.mails(connection, standing.id) + lapsed
    if wish.renews is not None:
        renewed = waiting.is_renewed(connection, wish.renews.id)
        mails = MOST_CONFIRMATION_MAILS if renewed else 0
    declined = standing.state is SubscriptionState.ENDED and standing.end_reason == NOT_ME
    return answer_signup(
        state=standing.state,
        suppressed=declined or people.is_suppressed(connection, standing.hash),
        last_mailed=consents.last_mailed(connection, standing.id),
        mails=mails,
        now=office.clock(),
        interval=office.limits.signup_mail_interval,
    )


def _keep(
    office: Office, connection: Connection, wish: Wish, standing: SubscriptionRow, reply: Reply
) -> _Kept:
    """Keep the request and the evidence of it."""
    now = office.clock()
    language = choose([wish.language], wish.newsroom.languages)
    shown = wish.renews.wording if wish.renews else None
    mailed = reply is Reply.CONFIRM
    tended = mailed or standing.state is SubscriptionState.PENDING
    new = NewRequest(
        standing.id,
        RequestState.OPEN if mailed else RequestState.ANSWERED,
        language,
        shown or consents.keep_wording(connection, wish.wording, now),
        _expiry(now),
        attempt=wish.attempt,
        renews=wish.renews.id if wish.renews and mailed else None,
        tend_at=terms(office).first_look(now, mailed=mailed) if tended else None,
        interests=wish.interests,
    )
    request_id = consents.add_request(connection, new, now)
    entry = Entry(
        standing.id,
        Act.ASKED,
        wish.address.typed,
        wish.origin,
        request_id,
        new.wording,
        privacy=keep_privacy(connection, wish.newsroom, language, now),
    )
    consents.note(connection, entry, now)
    return _Kept(request_id, standing.id, language)


def _owe(
    office: Office, connection: Connection, wish: Wish, kept: _Kept, purpose: Purpose, turn: Turn
) -> None:
    cause = f"request:{kept.request_id}"
    notices.owe(
        office,
        connection,
        purpose=purpose,
        newsroom=wish.newsroom,
        language=kept.language,
        subscription_id=kept.subscription_id,
        cause=cause,
    )
    gate.keep_turn(office, connection, turn, purpose=purpose, cause=cause)


def _expiry(now: datetime) -> datetime:
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # what anybody may ask for in anybody's name has to lapse
    return now + lifetime
