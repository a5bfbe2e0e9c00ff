"""Writes what was decided about a document that a source showed: a new release, a new text, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from mailer.core.decision import Action, Decision
from mailer.core.release import ReleaseDocument
from mailer.store import releases
from mailer.store.tables import release, translation

KEPT_DECISIONS = 20
"""Of one release: the first and the last of them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new release comes from.

    Attributes:
        names: all it is known under, its identity first.
        approval: whose word its source asks for.
    """

    newsroom: str
    source: str
    names: Sequence[str]
    approval: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A release as a decision about it needs it; see the table for what each means.

    Attributes:
        signalled: a signal of its source is on record.
    """

    id: int
    state: str
    source: str
    approval: str
    made_at: datetime
    publish_at: datetime | None
    embargo_until: datetime | None
    embargo_said: datetime | None
    became: int | None
    signalled: bool


def standing(connection: Connection, release_id: int, *, lock: bool) -> Standing:
    """How a release stands; locked, it stays so until the transaction ends."""
    query = _STANDING_LOCKED if lock else _STANDING
    found = dict(connection.execute(query, {"this": release_id}).one()._mapping)
    rules = {each["rule"] for one in found.pop("decisions") or [] for each in one["reasons"]}
    return Standing(**found, signalled="signal" in rules)


# Made once: to put them together takes longer than to execute them.
_STANDING = select(
    release.c.id,
    release.c.state,
    release.c.source,
    release.c.approval,
    release.c.made_at,
    release.c.publish_at,
    release.c.embargo_until,
    release.c.embargo_said,
    release.c.became,
    release.c.decisions,
).where(release.c.id == bindparam("this"))
_STANDING_LOCKED = _STANDING.with_for_update()


def add(
    connection: Connection,
    document: ReleaseDocument,
    decision: Decision,
    *,
    origin: Origin,
    now: datetime,
) -> int | None:
    """Store a new release as was decided; None if somebody else was faster."""
    made = releases.add(
        connection,
        document,
        newsroom=origin.newsroom,
        identity=origin.names[0],
        hold_reason=decision.why[:300],
        now=now,
    )
    if made is None:
        return None
    held = decision.action is Action.HOLD
    values: dict[str, Any] = {"source": origin.source, "urgent": document.urgent}
    values["embargo_said"] = document.embargo_until
    # What needs an operator for another reason than its source's terms has their word for this text alone.
    values["approval"] = "hold" if held and origin.approval == "auto" else origin.approval
    if decision.action is Action.KEEP:
        dated = document.dated
        shown = dated if dated is not None and dated <= now else now
        values |= {"state": "published", "hold_reason": None, "published_at": shown}
    elif decision.action is Action.SEND:
        values |= {"state": "approved", "hold_reason": None, "approved_at": now}
        values["publish_at"] = decision.publish_at
    connection.execute(update(release).where(release.c.id == made).values(**values))
    note(connection, made, decision, by=f"source {origin.source}", now=now)
    return made


def edit(
    connection: Connection,
    release_id: int,
    document: ReleaseDocument,
    decision: Decision,
    *,
    source: str,
    now: datetime,
) -> bool:
    """Store what a source changed of a release that is locked, as was decided; whether it is a new text."""
    text = decision.action is Action.EDIT and releases.add_edition(
        connection, release_id, document.edition, now
    )
    waits = update(release).where(
        release.c.id == release_id, release.c.state.in_(["approved", "held"])
    )
    if decision.action is Action.EDIT:
        about = {"topics": list(document.topics), "places": list(document.places)}
        connection.execute(waits.values(kind=document.kind, **about))
    if decision.back_to_hold:
        releases.take_back(connection, release_id, decision.why)
    elif decision.publish_at is not None:
        connection.execute(waits.values(publish_at=decision.publish_at))
    if text or decision.back_to_hold or decision.noteworthy:
        note(connection, release_id, decision, by=f"source {source}", now=now)
    return text


def postpone(connection: Connection, release_id: int, document: ReleaseDocument) -> None:
    """Keep to a later moment of publishing that a source now names; never to an earlier one."""
    if document.publish_at is not None:
        connection.execute(
            update(release)
            .where(
                release.c.id == release_id,
                release.c.state.in_(["approved", "held"]),
                or_(release.c.publish_at.is_(None), release.c.publish_at < document.publish_at),
            )
            .values(publish_at=document.publish_at)
        )


def hear_embargo(
    connection: Connection, release_id: int, *, said: datetime | None, until: datetime | None
) -> None:
    """Note what a release's source says of its embargo, and until when it is under one."""
    connection.execute(
        update(release)
        .where(release.c.id == release_id)
        .values(embargo_said=said, embargo_until=until)
    )


def under_embargo_said(connection: Connection, releases: Collection[int]) -> set[int]:
    """Those of these that are not public and whose source said that they are under embargo."""
    said = connection.scalars(
        select(release.c.id).where(
            release.c.embargo_said.is_not(None), release.c.state.in_(["approved", "held"])
        )
    )
    return set(said) & set(releases)


def note(
    connection: Connection, release_id: int, decision: Decision, *, by: str, now: datetime
) -> None:
    """Add a decision to those on record of a release."""
    entry = {
        "at": now.isoformat(timespec="seconds"),
        "by": by,
        "action": decision.action.value,
        "publish_at": decision.publish_at and decision.publish_at.isoformat(timespec="seconds"),
        "reasons": [asdict(reason) for reason in decision.reasons],
    }
    before = connection.scalar(
        select(release.c.decisions).where(release.c.id == release_id).with_for_update()
    )
    kept = [*(before or []), entry]
    if len(kept) > KEPT_DECISIONS:
        kept = [kept[0], *kept[1 - KEPT_DECISIONS :]]
    connection.execute(update(release).where(release.c.id == release_id).values(decisions=kept))


def decisions(connection: Connection, release_id: int) -> list[Mapping[str, Any]]:
    """What was decided about a release and why, oldest first."""
    found = connection.scalar(select(release.c.decisions).where(release.c.id == release_id))
    return list(found or [])


def of_source(connection: Connection, source: str) -> dict[str, int]:
    """How many releases of a source stand in each state."""
    rows = connection.execute(
        select(release.c.state, func.count())
        .where(release.c.source == source)
        .group_by(release.c.state)
    )
    return {row[0]: row[1] for row in rows}


def mail_no_translation(connection: Connection, release_id: int, language: str) -> None:
    """A language of a release that was never mailed itself is not mailed either."""
    connection.execute(
        delete(translation).where(
            translation.c.release_id == release_id, translation.c.language == language
        )
    )


def next_due(connection: Connection, source: str) -> datetime | None:
    """When the next release of a source is mailed, as it stands; None if none waits."""
    found: datetime | None = connection.scalar(
        select(func.min(release.c.publish_at)).where(
            release.c.source == source, release.c.state == "approved"
        )
    )
    return found
