"""Requests and the evidence of consent: what was asked, shown and answered, when and from where.

Consent entries are only ever added. The last one that grants or ends decides who may be mailed, so an
entry is written in the transaction that changes the subscription, and only when it does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    String,
    Update,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from mailer.core.choice import EVERYTHING, Choice, Interests, signup_to_plain, to_plain
from mailer.core.consent import ENDS, GRANTS, Act, Origin, RequestState
from mailer.core.delivery import Purpose
from mailer.store.columns import among, insert_ignoring
from mailer.store.ledger_tables import delivery
from mailer.store.rows import add_all
from mailer.store.tables import consent, request, wording

IP_LENGTH = 45  # an IPv6 address with an IPv4 tail
USER_AGENT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to keep.

    Attributes:
        language: of the page it was asked on, and of the mail that answers it.
        wording: the hash of the wording that was shown.
        attempt: the number of the page that answers it and takes its code.
        renews: the expired request whose page asked for this one.
        tend_at: when upkeep looks at it first.
        interests: what else was asked for.
    """

    subscription_id: int
    state: RequestState
    language: str
    wording: str | None
    expires_at: datetime
    attempt: int | None = None
    renews: int | None = None
    tend_at: datetime | None = None
    interests: Interests = EVERYTHING


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it stands; its kind is "signup" or "move".

    Attributes:
        asked: what a sign-up asks for, as `core.choice.signup_to_plain` has it.
    """

    id: int
    subscription_id: int
    state: RequestState
    language: str
    wording: str | None
    expires_at: datetime
    kind: str
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of evidence to keep.

    Attributes:
        address: as it was typed where somebody typed it, else the mailbox.
        wording: the hash of the wording that was shown.
        evidence: in an operator's words, where no form was.
        choice: as it stands from then on; of every grant and every change.
        privacy: the hash of the privacy notice that was shown, or of the address that it has.
        generation: of the subscription from then on; kept where a link depends on it.
    """

    subscription_id: int
    act: Act
    address: str
    origin: Origin
    request_id: int | None = None
    wording: str | None = None
    evidence: str | None = None
    choice: Choice | None = None
    privacy: str | None = None
    generation: int | None = None


_WORDING = select(wording.c.hash).where(wording.c.hash == bindparam("digest"))
_NOTE = insert(consent).returning(consent.c.id)
_OF_EACH = ("id", "subscription_id")


def keep_wording(connection: Connection, shown: str, now: datetime) -> str:
    """Keep a wording once; its hash (SHA-256)."""
    digest = hashlib.sha256(shown.encode()).hexdigest()
    known = connection.scalar(_WORDING, {"digest": digest})
    if known is None:
        connection.execute(
            insert_ignoring(connection, wording), {"hash": digest, "text": shown, "made_at": now}
        )
    return digest


def note(connection: Connection, entry: Entry, now: datetime) -> int:
    """Add one consent entry; its number."""
    return int(connection.execute(_NOTE, _written(entry, now)).scalar_one())


def note_all(connection: Connection, entries: Sequence[Entry], now: datetime) -> dict[int, int]:
    """Add one consent entry to each of some subscriptions; their numbers, by subscription."""
    written = [_written(entry, now) for entry in entries]
    made = add_all(connection, consent, written, giving=_OF_EACH)
    return {row.subscription_id: row.id for row in made}


def _written(entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "subscription_id": entry.subscription_id,
        "request_id": entry.request_id,
        "act": entry.act,
        "at": now,
        "address": entry.address,
        "form": entry.origin.form,
        "ip": _fitting(entry.origin.ip, IP_LENGTH),
        "user_agent": _fitting(entry.origin.user_agent, USER_AGENT_LENGTH),
        "wording": entry.wording,
        "evidence": entry.evidence,
        "choice": None if entry.choice is None else to_plain(entry.choice),
        "privacy": entry.privacy,
        "generation": entry.generation,
    }


def add_requests(
    connection: Connection, news: Sequence[NewRequest], now: datetime
) -> dict[int, int]:
    """Keep what each of some subscriptions asked for; their numbers, by subscription."""
    asked = [_asked(new, now) for new in news]
    made = add_all(connection, request, asked, giving=_OF_EACH)
    return {row.subscription_id: row.id for row in made}


