"""Decides what becomes of a sign-up before anything is kept of it, within the caller's transaction.

    admit       counts it against everybody it concerns (`core.limits`): one limit reached, and it is
                SHUT out: nothing of it is kept, for what is never mailed can never be confirmed, and
                evidence of it would be strangers' data without a purpose and a store that fills up
    give_turn   one mail to a mailbox at a time, whatever its spelling and whichever newsroom: the next
                one waits for its turn, and one too many gets none
    keep_turn   puts the notice that was owed to its turn, or holds it while sign-ups explode

When more sign-ups come than `surge` allows, an explosion begins, and lasts until it has been calm for a
while: all of it is kept and its mails are held (`services.held`). Browsers that did the work that
was asked of them count, and explode, by themselves.

What an operator adds by hand counts against nothing but the mailbox's pace.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from mailer.core.address import Address, parse_address
from mailer.core.consent import Origin
from mailer.core.delivery import Purpose
from mailer.core.limits import (
    Kind,
    Limit,
    SignupTerms,
    pace_limit,
    surge_lane,
    surge_limit,
    volume_limits,
)
from mailer.core.token import keyed_hash
from mailer.services.office import Office
from mailer.store import gate as buckets
from mailer.store import held as waiting
from mailer.store import surges
from mailer.store.database import Connection
from mailer.store.gate import Drop

log = logging.getLogger(__name__)

BY_VISITORS = ("web:", "api:")
"""How the names of forms begin that strangers can reach."""


class Passage(StrEnum):
    """What becomes of a sign-up."""

    OPEN = "open"
    HELD = "held"
    SHUT = "shut"


@dataclass(frozen=True, slots=True)
class Comer:
    """Whom a sign-up is for, and where it came from."""

    address: Address
    origin: Origin


@dataclass(frozen=True, slots=True)
class Turn:
    """When the mail that answers a sign-up may leave."""

    due_at: datetime
    held: bool


def is_shut(office: Office, *, address: Address, origin: Origin) -> bool:
    """Whether a sign-up would be turned away; a look without a lock, so that a flood costs little."""
    return are_shut(office, [Comer(address, origin)])[0]


def are_shut(office: Office, comers: Sequence[Comer]) -> list[bool]:
    """The same of each of several, as if it came alone.

    Nobody is asked about while nobody was turned away lately: all are counted anyway.
    """
    if not office.flood.lately:
        return [False] * len(comers)
    drops = [_volume(office, comer) for comer in comers]
    if not any(drops):
        return [False] * len(comers)
    with office.database.read() as connection:
        full = buckets.look_all(connection, drops, office.clock())
    _note_full(office, full)
    return [kind is not None for kind in full]


def admit(office: Office, connection: Connection, *, address: Address, origin: Origin) -> Passage:
    """Count a sign-up, and say whether it may come in.

    It locks what it counts in until the transaction ends, so it comes before any other lock.
    """
    return admit_all(office, connection, [Comer(address, origin)])[0]


def admit_all(office: Office, connection: Connection, comers: Sequence[Comer]) -> list[Passage]:
    """The same for each of several in turn."""
    now = office.clock()
    volumes = [_volume(office, comer) for comer in comers]
    bursts = [_surge(office, comer) for comer in comers]
    both = [(*volume, *surge) for volume, surge in zip(volumes, bursts, strict=True)]
    if buckets.pour_with_room(connection, both, now):  # all of them at once: so it mostly is
        full: list[str | None] = [None] * len(comers)
        beyond = full
    else:
        full = [kind for kind, _ in buckets.pour_all(connection, volumes, now)]
        _note_full(office, full)
        counted = [() if kind else surge for kind, surge in zip(full, bursts, strict=True)]
        beyond = [kind for kind, _ in buckets.pour_all(connection, counted, now)]
    held = _held(office, connection, comers, beyond)
    return [
        Passage.SHUT if kind else Passage.HELD if surge and _lane(comer) in held else Passage.OPEN
        for comer, kind, surge in zip(comers, full, bursts, strict=True)
    ]


def give_back(office: Office, connection: Connection, comers: Sequence[Comer]) -> None:
    """Let sign-ups count nowhere that were admitted and could not be taken."""
    drops = [(*_volume(office, comer), *_surge(office, comer)) for comer in comers]
    buckets.give_back(connection, drops, office.clock())


def give_turn(
    office: Office, connection: Connection, *, address: Address, passage: Passage
) -> Turn | None:
    """When a mail may leave that answers a sign-up; None where too many wait already."""
    return give_turns(office, connection, [(address, passage)])[0]


def give_turns(
    office: Office, connection: Connection, mailed: Sequence[tuple[Address, Passage]]
) -> list[Turn | None]:
    """The same for each of several in turn."""
    interval = office.limits.signup_mail_interval
    now = office.clock()
    paces = [
        [_drop(office, pace_limit(address, interval))] if interval else [] for address, _ in mailed
    ]
    poured = buckets.pour_all(connection, paces, now)
    return [
        None if full is not None else Turn(turn, passage is Passage.HELD)
        for (_, passage), (full, turn) in zip(mailed, poured, strict=True)
    ]


def keep_turn(
    office: Office, connection: Connection, turn: Turn, *, purpose: Purpose, cause: str
) -> None:
    """Let the notice that was just owed wait for its turn, or for an operator."""
    now = office.clock()
    if turn.held:
        waiting.hold(connection, purpose, cause, now)
    elif turn.due_at > now:
        waiting.put_off(connection, purpose, cause, turn.due_at)


def forgive(office: Office, connection: Connection, mailbox: str) -> None:
    """Who answers our mail has asked for the next one: let the mailbox's next mail leave at once."""
    address = parse_address(mailbox, smtputf8=True)
    pace = _drop(office, pace_limit(address, office.limits.signup_mail_interval))
    buckets.empty(connection, pace.kind, [pace.name])


