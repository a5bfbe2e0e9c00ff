"""Sends digests when they are due: each release in one of them for each reader, none if nothing happened.

    1  readers of fresh releases are noted (`store.gathering`); until all are, no digest is opened
    2  what another's digest carried that ended unsent waits again
    3  again and again, a portion of mailboxes each time, until nothing is due:
       what waits for them is read; what is due is sorted into messages (`core.digest`), and those not made
       yet are prepared, while no transaction is open; then one transaction, alone, reads it all again, opens
       a mailing for each newsroom and takes what lies in the digests whose message still says the same

So two dispatchers make no digest twice, a crash leaves all or nothing, and after an outage what several
digests would have had comes in one. A message that cannot be prepared puts its readers off by an hour; the
others have theirs.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.core.errors import MailerError
from mailer.mail.prepare import Prepared
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.services.parcelling import Digest, Key, Portion, portion_of, prepared, zones_of
from mailer.store import digests, editions, gathering, messages, wakeup
from mailer.store.database import Connection
from mailer.store.digest_contents import Taken
from mailer.store.mailings import take_turn

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""Longer than this no one call works: outcomes wait to be written meanwhile."""
PUT_OFF = timedelta(hours=1)


@dataclass(slots=True)
class Sent:
    """What a call came to.

    Attributes:
        digests: how many were owed.
        faults: what an operator must hear of.
        more: something is left for the next call.
    """

    digests: int = 0
    faults: list[str] = field(default_factory=list)
    more: bool = False


def send_due(office: Office) -> Sent:
    """Open every digest that is due, as far as one call may take."""
    done = Sent()
    with office.database.read() as connection:
        waits = digests.anything_to_do(connection, office.clock())
    if not waits:
        return done
    until = time.monotonic() + PATIENCE_SECONDS
    while _gather(office):
        done.more = True  # perhaps a translation has waited for this
        if time.monotonic() >= until:
            return done
    done.more = done.more and _translation_waits(office)
    _settle_carried(office)
    made: dict[Key, Prepared | None] = {}
    now = office.clock()
    while _open_some(office, made, done, now):
        if time.monotonic() >= until:
            done.more = True
            break
    return done


def _gather(office: Office) -> bool:
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        return gathering.gather(connection, zones_of(office), portion=office.limits.portion)


def _translation_waits(office: Office) -> bool:
    with office.database.read() as connection:
        return bool(editions.due(connection))


def _settle_carried(office: Office) -> None:
    with office.database.read() as connection:
        settled = digests.any_carried_settled(connection)
    if settled:
        with office.database.write() as connection:
            take_turn(connection, alone=True)
            again = digests.settle_carried(connection)
        log.info("digests carried over", extra={"releases": again})


def _open_some(office: Office, made: dict[Key, Prepared | None], done: Sent, now: datetime) -> bool:
    """Open the digests of some mailboxes; whether there were any."""
    with office.database.read() as connection:
        portion = portion_of(office, connection, now)
    if not portion:
        return False
    for digest in portion.digests:
        if digest.key not in made:
            made[digest.key] = _made(office, digest.key, portion, now, done)
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        if gathering.unfinished(connection):
            done.more = True
            return False
        found = portion_of(office, connection, now)
        done.digests += _take(office, connection, found.digests, made, now)
        _tidy(connection, found, made, now)
        wakeup.notify(connection)
    return True


def _made(office: Office, key: Key, portion: Portion, now: datetime, done: Sent) -> Prepared | None:
    """The message of a digest; None if it cannot be made, which the operator hears of."""
    try:
        return prepared(office, key, portion.texts, now)
    except MailerError as error:
        reason = error.what
    done.faults.append(f"a digest of {key.newsroom} is put off by an hour: {reason}")
    log.error("digest put off", extra={"newsroom": key.newsroom, "reason": reason})
    return None


def _tidy(
    connection: Connection, found: Portion, made: Mapping[Key, Prepared | None], now: datetime
) -> None:
    """Let go of what was withdrawn, and look again later at what is not due, or cannot be made."""
    for release_id in found.over:
        digests.withdraw(connection, release_id, now)
    broken = (one for one in found.digests if one.key in made and made[one.key] is None)
    digests.give_up(connection, found.in_vain, now)
    put_off = {each.subscription_id: now + PUT_OFF for one in broken for each in one.shown}
    digests.put_off(connection, found.later | put_off, now=now)


def _take(
    office: Office,
    connection: Connection,
    due: Iterable[Digest],
    made: Mapping[Key, Prepared | None],
    now: datetime,
) -> int:
    """Owe the digests whose message is made and says what there is; how many."""
    by_newsroom: dict[str, list[tuple[Digest, Prepared]]] = {}
    for one in due:
        ready = made.get(one.key)
        if ready is not None:
            by_newsroom.setdefault(one.key.newsroom, []).append((one, ready))
    for key, some in by_newsroom.items():
        newsroom = office.newsroom(key)
        mailing_id = digests.open_digest(connection, newsroom, now=now)
        kept = {
            one.key: messages.keep_prepared(
                connection, to_keep(ready, newsroom, mailing_id=mailing_id), now
            )
            for one, ready in {one.key: (one, ready) for one, ready in some}.values()
        }
        taken = [Taken(one.carrier, kept[one.key], one.shown) for one, _ in some]
        digests.owe(connection, mailing_id, taken, now=now)
        log.info("digests opened", extra={"mailing": mailing_id, "digests": len(taken)})
    return sum(map(len, by_newsroom.values()))
