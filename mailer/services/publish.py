"""Publishes what is due: one transaction makes a release public and freezes its audience.

The messages, one for each language, are prepared before that transaction, so that no lock is held while
templates render; the transaction then checks that the release still says what was prepared, and starts
over if not. A release whose message cannot be prepared is held with the reason: a fault of ours is never a
mailing that looks finished.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mailer.core.delivery import Due
from mailer.core.embargo import has_come, late_by, moment_of
from mailer.core.errors import MailerError
from mailer.core.newsroom import Newsroom
from mailer.services import editions, joining
from mailer.services.ahead import Ahead, Readied
from mailer.services.editions import Ready
from mailer.services.eve import Eve, in_reach, waited
from mailer.services.office import Office
from mailer.store import editions as languages
from mailer.store import joint, mailings, portions, releases, wakeup
from mailer.store.database import Connection
from mailer.store.editions import Text
from mailer.store.mailings import NewMailing
from mailer.store.releases import ReleaseRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that went public just now, and how many readers are owed it."""

    release_id: int
    mailing_id: int
    audience: int
    taken: Sequence[Due] = field(default=(), compare=False)
    """Letters that were taken in hand by the same transaction."""


@dataclass(frozen=True, slots=True)
class Held:
    """A release that was due and could not go."""

    release_id: int
    reason: str


def publish_due(
    office: Office, ahead: Ahead | None = None, eve: Eve | None = None
) -> list[Published | Held]:
    """Publish every approved release whose moment has come.

    Args:
        ahead: what is ready already.
        eve: begin with those whose moment is near, and end at it.
    """
    with office.database.read() as connection:
        due = releases.due(connection, _horizon(office, eve))
    done = [_publish(office, release_id, ahead or Ahead(office), eve) for release_id in due]
    return [one for one in done if one is not None]


def rehearse(
    office: Office, one: Readied, take: Callable[[Connection], object] = lambda _: None
) -> float:
    """Go through publishing what is ready, and undo it all: what is slow the first time is done by then.

    Returns:
        How many seconds it takes from the second time on.
    """
    for _ in range(2):
        with contextlib.suppress(_Undone), office.database.write() as connection:
            began = time.perf_counter()
            mailings.take_turn(connection, alone=True)
            if releases.publish(connection, one.row, one.moment):
                _open(office, connection, one.row, one.texts, one.messages, one.moment)
                take(connection)
            raise _Undone
    return time.perf_counter() - began


class _Undone(Exception):
    """Ends a transaction that is not to be kept."""


class _Moved(Exception):
    """What the transaction began with is not so any more: all is to be read anew."""


def _publish(
    office: Office, release_id: int, ahead: Ahead, eve: Eve | None
) -> Published | Held | None:
    while True:
        with office.database.read() as connection:
            row = releases.read(connection, release_id)
            texts = languages.texts(connection, release_id)
        if row is None or not _is_due(row, _horizon(office, eve)):
            return None
        if not joining.may_open(office, row):
            return None
        if late := _lateness(office, row):
            return _hold(office, row, late)
        try:
            at = max(office.clock(), _moment(row)) if eve else None
            ready = ahead.take(row, texts) or editions.prepare_all(office, row, texts, at=at)
        except MailerError as error:
            return _hold(office, row, f"cannot be mailed: {error.what}")
        with contextlib.suppress(_Moved):
            return _published(office, row, texts, ready, eve)


def _published(
    office: Office, row: ReleaseRow, texts: Sequence[Text], ready: Sequence[Ready], eve: Eve | None
) -> Published | None:
    """Publish a release in one transaction that ends at its moment; None if that is not near any more.

    Raises:
        _Moved: it says something else than was prepared, or another newsroom's was opened just now.
    """
    moment = _moment(row)
    lead = eve.lead if eve else timedelta(0)
    with contextlib.suppress(_Undone), office.database.write() as connection:
        mailings.take_turn(connection, alone=True)
        if not in_reach(office, connection, moment, lead):
            return None  # the database's clock decides where several machines have one each
        if row.joint is not None and joint.unwritten(connection, row.id):
            raise _Moved
        now = max(office.clock(), moment) if eve else office.clock()
        if not releases.publish(connection, row, now):
            raise _Moved
        done = _open(office, connection, row, texts, ready, now)
        if eve and done:
            done = replace(done, taken=eve.take(connection))
            if not waited(office, connection, moment, lead):
                raise _Undone
        return _opened(done)
    return None


def _horizon(office: Office, eve: Eve | None) -> datetime:
    """Whose moment has come by then is published now."""
    return office.clock() + (eve.lead if eve else timedelta(0))


def _moment(row: ReleaseRow) -> datetime:
    return moment_of(row.publish_at, row.embargo_until) or _ANY_TIME


_ANY_TIME = datetime.min.replace(tzinfo=UTC)


def _is_due(row: ReleaseRow, now: datetime) -> bool:
    of = row.publish_at, row.embargo_until
    return row.state == "approved" and has_come(now, publish_at=of[0], embargo_until=of[1])


def _lateness(office: Office, row: ReleaseRow) -> str:
    """Why a release is too late to go out without another word; empty if it is not."""
    late = late_by(
        office.clock(),
        publish_at=row.publish_at,
        embargo_until=row.embargo_until,
        approved_at=row.approved_at,
    )
    if late <= office.limits.late:
        return ""
    hours = int(late / timedelta(hours=1))
    return f"it was to go out {hours} hours ago and nobody was there: let it go anew if it still should"


def _hold(office: Office, row: ReleaseRow, reason: str) -> Held:
    with office.database.write() as connection:
        releases.hold(connection, row.id, reason)
    log.error("release held", extra={"release": row.id, "reason": reason})
    return Held(row.id, reason)


def _open(
    office: Office,
    connection: Connection,
    row: ReleaseRow,
    texts: Sequence[Text],
    ready: Sequence[Ready],
    now: datetime,
) -> Published | None:
    newsroom: Newsroom = office.newsroom(row.newsroom)
    new = NewMailing(
        newsroom,
        row.id,
        "first",
        editions.fallback(newsroom, texts),
        urgent=row.urgent,
        matter=editions.matter(newsroom, row),
        to_all=newsroom.fallback != "wait",
    )
    mailing_id = mailings.open_mailing(connection, new, now)
    if mailing_id is None:
        return None
    editions.keep(connection, newsroom, mailing_id, ready, now)
    languages.expect_others(connection, row.id, texts, now)
    audience = portions.freeze_audience(
        connection, mailing_id, portion=office.limits.portion, now=now
    )
    wakeup.notify(connection)
    return Published(row.id, mailing_id, audience)


def _opened(done: Published | None) -> Published | None:
    if done is not None:
        told = {"release": done.release_id, "mailing": done.mailing_id, "audience": done.audience}
        log.info("published", extra=told)
    return done