def under_attack(office: Office) -> bool:
    """Whether sign-ups explode just now."""
    with office.database.read() as connection:
        return bool(surges.under_way(connection, office.clock()))


def spend(office: Office, name: str, until: datetime) -> bool:
    """Use up what counts once until its time has passed; whether this very call did."""
    now = office.clock()
    if until <= now:
        return False
    hashed = keyed_hash(office.keys.suppression, f"limit:{Kind.PROOF}:{name}")
    once = buckets.drop(Kind.PROOF, hashed, count=1, period=until - now)
    with office.database.write() as connection:
        full, _ = buckets.pour(connection, [once], now)
    return full is None


def sweep(office: Office) -> int:
    """Forget what no longer bounds anything, and explosions that are over; how many rows went."""
    now = office.clock()
    with office.database.read() as connection:
        if not buckets.any_to_sweep(connection, now):
            return 0
    with office.database.write() as connection:
        for lane in surges.end(connection, until=now):
            log.info("sign-ups calm again", extra={"lane": lane})
        return buckets.sweep(connection, now)


def _held(
    office: Office, connection: Connection, comers: Sequence[Comer], beyond: Sequence[str | None]
) -> Collection[str]:
    """The lanes whose mails are held since their sign-ups explode, be it by these that are `beyond`."""
    if not office.limits.signups.surge and not office.limits.signups.unproved:
        return ()
    now, calm = office.clock(), office.limits.signups.calm
    held = set(surges.under_way(connection, now))
    for lane in sorted({_lane(comer) for comer, kind in zip(comers, beyond, strict=True) if kind}):
        held.add(lane)
        _note_surge(connection, lane, now, now + calm)
    return held


def _note_surge(connection: Connection, lane: str, now: datetime, until: datetime) -> None:
    if surges.note(connection, lane, now, until):
        log.warning(
            "sign-ups explode, their mails are held",
            extra={"lane": lane, "cure": "mailer signup held"},
        )


def _volume(office: Office, comer: Comer) -> Sequence[Drop]:
    if not _by_visitor(comer.origin):
        return ()
    terms, key = office.limits.signups, office.keys.suppression
    return _drops(terms, key, comer.address, comer.origin.ip)


@lru_cache(maxsize=512)  # in a flood asked twice of each: by the look, and as it is counted
def _drops(terms: SignupTerms, key: str, address: Address, ip: str | None) -> Sequence[Drop]:
    return tuple(_nameless(key, limit) for limit in volume_limits(terms, address, ip))


def _surge(office: Office, comer: Comer) -> Sequence[Drop]:
    terms = office.limits.signups
    if not _by_visitor(comer.origin):
        return ()
    limit = surge_limit(terms, comer.address, proved=comer.origin.proved)
    return (_drop(office, limit),) if limit.count else ()


def _lane(comer: Comer) -> str:
    """Those who did the work that was asked of them explode by themselves."""
    return surge_lane(proved=comer.origin.proved)


def _note_full(office: Office, full: Sequence[str | None]) -> None:
    for kind in full:
        if kind is not None:
            log.info("sign-up over limit", extra={"limit": kind})
            office.flood.note()


def _by_visitor(origin: Origin) -> bool:
    return origin.form.startswith(BY_VISITORS)


def _drop(office: Office, limit: Limit) -> Drop:
    return _nameless(office.keys.suppression, limit)


def _nameless(key: str, limit: Limit) -> Drop:
    """A limit with nobody's name on it."""
    hashed = keyed_hash(key, f"limit:{limit.kind}:{limit.name}")
    return buckets.drop(limit.kind, hashed, count=limit.count, period=limit.period)
