"""Notes for each release who gets it in a digest: by the history, as its audience was frozen.

Opening a release's mailing leaves one row in `gathering`; the readers are noted after that, a portion in each
transaction, so that neither the first mail nor anybody's sign-up waits for them. No digest is opened
while that goes on: whoever a release was published for before the hour has it in that hour's digest.

Only those are looked at who have digests at present, or about whom anything was written since: everybody
else had none when the audience was frozen either.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal,
    literal_column,
    null,
    select,
    text,
    update,
)

from mailer.core.choice import AT_ONCE, Choice
from mailer.core.digest import next_digest
from mailer.store import gathered, mailings, translating
from mailer.store.columns import insert_ignoring
from mailer.store.digest_tables import digest_due, gathering
from mailer.store.mailings import MailingRow
from mailer.store.tables import CHOOSY, consent, subscription


def begin(connection: Connection, mailing_id: int, newsroom: str) -> None:
    """Have those noted whose next digest a release is for; in the transaction that freezes its audience."""
    if connection.scalar(select(exists().where(*_has_digests(newsroom)))):
        connection.execute(insert(gathering).values(mailing_id=mailing_id, gathered_to=0))


def unfinished(connection: Connection) -> bool:
    """Whether readers of any release are still to be noted."""
    return bool(connection.scalar(select(exists().select_from(gathering))))


def gather(connection: Connection, zones: Mapping[str, tzinfo], *, portion: int) -> bool:
    """Note the next readers of the oldest release; the caller has taken its turn alone.

    Args:
        zones: of the newsrooms.
        portion: so many subscriptions are looked at.

    Returns:
        False if there is nothing to do, or somebody else is at it.
    """
    row = connection.execute(
        select(gathering)
        .order_by(gathering.c.mailing_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return False
    of = mailings.read(connection, row.mailing_id)
    assert of is not None  # its row is referred to
    readers, last = _next_readers(connection, of, row.gathered_to, portion)
    if readers:
        _note(connection, of, readers, zones.get(of.newsroom, UTC))
    this = gathering.c.mailing_id == of.id
    if last is None:
        connection.execute(delete(gathering).where(this))
    else:
        connection.execute(update(gathering).where(this).values(gathered_to=last))
    return True


def _next_readers(
    connection: Connection, of: MailingRow, after: int, portion: int
) -> tuple[list[int], int | None]:
    """Who is looked at, and up to which number; None after the last."""
    have_digests = select(subscription.c.id.label("id")).where(
        *_has_digests(of.newsroom), subscription.c.id > after
    )
    changed = (
        select(consent.c.subscription_id.label("id"))
        .distinct()
        .where(consent.c.id > of.consent_mark, consent.c.subscription_id > after)
    )
    found: set[int] = set()
    ends: list[int] = []
    for query in (have_digests, changed):
        some = list(connection.scalars(query.order_by(text("id")).limit(portion)))
        found.update(some)
        if len(some) == portion:
            ends.append(some[-1])
    last = min(ends, default=None)
    return sorted(one for one in found if last is None or one <= last), last


def _note(connection: Connection, of: MailingRow, readers: Sequence[int], zone: tzinfo) -> None:
    active = subscription.c.state == "active"
    values: dict[str, ColumnElement[Any]] = {
        "subscription_id": subscription.c.id,
        "release_id": literal(of.release_id),
        "mailing_id": literal(of.id),
        "origin": literal("release"),
        "state": case((active, "waiting"), else_="ended"),
        "since": _moment(of.made_at),
        "settled_at": case((active, null()), else_=_moment(of.made_at)),
        "due_at": case((active, _due_at(connection, of, readers, zone)), else_=null()),
    }
    values["language"] = literal("")
    known = _noted(of)
    which = ~known
    if of.kind == "translation":
        _note_again(connection, of, readers, values)
        fresh = translating.has_nothing(connection, of)
        values["language"] = case((and_(fresh, ~known), ""), else_=of.language)
        which = ~and_(fresh, _noted(of, digest_due.c.language == ""))
    wanted = gathered.readers(connection, of)
    owed = select(*values.values()).where(*wanted, which, subscription.c.id.in_(readers))
    connection.execute(insert_ignoring(connection, digest_due).from_select(list(values), owed))


def _noted(of: MailingRow, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a release is or was kept for a reader's digest before, by a row of which this can be said."""
    return exists().where(
        digest_due.c.subscription_id == subscription.c.id,
        digest_due.c.release_id == of.release_id,
        *which,
    )


def _note_again(
    connection: Connection,
    of: MailingRow,
    readers: Sequence[int],
    values: Mapping[str, ColumnElement[Any]],
) -> None:
    """Who waited for this language in vain has the release in the next digest after it came."""
    among = (
        digest_due.c.release_id == of.release_id,
        digest_due.c.language == "",
        digest_due.c.subscription_id.in_(readers),
    )

    def of_whom(*which: ColumnElement[bool]) -> ColumnElement[bool]:
        return digest_due.c.subscription_id.in_(
            select(subscription.c.id).where(*which, subscription.c.id.in_(readers))
        )

    def said(name: str) -> Any:
        own = subscription.c.id == digest_due.c.subscription_id
        return select(values[name]).where(own).correlate(digest_due).scalar_subquery()

    moments = {name: said(name) for name in ("since", "due_at")}
    given_up = (digest_due.c.state == "ended", digest_due.c.delivery_id.is_(None))
    nothing_yet = translating.has_nothing(connection, of)
    renewed = {name: said(name) for name in ("state", "settled_at")} | {"mailing_id": of.id}
    connection.execute(
        update(digest_due)
        .where(*among, *given_up, of_whom(*gathered.readers(connection, of), nothing_yet))
        .values(moments | renewed)
    )
    in_vain = translating.waits_in_vain(connection, of)
    if in_vain is not None:
        connection.execute(
            update(digest_due)
            .where(*among, digest_due.c.state == "waiting", of_whom(in_vain))
            .where(digest_due.c.mailing_id != of.id)
            .values(moments)
        )


def _due_at(
    connection: Connection, of: MailingRow, readers: Sequence[int], zone: tzinfo
) -> ColumnElement[Any]:
    """When each is due by the choice as it stands; who takes a break is looked at more closely."""
    timing = (subscription.c.frequency, subscription.c.hour, subscription.c.weekday)
    unpaused = subscription.c.paused_until.is_(None)
    rows = connection.execute(
        select(*timing)
        .distinct()
        .where(subscription.c.id.in_(readers), unpaused, subscription.c.frequency != AT_ONCE)
    )
    at_once = _moment(of.made_at)
    arms = []
    for frequency, hour, weekday in rows:
        choice = Choice((), frequency=frequency, hour=hour, weekday=weekday)
        moment = _moment(next_digest(choice, zone=zone, after=of.made_at))
        like_that = [
            column == value
            for column, value in zip(timing, (frequency, hour, weekday), strict=True)
        ]
        arms.append((and_(unpaused, *like_that), moment))
    return case(*arms, else_=at_once) if arms else at_once


def _moment(value: datetime) -> ColumnElement[Any]:
    return bindparam(None, value, type_=digest_due.c.since.type)


def _has_digests(newsroom: str) -> tuple[ColumnElement[bool], ...]:
    return (
        subscription.c.newsroom == newsroom,
        subscription.c.state == "active",
        literal_column(CHOOSY, Boolean()),
        subscription.c.frequency != AT_ONCE,
    )
