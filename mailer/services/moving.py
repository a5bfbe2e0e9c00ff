"""A change of address: asked for by a mailed link, done by the new mailbox's reader, told to the old one.

ask       a request of kind "move" and two notices: the new mailbox gets a link to confirm, the old one is
          told. Nothing else changes; a later wish replaces an earlier one.
confirm   one UPDATE of the open request decides. Then, in the same transaction, every subscription of the
          old mailbox changes hands, active or ended: its number, history and links to leave stay, links to
          choices die. The old mailbox is told.

Where the new mailbox subscribes to the same newsroom already, one of the two subscriptions goes on with
whatever either of them wanted, and the other ends. The one that goes on is the one to which a release is
still due that the other is not owed; else the older. Were each owed something alone, neither could end
without a loss: the press is then asked to come back in a while; so it is while a dispatcher holds a letter
to one of them.

What becomes of mail that is under way: what nobody has in hand yet goes to the new mailbox, once. What a
dispatcher holds goes to the old one; if that has to be tried again, then to the new one under the same
Message-ID. Of two that become one, what either has had is not sent to the other any more
(`store.merging`); digests that nobody has in hand wait again, for the one that goes on. That one stands for
the copies of both: what is corrected of them its reader hears of, once (`store.inheriting`).
"""

from dataclasses import dataclass
from datetime import timedelta

from mailer.core.address import Address
from mailer.core.consent import NOT_ME, Act, LinkState, Origin, RequestState, SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.errors import AddressRefused, NotAllowed
from mailer.core.language import choose
from mailer.core.token import LIFETIME, LinkPurpose, keyed_hash
from mailer.services import gate, handover, links, notices, waiting
from mailer.services.gate import Passage, Turn
from mailer.services.handover import Handover
from mailer.services.links import Opened
from mailer.services.office import Office
from mailer.store import choices, claims, consents, erasures, moves, newcomers, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.moves import MoveRow, NewMove
from mailer.store.newcomers import Newcomer
from mailer.store.people import SubscriptionRow

A_DAY = timedelta(days=1)
WISHES_A_DAY = 5
"""How many changes of address a mailbox may ask for: each writes to an address that somebody typed."""


@dataclass(frozen=True, slots=True)
class MoveView:
    """What the page behind a link to confirm a new address shows.

    Attributes:
        mailbox: the new one.
        newsroom_keys: those whose mails would go there.
    """

    newsroom_key: str
    newsroom_keys: tuple[str, ...]
    mailbox: str
    language: str
    state: LinkState


@dataclass(frozen=True, slots=True)
class Wish:
    """The new address, the exact sentence that was shown beside it, and where it was typed."""

    address: Address
    wording: str
    origin: Origin


def ask(office: Office, *, token: str, wish: Wish) -> Opened:
    """Ask to have everything sent to another mailbox; nothing moves before its reader confirms.

    The answer is the same whoever the new address belongs to, also where no mail may go to it.

    Raises:
        AddressRefused: with reason "same": it is the mailbox's own.
        NotAllowed: there is nothing to move, or it was asked too often in a day.
        Further as `links.opened`.
    """
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        passage = gate.admit(office, connection, address=wish.address, origin=wish.origin)
        link = links.opened(office, connection, token=token, lock=True)
        bearer = _bearer(office, link)
        if keyed_hash(office.keys.suppression, wish.address.lookup) == bearer.hash:
            raise AddressRefused("This is the address there is", "type another", reason="same")
        if moves.asked_since(connection, link.subscriber_id, now - A_DAY) >= WISHES_A_DAY:
            raise NotAllowed("A new address was asked for too often today", "try again tomorrow")
        request_id = _keep(office, connection, link, bearer, wish, passage)
        _tell(office, connection, Purpose.MOVING, bearer, link.language, request_id)
    office.wake()
    return link


def stay(office: Office, *, token: str) -> bool:
    """Take back a change of address that nobody has confirmed yet; whether there was one.

    Raises as `links.opened` does.
    """
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        link = links.opened(office, connection, token=token, lock=True)
        return moves.take_back(connection, link.subscriber_id, office.clock())


def awaited(office: Office, link: Opened) -> str | None:
    """The new address that waits to be confirmed, for the page of the old one."""
    with office.database.read() as connection:
        found = moves.open_move(connection, link.subscriber_id, office.clock())
        return None if found is None else found.to_mailbox


def read(office: Office, *, request_id: int) -> MoveView | None:
    """What confirming a request would move; None where it asks for something else. Changes nothing."""
    with office.database.read() as connection:
        row = moves.read_move(connection, request_id)
        return None if row is None else _view(office, connection, row)


def confirm(office: Office, *, request_id: int, origin: Origin) -> MoveView | None:
    """Move what the request asks for, once; pressed again it says so and does nothing.

    Returns:
        How it stands; None where the request asks for something else.

    Raises:
        TryLater: two subscriptions become one, and each is owed a release that the other is not.
    """
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        row = moves.read_move(connection, request_id)
        if row is None:
            return None
        rows = choices.subscriptions_by(connection, row.from_id, row.to_id, lock=True)
        if _movable(connection, row, rows) and consents.confirm_request(
            connection, request_id, now
        ):
            handover.carry_out(Handover(connection, row, origin, now), rows)
            erasures.lift(connection, row.to_hash)
            _tell_old(office, connection, row)
        moved = moves.read_move(connection, request_id)
        assert moved is not None  # nothing above lets go of a request
        view = _view(office, connection, moved)
    office.wake()
    return view


