"""Confirmations that were held while sign-ups exploded: how many, and an operator's word about them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from mailer.core.limits import Kind, canonical
from mailer.services.office import Office
from mailer.store import audit, surges, wakeup
from mailer.store import gate as buckets
from mailer.store import held as waiting
from mailer.store.database import Connection
from mailer.store.held import HeldNotice


@dataclass(frozen=True, slots=True)
class Explosion:
    """What is held, and whether it goes on.

    Attributes:
        held: mails that wait for an operator's word.
        since: the oldest of them.
        exploding: since when more sign-ups come than the settings allow; None when it is calm.
    """

    held: int
    since: datetime | None
    exploding: datetime | None


@dataclass(frozen=True, slots=True)
class HeldMails:
    """What is held, by newsroom and by the readers' domains, the largest first."""

    explosion: Explosion
    newsrooms: dict[str, int]
    domains: dict[str, int]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of held mails.

    Attributes:
        released, dropped: mails; of several to one mailbox and newsroom the newest alone is released.
    """

    released: int
    dropped: int


def explosion(office: Office, connection: Connection) -> Explosion:
    """How things stand, within a caller's transaction."""
    number, since = waiting.count(connection)
    exploding = surges.under_way(connection, office.clock())
    return Explosion(number, since, min(exploding.values(), default=None))


def held(office: Office) -> HeldMails:
    """What is held."""
    with office.database.read() as connection:
        found = waiting.held(connection)
        return HeldMails(
            explosion(office, connection),
            dict(Counter(one.newsroom for one in found).most_common()),
            dict(Counter(one.lookup.rpartition("@")[2] for one in found).most_common()),
        )


def release(office: Office, *, who: str, domain: str | None = None) -> Decided:
    """Let held mails leave, and count sign-ups anew.

    A mailbox gets them one at a time, as far apart as the settings say, and one from a newsroom.

    Args:
        domain: those to readers of this domain alone; others stay held, and an explosion goes on.
    """
    now, interval = office.clock(), office.limits.signup_mail_interval
    with office.database.write() as connection:
        chosen = _chosen(connection, domain)
        rounds, repeated = _rounds(chosen)
        released = 0
        for place, numbers in enumerate(rounds):
            released += waiting.let_go(connection, numbers, now + place * interval)
        dropped = waiting.throw_away(connection, repeated, now)
        if domain is None:
            _calm_down(connection)
        decided = Decided(released, dropped)
        _note(office, connection, "signup release", who, decided, domain)
        wakeup.notify(connection)
    office.wake()
    return decided


def drop(office: Office, *, who: str, domain: str | None = None) -> Decided:
    """Throw held mails away with the requests they were to confirm; an explosion that goes on goes on.

    Args:
        domain: those to readers of this domain alone.
    """
    now = office.clock()
    with office.database.write() as connection:
        numbers = [one.delivery_id for one in _chosen(connection, domain)]
        decided = Decided(0, waiting.throw_away(connection, numbers, now))
        _note(office, connection, "signup drop", who, decided, domain)
    return decided


def _chosen(connection: Connection, domain: str | None) -> list[HeldNotice]:
    found = waiting.held(connection, lock=True)
    return [one for one in found if domain in {None, one.lookup.rpartition("@")[2]}]


def _rounds(chosen: list[HeldNotice]) -> tuple[list[list[int]], list[int]]:
    """The mails that go first, those that go an interval later, and so on; and those that repeat another."""
    rounds: list[list[int]] = []
    repeated: list[int] = []
    newsrooms: dict[str, set[str]] = {}
    for one in chosen:
        had = newsrooms.setdefault(canonical(one.lookup), set())
        if one.newsroom in had:
            repeated.append(one.delivery_id)
            continue
        if len(had) == len(rounds):
            rounds.append([])
        rounds[len(had)].append(one.delivery_id)
        had.add(one.newsroom)
    return rounds, repeated


def _calm_down(connection: Connection) -> None:
    surges.end(connection)
    buckets.empty_all(connection, Kind.SURGE)


def _note(
    office: Office,
    connection: Connection,
    act: str,
    who: str,
    decided: Decided,
    domain: str | None,
) -> None:
    detail = {"released": decided.released, "dropped": decided.dropped, "domain": domain}
    audit.note(connection, who=who, act=act, subject="signups", detail=detail, now=office.clock())
