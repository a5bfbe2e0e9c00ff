"""Leaving: one press of a link ends a subscription, whatever its state and however old the link.

leave   ends the subscription from any state and takes back what was still open. Who was active is owed
        one last mail, with a way back (`services.rejoining`), where the newsroom wants it.
take    the same for presses that come together: one transaction for all (`services.together`)

Reading a link changes nothing. A link of ours whose subscription is no longer kept is granted too: the
reader gets no more mail, and that is all they asked for.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import notices
from mailer.services.notices import Owed
from mailer.services.office import Office
from mailer.services.together import alone, each_its_own
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


@dataclass(frozen=True, slots=True)
class Press:
    """The press of a leave link: the subscription it names, and where it came from."""

    subscription_id: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Ending:
    """A subscription that its reader ends, as it stands, and where that came from."""

    standing: SubscriptionRow
    origin: Origin


def read_leave(office: Office, *, token: str) -> LeaveView | None:
    """What a leave link would end; None where nothing is kept that it could. Changes nothing.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
    """
    number = _subscription_named(office, token)
    with office.database.read() as connection:
        standing = going_on(connection, number)
        if standing is None:
            return None
        return _view(standing, standing.id in _ways_back(office, connection, [standing]))


def leave(office: Office, *, token: str, origin: Origin) -> LeaveView | None:
    """End a subscription, whatever its state and however old the link; pressed again it changes nothing.

    Returns:
        How it stands now; None where nothing is kept that could be ended.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
    """
    return alone(take(office, [press(office, token=token, origin=origin)]))


def press(office: Office, *, token: str, origin: Origin) -> Press:
    """The press of a leave link, to be taken by `take`.

    Raises:
        TokenRefused: not a leave link of ours, or damaged.
    """
    return Press(_subscription_named(office, token), origin)


def take(office: Office, presses: Sequence[Press]) -> list[LeaveView | Exception | None]:
    """Take presses that come together, as `leave` does: what each is shown, or why it could not be taken.

    Raises:
        TryLater, ServiceMissing: none of them is taken, for the database is busy or gone.
    """
    return each_its_own(presses, lambda some: _take(office, some))


def _take(office: Office, presses: Sequence[Press]) -> list[LeaveView | None]:
    with office.database.write(by_key=True) as connection:
        take_turn(connection, alone=False)
        meant = _meant_all(connection, {one.subscription_id for one in presses})
        ending: dict[int, Ending] = {}
        for one in presses:  # of those that mean the same, the first is the evidence
            if standing := meant.get(one.subscription_id):
                ending.setdefault(standing.id, Ending(standing, one.origin))
        owed = end_for_readers(office, connection, list(ending.values()))
        ways_back = owed | _ways_back(office, connection, meant.values())
    if owed:
        office.wake()
    shown = {
        number: _view(_ended(standing), standing.id in ways_back)
        for number, standing in meant.items()
    }
    return [shown.get(one.subscription_id) for one in presses]


def end_for_readers(office: Office, connection: Connection, ending: Sequence[Ending]) -> set[int]:
    """End subscriptions as their readers wish, in the caller's transaction, which has taken its turn.

    Args:
        ending: each once, read with its lock.

    Returns:
        Those to whom a last mail was owed: the office is to be woken once that is committed.
    """
    if not ending:
        return set()
    now = office.clock()
    consents.take_back_requests(connection, [one.standing.id for one in ending], now)
    fresh = [one for one in ending if one.standing.state is not SubscriptionState.ENDED]
    if not fresh:
        return set()
    generations = people.end_all(
        connection, [one.standing.id for one in fresh], reason=Act.LEFT, now=now
    )
    entries = [
        Entry(
            one.standing.id,
            Act.LEFT,
            one.standing.mailbox,
            one.origin,
            generation=generations[one.standing.id],
        )
        for one in fresh
    ]
    numbers = consents.note_all(connection, entries, now)
    owed = [
        Owed(
            Purpose.LEFT,
            newsroom,
            choose(one.standing.languages, newsroom.languages),
            one.standing.id,
            departures.cause_of(numbers[one.standing.id]),
            now,
        )
        for one in fresh
        if (newsroom := _farewell(office, one.standing)) is not None
    ]
    notices.owe_all(office, connection, owed, now)
    return {one.subscription_id for one in owed}


def _farewell(office: Office, standing: SubscriptionRow) -> Newsroom | None:
    """The newsroom that has a last word for who leaves it; None where there is none."""
    newsroom = office.newsrooms.get(standing.newsroom)
    wanted = newsroom is not None and newsroom.farewell
    return newsroom if wanted and standing.state is SubscriptionState.ACTIVE else None


def _ended(standing: SubscriptionRow) -> SubscriptionRow:
    return replace(standing, state=SubscriptionState.ENDED)


def _subscription_named(office: Office, token: str) -> int:
    return office.keys.tokens.read(LinkPurpose.LEAVE, token, office.clock()).subject


def going_on(connection: Connection, number: int) -> SubscriptionRow | None:
    """The subscription that a link names, or what goes on in its place."""
    standing = people.read_subscription(connection, number)
    if standing is None or standing.state is not SubscriptionState.ENDED:
        return standing
    follower = moves.successor(connection, number)
    if follower is None:
        return standing
    return people.read_subscription(connection, follower) or standing


def _meant_all(connection: Connection, numbers: Collection[int]) -> dict[int, SubscriptionRow]:
    """The same for the links that name these, each locked; without those that are no longer kept."""
    named = people.lock_subscriptions(connection, numbers)
    ended = [row.id for row in named.values() if row.state is SubscriptionState.ENDED]
    followers = moves.successors(connection, ended)
    following = people.lock_subscriptions(connection, set(followers.values()))
    return {
        number: following.get(followers.get(number, number), row) for number, row in named.items()
    }


def _view(standing: SubscriptionRow, way_back: bool) -> LeaveView:
    return LeaveView(
        newsroom_key=standing.newsroom,
        mailbox=standing.mailbox,
        language=standing.languages[0],
        state=standing.state,
        way_back=way_back,
    )


def _ways_back(
    office: Office, connection: Connection, standing: Iterable[SubscriptionRow]
) -> set[int]:
    """Of those that have ended the numbers of those whose readers may still come back by a link."""
    ended = [one.id for one in standing if one.state is SubscriptionState.ENDED]
    lifetime = LIFETIME[LinkPurpose.REJOIN]
    assert lifetime is not None  # a way back that never closes would be a leaving that never ends
    left = departures.last_departures(connection, ended) if ended else {}
    since = office.clock() - lifetime
    return {number for number, one in left.items() if one.way_back and one.at >= since}
