"""What an operator may know of and do to subscriptions: add, list, show, end, export, suppress.

Nothing here makes anybody active: adding goes through the same double opt-in as the sign-up form, and
only importing (`services.imports`) rests on evidence from elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mailer.core.address import Address
from mailer.core.consent import Act, Origin, Reply, SubscriptionState
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.newsroom import Newsroom
from mailer.core.token import keyed_hash
from mailer.services import signup
from mailer.services.office import Office
from mailer.services.reasons import stated
from mailer.store import audit, consents, people
from mailer.store.awaiting import Awaited, awaited
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.evidence import EvidenceRow, history
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow
from mailer.texts.wording import subscribe_wording

CLI = Origin(form="cli")


@dataclass(frozen=True, slots=True)
class Person:
    """All that is kept about one mailbox.

    Attributes:
        known_since: None where nothing but a suppression is kept.
        suppressed: why it must not be mailed; None if it may be.
        waiting: releases that wait for its digests.
    """

    mailbox: str
    known_since: datetime | None
    suppressed: str | None
    subscriptions: tuple[SubscriptionRow, ...]
    evidence: tuple[EvidenceRow, ...]
    waiting: tuple[Awaited, ...] = ()


def add(
    office: Office, *, newsroom: Newsroom, address: Address, language: str | None = None
) -> Reply:
    """Ask in somebody's name: they get the same confirmation mail as from the form.

    Returns:
        What the mailbox is answered with.

    Raises:
        NotAllowed: the address is suppressed, or the newsroom does not offer the language.
    """
    language = offered(newsroom, language)
    with office.database.read() as connection:
        suppressed = people.suppressed_reason(connection, _hash(office, address))
    if suppressed is not None:
        raise NotAllowed(f"{address.mailbox} is suppressed ({suppressed}) and gets no mail")
    return signup.ask(
        office,
        newsroom=newsroom,
        address=address,
        language=language,
        wording=subscribe_wording(newsroom, language),
        origin=CLI,
    )


def list_people(
    office: Office,
    *,
    newsroom: Newsroom | None = None,
    state: SubscriptionState | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Iterator[SubscriptionRow]:
    """Subscriptions in the order they were made, read from the database as they are asked for.

    Args:
        after: leave out numbers up to this one: where an earlier list ended.
    """
    with office.database.read() as connection:
        yield from people.list_subscriptions(
            connection,
            newsroom=None if newsroom is None else newsroom.key,
            state=state,
            after=after,
            limit=limit,
        )


def show(office: Office, *, address: Address) -> Person:
    """Everything that is kept about a mailbox, its evidence oldest first.

    Raises:
        NotFound: nothing is.
    """
    address_hash = _hash(office, address)
    with office.database.read() as connection:
        suppressed = people.suppressed_reason(connection, address_hash)
        known = people.read_subscriber(connection, address.lookup)
        if known is None:
            if suppressed is None:
                raise _unknown(address)
            return Person(address.mailbox, None, suppressed, (), ())
        rows = tuple(people.subscriptions_of(connection, address_hash))
        return Person(
            known.mailbox,
            known.made_at,
            suppressed,
            rows,
            tuple(history(connection, known.id)),
            tuple(awaited(connection, [row.id for row in rows])),
        )


def end(
    office: Office,
    *,
    address: Address,
    reason: str,
    who: str,
    newsroom_key: str | None = None,
) -> list[SubscriptionRow]:
    """End somebody's subscriptions, all or the one to a newsroom; nobody is told by mail.

    Args:
        reason: in the operator's words; kept as evidence.
        who: the operator's account.

    Returns:
        Those that were ended by this call; empty if all had ended before.

    Raises:
        NotFound: there is no such subscription.
        NotAllowed: no reason.
    """
    reason = stated(reason, act="Ending a subscription")
    now = office.clock()
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        found = [
            one
            for one in people.subscriptions_of(connection, _hash(office, address), lock=True)
            if newsroom_key in {None, one.newsroom}
        ]
        if not found:
            raise _unknown(address, newsroom_key)
        evidence = f"{reason} ({who})"
        ended = _end(connection, found, act=Act.ENDED, origin=CLI, evidence=evidence, now=now)
        for one in ended:
            audit.note(
                connection,
                who=who,
                act="subscriber end",
                subject=f"subscription:{one.id}",
                detail={"newsroom": one.newsroom, "reason": reason},
                now=now,
            )
    return ended


def suppress(office: Office, *, address: Address, reason: str) -> list[SubscriptionRow]:
    """Never mail an address again, and end what it subscribes to in the same transaction.

    It takes its turn alone: a sign-up or import that has not seen the suppression yet is waited for,
    and whatever it made active is ended too.

    Args:
        reason: one word, as `complaint`; kept as evidence.

    Returns:
        Those that were ended by this call.
    """
    now = office.clock()
    address_hash = _hash(office, address)
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        people.keep_suppression(connection, address_hash, reason=reason[:32], now=now)
        found = people.subscriptions_of(connection, address_hash, lock=True)
        return _end(
            connection,
            found,
            act=Act.SUPPRESSED,
            origin=Origin(form="suppression"),
            evidence=reason,
            now=now,
        )


def offered(newsroom: Newsroom, language: str | None) -> str:
    """The language, if the newsroom writes in it; the newsroom's own for None.

    Raises:
        NotAllowed: it does not.
    """
    if language is not None and language not in newsroom.languages:
        raise NotAllowed(
            f"The newsroom “{newsroom.key}” does not write in “{language}”",
            f"choose one of: {', '.join(newsroom.languages)}",
        )
    return language or newsroom.language


def _end(
    connection: Connection,
    found: list[SubscriptionRow],
    *,
    act: Act,
    origin: Origin,
    evidence: str,
    now: datetime,
) -> list[SubscriptionRow]:
    ended = []
    for one in found:
        consents.take_back_requests(connection, one.id, now)
        if one.state is SubscriptionState.ENDED:
            continue
        people.end(connection, one.id, reason=act, now=now)
        entry = Entry(one.id, act, one.mailbox, origin, evidence=evidence)
        consents.note(connection, entry, now)
        ended.append(one)
    return ended


def _hash(office: Office, address: Address) -> str:
    return keyed_hash(office.keys.suppression, address.lookup)


def _unknown(address: Address, newsroom_key: str | None = None) -> NotFound:
    where = f" to the newsroom “{newsroom_key}”" if newsroom_key else ""
    return NotFound(
        f"{address.mailbox} has no subscription{where}",
        "`mailer subscriber list` shows who has",
    )