def _bearer(office: Office, link: Opened) -> SubscriptionRow:
    """The subscription whose newsroom writes to both mailboxes: whose page mailed the link, if it can."""
    active = [
        row
        for row in link.subscriptions
        if row.state is SubscriptionState.ACTIVE and row.newsroom in office.newsrooms
    ]
    if not active:
        raise NotAllowed("There is no subscription that could move", "sign up with the new address")
    return min(active, key=lambda row: (row.newsroom != link.newsroom_key, row.id))


def _keep(
    office: Office,
    connection: Connection,
    link: Opened,
    bearer: SubscriptionRow,
    wish: Wish,
    passage: Passage,
) -> int:
    """Keep the request and the evidence of it, and owe the new mailbox its mail; the request's number."""
    now = office.clock()
    hashed = keyed_hash(office.keys.suppression, wish.address.lookup)
    newcomer = Newcomer(wish.address, hashed, bearer.newsroom, link.language)
    new = newcomers.find_or_make(connection, newcomer, now)
    turn = _turn(office, connection, wish.address, new, passage)
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # what anybody may ask for in anybody's name has to lapse
    shown = consents.keep_wording(connection, wish.wording, now)
    asked = NewMove(
        subscriber_id=link.subscriber_id,
        subscription_id=new.id,
        state=RequestState.ANSWERED if turn is None else RequestState.OPEN,
        language=link.language,
        wording=shown,
        expires_at=now + lifetime,
        tend_at=waiting.terms(office).first_look(now, mailed=False),
    )
    request_id = moves.add_move(connection, asked, now)
    entry = Entry(new.id, Act.ASKED, wish.address.typed, wish.origin, request_id, shown)
    consents.note(connection, entry, now)
    if turn is not None:
        cause = _tell(office, connection, Purpose.MOVE, new, link.language, request_id)
        gate.keep_turn(office, connection, turn, purpose=Purpose.MOVE, cause=cause)
    return request_id


def _turn(
    office: Office,
    connection: Connection,
    address: Address,
    new: SubscriptionRow,
    passage: Passage,
) -> Turn | None:
    """When the new mailbox gets its mail; None where none may go, one just did, or limits are reached."""
    declined = new.state is SubscriptionState.ENDED and new.end_reason == NOT_ME
    suppressed = people.is_suppressed(connection, new.hash)
    if passage is Passage.SHUT or declined or suppressed:
        return None
    last = moves.last_asked_of(connection, new.id)
    if last is not None and office.clock() - last < office.limits.signup_mail_interval:
        return None
    return gate.give_turn(office, connection, address=address, passage=passage)


def _tell(
    office: Office,
    connection: Connection,
    purpose: Purpose,
    to: SubscriptionRow,
    language: str,
    request_id: int,
) -> str:
    """Owe a notice about the request; its cause."""
    newsroom, cause = office.newsroom(to.newsroom), f"request:{request_id}"
    notices.owe(
        office,
        connection,
        purpose=purpose,
        newsroom=newsroom,
        language=choose([language], newsroom.languages),
        subscription_id=to.id,
        cause=cause,
    )
    return cause


def _tell_old(office: Office, connection: Connection, row: MoveRow) -> None:
    """The old mailbox hears that it is done; what told it of the wish need not come after that."""
    late = moves.unsent(connection, Purpose.MOVING, row.request_id)
    claims.end(connection, late, [None] * len(late), office.clock())
    left = choices.subscriptions_by(connection, row.from_id)
    here = sorted(left, key=lambda one: one.newsroom != row.newsroom)
    if here and here[0].newsroom in office.newsrooms:
        _tell(office, connection, Purpose.MOVED, here[0], row.language, row.request_id)


def _movable(connection: Connection, row: MoveRow, rows: list[SubscriptionRow]) -> bool:
    return not people.is_suppressed(connection, row.to_hash) and any(
        one.subscriber_id == row.from_id and one.state is SubscriptionState.ACTIVE for one in rows
    )


def _view(office: Office, connection: Connection, row: MoveRow) -> MoveView:
    done = row.state is RequestState.CONFIRMED
    rows = choices.subscriptions_by(connection, row.to_id if done else row.from_id)
    active = [one for one in rows if one.state is SubscriptionState.ACTIVE]
    in_time = row.state is RequestState.OPEN and office.clock() < row.expires_at
    state = LinkState.EXPIRED
    if done and active:
        state = LinkState.CONFIRMED
    elif in_time and active and not people.is_suppressed(connection, row.to_hash):
        state = LinkState.OPEN
    return MoveView(
        newsroom_key=row.newsroom,
        newsroom_keys=tuple(one.newsroom for one in active),
        mailbox=row.to_mailbox,
        language=row.language,
        state=state,
    )
