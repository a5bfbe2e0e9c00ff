"""Signing up: what anybody may ask for in anybody's name, so that nothing but a mail may come of it.

take        counts sign-ups against their limits (`services.gate`); then request + evidence "asked" + the
            notice that answers it, in one transaction for all that come together (`services.wishes`).
subscribe   the same for one. The caller gets the page that takes the code, and learns nothing else, so
            that no page can tell who is known here.
renew       the same for who stands on the page of a link that has expired: one fresh mail for each.

Two mails to confirm is all that a pending subscription gets, reminder included, until its reader answers
or it is forgotten (`services.waiting`). Its reader answers by confirming, by leaving, or by asking for a
fresh mail where a link has expired, for only who has the mail can stand there. So a stranger who keeps on
asking causes two mails, and a person who lost both can have another within seven days. Whose address was
forgotten once gets one instead of two, as long as its keyed hash is kept.

A stranger's sign-up never touches an active subscription: it leaves a request, an entry of evidence and
at most one notice.
"""

from collections.abc import Sequence

from mailer.core.address import Address, parse_address
from mailer.core.choice import EVERYTHING, Interests
from mailer.core.consent import LinkState, Origin, Reply
from mailer.core.errors import NotAllowed
from mailer.core.newsroom import Newsroom
from mailer.services import codes, confirmation, gate, wishes
from mailer.services.office import Office
from mailer.services.together import alone
from mailer.services.wishes import Wish


def wish(
    *,
    newsroom: Newsroom,
    address: Address,
    language: str,
    wording: str,
    origin: Origin,
    interests: Interests = EVERYTHING,
) -> Wish:
    """A sign-up as a form asks for it, to be taken by `take`.

    Args:
        language: of the page; the newsroom's own stands in for one it does not offer.
        wording: the exact sentence that was shown at the form.
        interests: what the reader wants to hear about, of what the newsroom offers.
    """
    wanted = newsroom.offered(interests)
    return Wish(newsroom, address, language, wording, origin, codes.new_attempt(), interests=wanted)


def take(office: Office, wanted: Sequence[Wish]) -> list[Reply | Exception]:
    """Take sign-ups that come together; the same work and the same silence for known and unknown addresses.

    Those over a limit are told by a look without a lock, so that a flood costs little.

    Returns:
        What each is answered with by mail, which no page may tell; or why it could not be taken.

    Raises:
        TryLater, ServiceMissing: none of them was taken, for the database is busy or gone.
    """
    shut = gate.are_shut(office, [one.comer for one in wanted])
    let_in = [one for one, over in zip(wanted, shut, strict=True) if not over]
    taken = iter(wishes.take(office, let_in) if let_in else [])
    return [Reply.SILENCE if over else next(taken) for over in shut]


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
    """Take a sign-up by itself, as `wish` has it.

    Returns:
        The token of the page that takes the code; alike for every address and every answer.
    """
    return _taken(
        office,
        wish(
            newsroom=newsroom,
            address=address,
            language=language,
            wording=wording,
            origin=origin,
            interests=interests,
        ),
    )


def page_of(office: Office, wanted: Wish) -> str:
    """The token of the page that answers a sign-up and takes its code."""
    return codes.page_token(office, wanted.attempt)


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
    wanted = Wish(newsroom, address, language, wording, origin, codes.new_attempt())
    return alone(wishes.take(office, [wanted]))


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
    wanted = Wish(
        newsroom=office.newsroom(standing.newsroom),
        address=parse_address(standing.mailbox, smtputf8=True),
        language=request.language,
        wording="",
        origin=origin,
        attempt=codes.new_attempt(),
        renews=request,
        interests=confirmation.asked_for(office.newsroom(standing.newsroom), request),
    )
    return wanted.newsroom.key, _taken(office, wanted)


def _taken(office: Office, wanted: Wish) -> str:
    alone(take(office, [wanted]))
    return page_of(office, wanted)
