"""Tells how things stand: what is due, held, under way, failing, and what waits for an operator's word."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer.services.held import Explosion, explosion
from mailer.services.office import Office
from mailer.store import health, mailings, retries, sources, standing
from mailer.store.database import Connection
from mailer.store.health import RelayHealth
from mailer.store.mailings import MailingRow
from mailer.store.standing import Digests, HeldRelease

AMISS_SHOWN = timedelta(days=30)
"""How long what expired or is unknown is named after its mailing was opened; `verify` names it for ever."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A mailing that is not over.

    Attributes:
        state: open, held, or cancelled while letters of it are still in a dispatcher's hand.
        percent: settled of audience, rounded down.
        rate: settled a second since it began, on average; None where it stands still.
        seconds_left: until all are settled, at that rate.
        deferred: waiting to be tried again.
    """

    mailing: int
    release: int | None
    title: str
    newsroom: str
    kind: str
    state: str
    urgent: bool
    hold_reason: str | None
    audience: int
    settled: int
    percent: int
    begun_at: datetime | None
    rate: float | None
    seconds_left: float | None
    deferred: int
    refused: int
    expired: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Amiss:
    """A mailing of which something expired or is unknown."""

    mailing: int
    release: int | None
    title: str
    state: str
    expired: int
    unknown: int


@dataclass(frozen=True, slots=True)
class FailingSource:
    """A source of the settings that could not be read when it was last looked at.

    Attributes:
        failures: so often in a row; each puts the next look off.
        cure: what somebody can do about it.
        next_at: when it is looked at again.
    """

    source: str
    newsroom: str
    place: str
    failing_since: datetime | None
    failures: int
    fault: str
    cure: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand.

    Attributes:
        newsrooms: by key: subscriptions and releases by state.
        waiting: notices, releases, retries, and since when the oldest has been due.
        open: mailings under way.
        held: releases that wait for somebody, and why.
        amiss: recent mailings of which something waits for an operator's word.
        relays: those that were ever found failing, as each machine finds them.
        sources: those that fail, and are asked ever more rarely.
        signups: whether sign-ups explode, and what of them is held.
        digests: what waits for them.
    """

    newsrooms: dict[str, dict[str, dict[str, int]]]
    waiting: dict[str, Any]
    open: tuple[UnderWay, ...]
    held: tuple[HeldRelease, ...]
    amiss: tuple[Amiss, ...]
    relays: tuple[RelayHealth, ...]
    sources: tuple[FailingSource, ...]
    signups: Explosion
    digests: Digests


def status(office: Office) -> Status:
    """What is due, held, under way, failing and amiss."""
    now = office.clock()
    with office.database.read() as connection:
        people = standing.subscriptions(connection)
        press = standing.release_states(connection)
        due = standing.waiting(connection, now)
        known = mailings.mailings(connection)
        not_over = [row for row in known if _is_under_way(row)]
        recent = [row for row in known if _is_under_way(row) or row.made_at >= now - AMISS_SHOWN]
        amiss = {row.id: retries.amiss(connection, row.id) for row in recent}
        return Status(
            newsrooms={
                key: {"subscriptions": people.get(key, {}), "releases": press.get(key, {})}
                for key in sorted({*office.newsrooms, *people, *press})
            },
            waiting={
                "notices": due.notices,
                "releases": due.releases,
                "retries": due.retries,
                "oldest": due.oldest,
            },
            open=tuple(_under_way(connection, row, amiss[row.id], now) for row in not_over),
            held=tuple(standing.held(connection)),
            amiss=tuple(
                _amiss(connection, row, amiss[row.id])
                for row in recent
                if amiss[row.id].get("unknown") or _expired(row, amiss[row.id])
            ),
            relays=tuple(health.relays(connection)),
            sources=tuple(_failing(office, connection)),
            signups=explosion(office, connection),
            digests=standing.digests(connection),
        )


def _failing(office: Office, connection: Connection) -> Iterator[FailingSource]:
    if not office.sources:
        return
    rows = sources.rows(connection)
    for key, source in office.sources.items():
        row = rows.get(key)
        if row is not None and row.fault is not None:
            yield FailingSource(
                source=key,
                newsroom=source.newsroom,
                place=source.place,
                failing_since=row.failing_since,
                failures=row.failures,
                fault=row.fault,
                cure=row.cure or "",
                next_at=row.next_at,
            )


def _is_under_way(row: MailingRow) -> bool:
    return row.state in {"open", "held"} or (row.state == "cancelled" and row.finished_at is None)


def _under_way(
    connection: Connection, row: MailingRow, amiss: dict[str, int], now: datetime
) -> UnderWay:
    rate = _rate(row, now)
    return UnderWay(
        mailing=row.id,
        release=row.release_id,
        title=standing.title(connection, row.release_id),
        newsroom=row.newsroom,
        kind=row.kind,
        state=row.state,
        urgent=row.urgent,
        hold_reason=row.hold_reason,
        audience=row.audience,
        settled=row.settled,
        percent=100 * row.settled // row.audience if row.audience else 100,
        begun_at=row.begun_at,
        rate=rate,
        seconds_left=(row.audience - row.settled) / rate if rate else None,
        deferred=retries.deferred(connection, row.id),
        refused=amiss.get("refused", 0),
        expired=amiss.get("expired", 0),
        unknown=amiss.get("unknown", 0),
    )


def _rate(row: MailingRow, now: datetime) -> float | None:
    if row.state != "open" or row.begun_at is None or not row.settled:
        return None
    seconds = (now - row.begun_at).total_seconds()
    return row.settled / seconds if seconds > 0 else None


def _expired(row: MailingRow, amiss: dict[str, int]) -> int:
    """Nothing of a cancelled mailing is tried again."""
    return 0 if row.state == "cancelled" else amiss.get("expired", 0)


def _amiss(connection: Connection, row: MailingRow, amiss: dict[str, int]) -> Amiss:
    return Amiss(
        mailing=row.id,
        release=row.release_id,
        title=standing.title(connection, row.release_id),
        state=row.state,
        expired=_expired(row, amiss),
        unknown=amiss.get("unknown", 0),
    )
