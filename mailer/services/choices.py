"""What a reader chose: shown whole, changed one newsroom at a time, never twice by one press.

A page carries the mark of the choice it shows. A press changes the choice if that mark still holds, by one
UPDATE; pressed again, or from a page that is out of date, it changes nothing and says how things stand.
Each change is kept as evidence with the whole choice that stands after it.
"""

from dataclasses import dataclass
from enum import StrEnum

from mailer.core.address import Address
from mailer.core.choice import Choice, differences
from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.newsroom import Newsroom
from mailer.core.token import keyed_hash
from mailer.services import leaving, links
from mailer.services.leaving import Ending
from mailer.services.links import Opened
from mailer.services.office import Office
from mailer.store import audit, awaiting, choices, consents, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow

TIMING = frozenset({"frequency", "hour", "weekday", "paused_until"})
"""The parts of a choice that say when a digest is due."""


class Done(StrEnum):
    """What came of a press: `same` where it was so already, `stale` where the page was out of date."""

    CHANGED = "changed"
    SAME = "same"
    STALE = "stale"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a press, and how the mailbox stands after it.

    Attributes:
        changed: the parts of the choice that this very press changed, by their names in `Choice`.
        ended: keys of the newsrooms whose subscriptions this very press ended.
    """

    done: Done
    link: Opened
    changed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


def read(office: Office, *, token: str) -> Opened:
    """What a link opens; changes nothing. Raises as `links.opened` does."""
    with office.database.read() as connection:
        return links.opened(office, connection, token=token)


def mark_of(standing: SubscriptionRow) -> str:
    """The mark of a choice as it stands, which a page carries along."""
    return f"{standing.generation}.{standing.revision}"


def change(
    office: Office,
    *,
    token: str,
    newsroom_key: str,
    choice: Choice,
    mark: str,
    origin: Origin,
) -> Result:
    """Choose anew at one newsroom, as a page showed it.

    Args:
        mark: of the choice that the page showed.

    Raises:
        NotFound: there is no subscription to that newsroom.
        NotAllowed: the newsroom does not offer what is chosen.
        Further as `links.opened`.
    """
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        link = links.opened(office, connection, token=token, lock=True)
        standing = _at(link, newsroom_key)
        if standing.state is not SubscriptionState.ACTIVE:
            return Result(Done.STALE, link)
        require_offered(office.newsroom(newsroom_key), choice)
        if standing.choice == choice:
            return Result(Done.SAME, link)
        if mark_of(standing) != mark or not choices.choose(connection, standing, choice):
            return Result(Done.STALE, link)
        _note(office, connection, standing, choice, origin)
        return Result(
            Done.CHANGED, links.rebind(connection, link), differences(standing.choice, choice)
        )


def end(office: Office, *, token: str, newsroom_key: str | None, origin: Origin) -> Result:
    """End the subscription to one newsroom, or all that are not over; the link goes on.

    Args:
        newsroom_key: None to stop everything.

    Raises:
        NotFound: there is no subscription to that newsroom.
        Further as `links.opened`.
    """
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        link = links.opened(office, connection, token=token, lock=True)
        over = link.subscriptions if newsroom_key is None else (_at(link, newsroom_key),)
        running = [row for row in over if row.state is not SubscriptionState.ENDED]
        leaving.end_for_readers(office, connection, [Ending(row, origin) for row in running])
        link = links.rebind(connection, link)
    if not running:
        return Result(Done.SAME, link)
    office.wake()
    return Result(Done.ENDED, link, ended=tuple(row.newsroom for row in running))


def standing_of(office: Office, *, address: Address, newsroom: Newsroom) -> SubscriptionRow:
    """The active subscription of a mailbox to a newsroom, for an operator.

    Raises:
        NotFound: there is none.
    """
    with office.database.read() as connection:
        return _active(office, connection, address, newsroom)


def change_for(
    office: Office, *, address: Address, newsroom: Newsroom, choice: Choice, who: str
) -> tuple[str, ...]:
    """Choose for a reader who asked an operator to; they are not told by mail.

    Args:
        who: the operator's account, kept as evidence.

    Returns:
        The parts that this call changed, by their names in `Choice`.

    Raises:
        NotFound: there is no active subscription.
        NotAllowed: the newsroom does not offer what is chosen.
    """
    require_offered(newsroom, choice)
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        standing = _active(office, connection, address, newsroom, lock=True)
        changed = differences(standing.choice, choice)
        if changed and choices.choose(connection, standing, choice):
            _note(office, connection, standing, choice, Origin(form="cli"), f"by {who}")
            audit.note(
                connection,
                who=who,
                act="subscriber change",
                subject=f"subscription:{standing.id}",
                detail={"newsroom": newsroom.key, "changed": list(changed)},
                now=office.clock(),
            )
    return changed


def require_offered(newsroom: Newsroom, choice: Choice) -> None:
    """Refuse what a newsroom does not offer, naming what it does.

    Raises:
        NotAllowed: a part of `choice` is not to be had.
    """
    wanted: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("language", choice.languages, newsroom.languages),
        ("topic", choice.topics or (), tuple(one.key for one in newsroom.topics)),
        ("kind", choice.kinds or (), tuple(one.key for one in newsroom.kind_choices)),
        ("place", choice.places or (), tuple(one.key for one in newsroom.places)),
        ("frequency", (choice.frequency,), newsroom.frequencies),
    )
    for word, given, offered in wanted:
        for one in given:
            if one not in offered:
                raise NotAllowed(
                    f"The newsroom “{newsroom.key}” does not offer the {word} “{one}”",
                    f"choose among: {', '.join(offered) or 'none'}",
                )
    if not choice.languages or () in {choice.topics, choice.kinds, choice.places}:
        raise NotAllowed(
            "A choice needs a language, and a topic, kind or place where it names these at all"
        )


def _at(link: Opened, newsroom_key: str) -> SubscriptionRow:
    for row in link.subscriptions:
        if row.newsroom == newsroom_key:
            return row
    raise NotFound(f"This mailbox has no subscription to “{newsroom_key}”")


def _active(
    office: Office,
    connection: Connection,
    address: Address,
    newsroom: Newsroom,
    *,
    lock: bool = False,
) -> SubscriptionRow:
    address_hash = keyed_hash(office.keys.suppression, address.lookup)
    for row in people.subscriptions_of(connection, address_hash, lock=lock):
        if row.newsroom == newsroom.key and row.state is SubscriptionState.ACTIVE:
            return row
    raise NotFound(
        f"{address.mailbox} has no active subscription to the newsroom “{newsroom.key}”",
        "`mailer subscriber show` tells how it stands",
    )


def _note(
    office: Office,
    connection: Connection,
    standing: SubscriptionRow,
    choice: Choice,
    origin: Origin,
    evidence: str | None = None,
) -> None:
    entry = Entry(
        standing.id, Act.CHOSEN, standing.mailbox, origin, evidence=evidence, choice=choice
    )
    consents.note(connection, entry, office.clock())
    if not TIMING.isdisjoint(differences(standing.choice, choice)):
        awaiting.reconsider(connection, standing.id, office.clock())
