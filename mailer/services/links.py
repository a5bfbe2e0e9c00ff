"""Mailed links to a mailbox's choices: who gets one, what it opens, and when it dies.

ask     takes an address that anybody may have typed. Who has or had a subscription of theirs gets a link by
        mail; everybody else gets nothing, and the caller learns nothing.
opened  what a link opens. It is good for 24 hours, and dies when a subscription of the mailbox is confirmed,
        moved or ended; the link through which that was done goes on (`rebind`).

The link to leave that travels with every release opens nothing here: its tokens are of another purpose.
"""

from dataclasses import dataclass
from datetime import timedelta

from mailer.core.address import Address
from mailer.core.consent import Origin, SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.errors import LinkOver, NotFound
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import gate, notices
from mailer.services.gate import Passage
from mailer.services.office import Office
from mailer.store import links, people
from mailer.store.choices import subscriptions_by
from mailer.store.database import Connection
from mailer.store.links import generations_of
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow

_REMEMBERED = timedelta(days=30)
"""How long a link that is over is still known as one, so that its page says so."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox whose reader came by a link that is good.

    Attributes:
        newsroom_key: whose page mailed the link.
        language: of the page on which it was asked for.
        subscriptions: all of them, oldest first.
    """

    link_id: int
    subscriber_id: int
    mailbox: str
    newsroom_key: str
    language: str
    subscriptions: tuple[SubscriptionRow, ...]


def ask(
    office: Office, *, newsroom: Newsroom, address: Address, language: str, origin: Origin
) -> None:
    """Mail a link to whoever has or had a subscription of theirs; the same silence for everybody.

    It counts against the limits of sign-ups, whoever is asked for, and there is at most one within the
    interval of sign-up mails. An address that must not be mailed gets none, nor does
    one that only somebody typed into a form: it never said yes to anything.

    Args:
        newsroom: on whose page it was asked for.
        language: of the page.
    """
    if gate.is_shut(office, address=address, origin=origin):
        return
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        passage = gate.admit(office, connection, address=address, origin=origin)
        if passage is Passage.SHUT:
            return
        links.drop_links(connection, now - max(office.limits.signup_mail_interval, _REMEMBERED))
        known = people.read_subscriber(connection, address.lookup)
        if known is None or people.is_suppressed(connection, known.hash):
            return
        found = subscriptions_by(connection, known.id, lock=True)
        last = links.last_link(connection, known.id)
        bearer = _bearer(connection, found, newsroom.key)
        if bearer is None or (last is not None and now - last < office.limits.signup_mail_interval):
            return
        turn = gate.give_turn(office, connection, address=address, passage=passage)
        if turn is not None:
            cause = _mail(office, connection, bearer, found, newsroom, language)
            gate.keep_turn(office, connection, turn, purpose=Purpose.MANAGE, cause=cause)
    office.wake()


def opened(office: Office, connection: Connection, *, token: str, lock: bool = False) -> Opened:
    """What a link opens.

    Args:
        lock: keep others from changing the mailbox's subscriptions until the transaction ends.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
        LinkOver: its time has passed, or a later change made it void.
        NotFound: it is no longer kept.
    """
    number, late = office.keys.tokens.named(LinkPurpose.MANAGE, token, office.clock())
    link = links.read_link(connection, number, lock=lock)
    if link is None:
        raise NotFound("This link is no longer kept", "have a fresh one mailed")
    found = subscriptions_by(connection, link.subscriber_id, lock=lock)
    if (
        late
        or link.expires_at <= office.clock()
        or generations_of(found) != link.generations
        or (found and people.is_suppressed(connection, found[0].hash))
    ):
        raise LinkOver("This link is over", newsroom_key=link.newsroom)
    return Opened(
        link.id, link.subscriber_id, link.mailbox, link.newsroom, link.language, tuple(found)
    )


def rebind(connection: Connection, link: Opened) -> Opened:
    """Let the link go on through which a subscription was ended; gives how the mailbox stands now."""
    found = subscriptions_by(connection, link.subscriber_id)
    links.bind_link(connection, link.link_id, generations_of(found))
    return Opened(
        link.link_id,
        link.subscriber_id,
        link.mailbox,
        link.newsroom_key,
        link.language,
        tuple(found),
    )


def _bearer(
    connection: Connection, found: list[SubscriptionRow], newsroom_key: str
) -> SubscriptionRow | None:
    """The subscription that a link's mail is owed to: an active one, this newsroom's if it can be."""
    known = [
        row
        for row in found
        if row.state is SubscriptionState.ACTIVE or links.was_granted(connection, row.id)
    ]
    known.sort(
        key=lambda row: (
            row.state is not SubscriptionState.ACTIVE,
            row.newsroom != newsroom_key,
            row.id,
        )
    )
    return known[0] if known else None


def _mail(
    office: Office,
    connection: Connection,
    bearer: SubscriptionRow,
    found: list[SubscriptionRow],
    asked_at: Newsroom,
    language: str,
) -> str:
    """Owe the mail, from a newsroom that the reader knows, in a language it writes in; its cause."""
    now = office.clock()
    newsroom = office.newsrooms.get(bearer.newsroom, asked_at)
    lifetime = LIFETIME[LinkPurpose.MANAGE]
    assert lifetime is not None  # what opens so much has to lapse
    chosen = choose([language, *bearer.languages], newsroom.languages)
    number = links.add_link(
        connection,
        bearer.subscriber_id,
        newsroom=newsroom.key,
        language=chosen,
        generations=generations_of(found),
        now=now,
        expires_at=now + lifetime,
    )
    cause = f"link:{number}"
    notices.owe(
        office,
        connection,
        purpose=Purpose.MANAGE,
        newsroom=newsroom,
        language=chosen,
        subscription_id=bearer.id,
        cause=cause,
    )
    return cause