def _asked(new: NewRequest, now: datetime) -> dict[str, Any]:
    return {
        "subscription_id": new.subscription_id,
        "kind": "signup",
        "state": new.state,
        "language": new.language,
        "asked": signup_to_plain(new.language, new.interests),
        "wording": new.wording,
        "made_at": now,
        "expires_at": new.expires_at,
        "settled_at": None if new.state is RequestState.OPEN else now,
        "attempt": new.attempt,
        "renews": new.renews,
        "tend_at": new.tend_at,
    }


def read_request(connection: Connection, request_id: int) -> RequestRow | None:
    """The request of that number, if there is one."""
    found = connection.execute(
        select(
            request.c.id,
            request.c.subscription_id,
            request.c.state,
            request.c.language,
            request.c.wording,
            request.c.expires_at,
            request.c.kind,
            request.c.asked,
        ).where(request.c.id == request_id)
    ).one_or_none()
    if found is None:
        return None
    return RequestRow(found.id, found.subscription_id, RequestState(found.state), *found[3:])


def confirm_request(connection: Connection, request_id: int, now: datetime) -> bool:
    """Confirm a request that is open and in time; whether this very call did it.

    However many press the button at once, one of them is told yes.
    """
    done = connection.execute(
        update(request)
        .where(
            request.c.id == request_id,
            request.c.state == RequestState.OPEN,
            request.c.expires_at > now,
        )
        .values(state=RequestState.CONFIRMED, settled_at=now)
    )
    return done.rowcount == 1


def take_back_requests(connection: Connection, of: int | Sequence[int], now: datetime) -> None:
    """Let every open request of a subscription expire, or of several: who left, or must not be mailed."""
    wanted = {"of": [of] if isinstance(of, int) else list(of), "at": now}
    connection.execute(_take_back(connection.dialect.name), wanted)


@cache
def _take_back(dialect: str) -> Update:
    return (
        update(request)
        .where(
            among(request.c.subscription_id, "of", dialect), request.c.state == RequestState.OPEN
        )
        .values(state=RequestState.EXPIRED, settled_at=bindparam("at"))
    )


def any_expired(connection: Connection, now: datetime) -> bool:
    """Whether `expire_requests` would find one, by a look that takes no lock."""
    return bool(connection.scalar(select(exists().where(*_overdue(now)))))


def expire_requests(connection: Connection, now: datetime) -> int:
    """Let every open request expire whose time has passed; how many there were."""
    done = connection.execute(
        update(request).where(*_overdue(now)).values(state=RequestState.EXPIRED, settled_at=now)
    )
    return done.rowcount


def _overdue(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return request.c.state == RequestState.OPEN, request.c.expires_at <= now


def settled_by(of: ColumnElement[int]) -> ColumnElement[int]:
    """The number of the entry with which the reader of a subscription last said yes or no."""
    deciding = consent.alias("deciding")
    return (
        select(func.coalesce(func.max(deciding.c.id), 0))
        .where(deciding.c.subscription_id == of, deciding.c.act.in_([*GRANTS, *ENDS]))
        .correlate_except(deciding)
        .scalar_subquery()
    )


def mailed_last(of: ColumnElement[int]) -> ScalarSelect[datetime]:
    """When a sign-up for a subscription was last answered by mail, since its reader last confirmed or left.

    The ledger says which requests were answered by mail: those that caused a notice.
    """
    answered = (
        exists()
        .where(
            delivery.c.mailing_id.is_(None),
            delivery.c.purpose.in_([Purpose.CONFIRM, Purpose.ALREADY]),
            delivery.c.cause == literal("request:") + cast(consent.c.request_id, String),
        )
        .correlate_except(delivery)
    )
    return (
        select(consent.c.at)
        .where(
            consent.c.subscription_id == of,
            consent.c.id > settled_by(of),
            consent.c.act == Act.ASKED,
            answered,
        )
        .order_by(consent.c.id.desc())
        .limit(1)
        .correlate_except(consent)
        .scalar_subquery()
    )


def _fitting(sent: str | None, length: int) -> str | None:
    """What a client sent, made storable: PostgreSQL keeps no NUL, and no column endless text."""
    return None if sent is None else sent.replace("\0", "")[:length]
