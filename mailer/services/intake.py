"""Polls sources: claims each whose time has come, fetches, reads, decides, stores, and says when it is next.

    claim     one UPDATE: of several dispatchers one polls a source, and who dies is followed by another
    fetch     conditionally, unless a release of it waits whose page may have changed
    read      into documents; a payload that is none of ours is a failure of the source, like a dead server
    take in   what was pushed by its hub too; first sight of the source mails nothing
    finish    next time: in its interval; sooner where pages are left, files unsettled, or a release is about
              to be mailed (one last look at its text); later and later while it fails, up to 6 h

What is wrong with one source never touches another. No transaction is open while a server is waited for.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailer.core.errors import MailerError, NotFound, ServiceMissing, TryLater
from mailer.core.source import Source
from mailer.services import hub
from mailer.services.looking import Poll, look_at
from mailer.services.looks import TurnOver
from mailer.services.office import Office
from mailer.sources.fetch import Failed
from mailer.store import intake, sources

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=6)
"""Longer than a poll can take: a fetch, its pages, their reading."""
AT_ONCE = 4
"""Sources that are waited for at the same time."""
LONGEST_WAIT = timedelta(hours=6)
LONGEST_OBEYED = timedelta(hours=24)
SOON = timedelta(seconds=60)
LAST_LOOK = timedelta(seconds=90)
"""So long before a release is mailed its source is asked once more."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll came to.

    Attributes:
        outcome: read, unchanged, failed, or taken over (another dispatcher finished it).
        counts: documents by what became of them.
        refusals: what could not become a release, each with place, what and cure.
    """

    source: str
    outcome: str
    counts: Mapping[str, int] = field(default_factory=dict)
    refusals: Sequence[Mapping[str, str]] = ()
    fault: str | None = None
    cure: str | None = None
    next_at: datetime | None = None


async def poll_due(office: Office) -> list[Polled]:
    """Poll every source whose time has come."""
    with office.database.write() as connection:
        if not sources.enrolled(connection, office.sources):
            sources.enrol(connection, list(office.sources), office.clock())
        due = sources.due(connection, list(office.sources), office.clock())
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(key: str) -> Polled | None:
        async with turns:
            return await _polled(office, key, by_hand=False)

    done = await asyncio.gather(*(one(key) for key in due))
    return [each for each in done if each is not None]


async def poll(office: Office, key: str) -> Polled:
    """Poll one source now, whether or not its time has come.

    Raises:
        NotFound: the settings have no such source.
    """
    source_of(office, key)
    with office.database.write() as connection:
        if not sources.enrolled(connection, office.sources):
            sources.enrol(connection, list(office.sources), office.clock())
    done = await _polled(office, key, by_hand=True)
    assert done is not None  # by hand it is always claimed
    return done


def source_of(office: Office, key: str) -> Source:
    """The source of that key.

    Raises:
        NotFound: there is none; names those there are.
    """
    found = office.sources.get(key)
    if found is None:
        known = ", ".join(sorted(office.sources)) or "none"
        raise NotFound(f"There is no source “{key}”", f"the settings know: {known}")
    return found


async def _polled(office: Office, key: str, *, by_hand: bool) -> Polled | None:
    now = office.clock()
    with office.database.write() as connection:
        row = sources.claim(connection, key, now=now, until=now + CLAIM, by_hand=by_hand)
    if row is None:
        return None
    of = Poll(office, office.sources[key], row)
    try:
        fault = await look_at(of)
    except TurnOver:
        return Polled(key, "taken over")
    except asyncio.CancelledError:  # we are told to stop: whoever comes next may take it at once
        with office.database.write() as connection:
            sources.finish(connection, key, row.turn, {"next_at": office.clock()})
        raise
    except (ServiceMissing, TryLater):
        raise
    except MailerError as error:
        fault = Failed(error.what, error.cure)
    except Exception as error:  # a surprise in one source must not stop the others
        log.exception("surprise", extra={"source": key})
        cure = "this is a fault in mailer itself: report it, with the log"
        fault = Failed(f"It could not be read: {error!r}", cure)
    done = _finish(of, fault)
    if fault is None:
        await hub.keep_asking(office, of.source, of.found, of.links)
    return done


def _finish(of: Poll, fault: Failed | None) -> Polled:
    """Write what the poll came to, and when the next one is."""
    now = of.office.clock()
    values = _failed(of, fault, now) if fault is not None else _succeeded(of, now)
    with of.office.database.write() as connection:
        if fault is None:
            values["next_at"] = _next(of, intake.next_due(connection, of.source.key), now)
        ours = sources.finish(connection, of.source.key, of.row.turn, values)
    if not ours:
        return Polled(of.source.key, "taken over")
    told = of.tally.told()
    if fault is not None:
        extra = {"source": of.source.key, "reason": fault.what, "failures": values["failures"]}
        log.warning("source failed", extra=extra)
    return Polled(
        of.source.key,
        "failed" if fault is not None else of.outcome,
        counts=dict(of.tally.counts),
        refusals=told["refusals"],  # type: ignore[arg-type] # a list of texts by name
        fault=None if fault is None else fault.what,
        cure=None if fault is None else fault.cure,
        next_at=values["next_at"],
    )


def _succeeded(of: Poll, now: datetime) -> dict[str, Any]:
    values = {
        **of.values,
        "polled_at": now,
        "failures": 0,
        "fault": None,
        "cure": None,
        "failing_since": None,
        "seeded": of.row.seeded or of.soon is None,  # a folder is known once its files are at rest
        "place": of.source.place,
        "terms": of.source.reading,
    }
    if of.outcome == "read":
        values["last"] = of.tally.told()
    if any(of.tally.counts[word] for word in ("new", "held", "kept")):
        values["found_at"] = now
    return values


def _failed(of: Poll, fault: Failed, now: datetime) -> dict[str, Any]:
    failures = of.row.failures + 1
    wait = min(of.source.every * 2 ** min(failures, 20), LONGEST_WAIT)
    if fault.retry_after is not None:
        wait = max(wait, min(fault.retry_after, LONGEST_OBEYED))
    return {
        "polled_at": now,
        "failures": failures,
        "fault": fault.what[:1000],
        "cure": fault.cure[:1000],
        "failing_since": of.row.failing_since or now,
        "next_at": now + wait,
    }


def _next(of: Poll, mailed_at: datetime | None, now: datetime) -> datetime:
    """In its interval, or sooner for what is not finished and for what is about to be mailed."""
    moments = [now + of.source.every]
    if of.soon is not None:
        moments.append(now + of.soon)
    if of.tally.more:
        moments.append(now + SOON)
    if mailed_at is not None and mailed_at - LAST_LOOK > now:
        moments.append(max(now + SOON, mailed_at - LAST_LOOK))
    return min(moments)
