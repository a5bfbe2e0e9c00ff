"""Takes sign-ups that come together: each is counted, kept, proved and answered, by the same few statements.

take    the reply to each of them, in their order, once all is committed: one transaction for all. Where
        one of them cannot be taken that is undone, and each gets a transaction of its own, so that a fault
        in one costs the others time and nothing else.

A mailbox is once in a round, whatever its spelling and whichever newsroom: who comes twice at once is looked
at the second time when the first is written. The rounds of a transaction follow each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from mailer.core.address import Address
from mailer.core.choice import EVERYTHING, Interests
from mailer.core.consent import (
    MOST_CONFIRMATION_MAILS,
    NOT_ME,
    Act,
    Origin,
    Reply,
    RequestState,
    SubscriptionState,
    answer_signup,
)
from mailer.core.delivery import Purpose
from mailer.core.errors import ServiceMissing, TryLater
from mailer.core.language import choose
from mailer.core.limits import canonical
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose, keyed_hash
from mailer.services import gate, notices
from mailer.services.gate import Comer, Passage, Turn
from mailer.services.notices import Owed
from mailer.services.office import Office
from mailer.services.shown import keep_privacy
from mailer.services.together import each_its_own
from mailer.services.waiting import terms
from mailer.store import consents, held, newcomers, waiting
from mailer.store.consents import Entry, NewRequest, RequestRow
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.newcomers import Newcomer, Past
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

    @property
    def spoken(self) -> str:
        """The language of what it is answered with."""
        return choose([self.language], self.newsroom.languages)

    @property
    def comer(self) -> Comer:
        """Whom it counts against."""
        return Comer(self.address, self.origin)


class _LetIn(NamedTuple):
    """A wish that came in, and whether its mail is held."""

    wish: Wish
    passage: Passage


@dataclass(frozen=True, slots=True)
class _Answered:
    """A wish that came in, how its subscription stands, and the turn of its mail, if it gets one."""

    wish: Wish
    standing: SubscriptionRow
    reply: Reply
    turn: Turn | None = None


def take(office: Office, wishes: Sequence[Wish]) -> list[Reply | Exception]:
    """Take sign-ups; what each is answered with by mail, or why it could not be taken.

    They are counted first, by themselves and without waiting for the disk: what everybody counts in is held
    no longer than that.

    Raises:
        TryLater, ServiceMissing: none of them is taken, for the database is busy or gone.
    """
    admitted = each_its_own(wishes, partial(_admit, office))
    let_in = [
        _LetIn(wish, passage)
        for wish, passage in zip(wishes, admitted, strict=True)
        if isinstance(passage, Passage) and passage is not Passage.SHUT
    ]
    taken = iter(_take_all(office, let_in) if let_in else [])
    return [
        passage if isinstance(passage, Exception)
        else Reply.SILENCE if passage is Passage.SHUT
        else next(taken)
        for passage in admitted
    ]  # fmt: skip


def _admit(office: Office, wishes: Sequence[Wish]) -> list[Passage]:
    with office.database.write(durable=False, by_key=True) as connection:
        return gate.admit_all(office, connection, [wish.comer for wish in wishes])


def _take_all(office: Office, let_in: Sequence[_LetIn]) -> list[Reply | Exception]:
    try:
        return each_its_own(let_in, partial(_take, office))
    except (TryLater, ServiceMissing):
        with (
            suppress(TryLater, ServiceMissing),
            office.database.write(durable=False, by_key=True) as connection,
        ):
            gate.give_back(office, connection, [one.wish.comer for one in let_in])
        raise


def _take(office: Office, let_in: Sequence[_LetIn]) -> list[Reply]:
    with office.database.write(by_key=True) as connection:
        take_turn(connection, alone=False)
        replies = [Reply.SILENCE] * len(let_in)
        for numbers in _rounds(let_in):
            answered = _answer(office, connection, [let_in[at] for at in numbers])
            _keep(office, connection, answered)
            for at, one in zip(numbers, answered, strict=True):
                replies[at] = one.reply
    office.wake()
    return replies


def _rounds(let_in: Sequence[_LetIn]) -> Iterator[list[int]]:
    """Where those of each round stand: a mailbox is in each of them once at most."""
    rest = list(range(len(let_in)))
    while rest:
        mailboxes = set[str]()
        here, later = list[int](), list[int]()
        for at in rest:
            mailbox = canonical(let_in[at].wish.address.lookup)
            (later if mailbox in mailboxes else here).append(at)
            mailboxes.add(mailbox)
        yield here
        rest = later


def _answer(office: Office, connection: Connection, let_in: Sequence[_LetIn]) -> list[_Answered]:
    """What each is answered with; a mailbox that waits for too many mails already gets none."""
    now = office.clock()
    rows = newcomers.find_or_make_all(
        connection, [_newcomer(office, wish) for wish, _ in let_in], now
    )
    pasts = newcomers.pasts(connection, [row.id for row in rows], now)
    replies = [
        _reply(office, connection, wish, row, pasts[row.id])
        for (wish, _), row in zip(let_in, rows, strict=True)
    ]
    mailed = [
        (wish.address, passage)
        for (wish, passage), reply in zip(let_in, replies, strict=True)
        if reply is not Reply.SILENCE
    ]
    turns = iter(gate.give_turns(office, connection, mailed))
    answered = []
    for (wish, _), row, reply in zip(let_in, rows, replies, strict=True):
        turn = None if reply is Reply.SILENCE else next(turns)
        answered.append(_Answered(wish, row, Reply.SILENCE if turn is None else reply, turn))
    return answered


def _newcomer(office: Office, wish: Wish) -> Newcomer:
    hashed = keyed_hash(office.keys.suppression, wish.address.lookup)
    return Newcomer(wish.address, hashed, wish.newsroom.key, wish.spoken)


def _reply(
    office: Office, connection: Connection, wish: Wish, standing: SubscriptionRow, past: Past
) -> Reply:
    mails = past.mails + past.lapsed
    if wish.renews is not None:
        renewed = waiting.is_renewed(connection, wish.renews.id)
        mails = MOST_CONFIRMATION_MAILS if renewed else 0
    declined = standing.state is SubscriptionState.ENDED and standing.end_reason == NOT_ME
    return answer_signup(
        state=standing.state,
        suppressed=declined or past.suppressed,
        last_mailed=past.last_mailed,
        mails=mails,
        now=office.clock(),
        interval=office.limits.signup_mail_interval,
    )


def _keep(office: Office, connection: Connection, answered: Sequence[_Answered]) -> None:
    """Keep the requests and the evidence of them, and owe the mails that answer them."""
    now = office.clock()
    shown = {
        wording: consents.keep_wording(connection, wording, now)
        for wording in sorted({one.wish.wording for one in answered if not one.wish.renews})
    }
    news = [_request(office, one, shown, now) for one in answered]
    numbers = consents.add_requests(connection, news, now)
    privacy = {
        (room.key, language): keep_privacy(connection, room, language, now)
        for room, language in {(one.wish.newsroom, one.wish.spoken) for one in answered}
    }
    entries = [
        Entry(
            one.standing.id,
            Act.ASKED,
            one.wish.address.typed,
            one.wish.origin,
            numbers[one.standing.id],
            new.wording,
            privacy=privacy[one.wish.newsroom.key, one.wish.spoken],
        )
        for one, new in zip(answered, news, strict=True)
    ]
    consents.note_all(connection, entries, now)
    _owe(office, connection, answered, numbers, now)


def _request(office: Office, one: _Answered, shown: Mapping[str, str], now: datetime) -> NewRequest:
    wish, mailed = one.wish, one.reply is Reply.CONFIRM
    tended = mailed or one.standing.state is SubscriptionState.PENDING
    return NewRequest(
        one.standing.id,
        RequestState.OPEN if mailed else RequestState.ANSWERED,
        wish.spoken,
        wish.renews.wording if wish.renews else shown[wish.wording],
        _expiry(now),
        attempt=wish.attempt,
        renews=wish.renews.id if wish.renews and mailed else None,
        tend_at=terms(office).first_look(now, mailed=mailed) if tended else None,
        interests=wish.interests,
    )


def _owe(
    office: Office,
    connection: Connection,
    answered: Sequence[_Answered],
    numbers: Mapping[int, int],
    now: datetime,
) -> None:
    """Owe the mails; each waits for its turn, or for an operator while sign-ups explode."""
    owed = [
        Owed(
            Purpose(one.reply),
            one.wish.newsroom,
            one.wish.spoken,
            one.standing.id,
            f"request:{numbers[one.standing.id]}",
            None if one.turn.held else max(now, one.turn.due_at),
        )
        for one in answered
        if one.turn is not None
    ]
    notices.owe_all(office, connection, owed, now)
    if waits := [one.cause for one in owed if one.due_at is None]:
        held.hold_all(connection, waits, now)


def _expiry(now: datetime) -> datetime:
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # what anybody may ask for in anybody's name has to lapse
    return now + lifetime
