"""Proves what a mailbox consented to: every step in the order it happened, from the ledger as it stands.

A step is a consent entry, a mail that was owed about it, or what a relay answered to that mail. What
was shown stands in the steps by its hash, and in `texts` once in full. What retention has let go of is
None: its time had passed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from mailer.core.address import Address
from mailer.mail.compose import message_ids
from mailer.services import people
from mailer.services.office import Office
from mailer.store import evidence as ledger
from mailer.store.database import Connection
from mailer.store.evidence import AttemptRow, EntryRow, NoticeRow
from mailer.store.people import read_subscriber


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Attributes:
        at: aware UTC.
        local: the same moment in the newsroom's time zone; UTC where its settings are gone.
        kind: "consent", "mail" (owed) or "answer" (a relay's).
        what: of a consent its act, of a mail its purpose, of an answer what it came to.
        address: as it was typed where somebody typed it.
        form: where it was asked or answered; "import" and "cli" are an operator's.
        wording, privacy: the hash of what was shown (SHA-256); see `Evidence.texts`.
        words: an operator's, where no form was; a relay's own.
        mail: number of the delivery that a mail or an answer is about.
        message_ids: what the mail's Message-ID is; several where keys were changed since, of which
            one is it.
        relay, code, enhanced: who answered, and how (RFC 5321 section 4.2, RFC 3463).
    """

    at: datetime
    local: datetime
    newsroom: str
    kind: Literal["consent", "mail", "answer"]
    what: str
    address: str | None = None
    form: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    wording: str | None = None
    privacy: str | None = None
    words: str | None = None
    mail: int | None = None
    message_ids: tuple[str, ...] = ()
    relay: str | None = None
    code: int | None = None
    enhanced: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that proves what one mailbox consented to.

    Attributes:
        steps: oldest first.
        texts: every wording and privacy notice that the steps name, by hash.
    """

    address: str
    known_since: datetime | None
    suppressed: str | None
    steps: tuple[Step, ...]
    texts: Mapping[str, str]


def evidence(office: Office, *, address: Address) -> Evidence:
    """The evidence about a mailbox.

    Raises:
        NotFound: nothing is kept about it.
    """
    person = people.show(office, address=address)
    with office.database.read() as connection:
        known = read_subscriber(connection, address.lookup)
        entries = ledger.entries_of(connection, known.id) if known else []
        steps = [_consent(office, entry) for entry in entries]
        if known is not None:
            steps += _mails(office, connection, known.id)
        shown = {text for step in steps for text in (step.wording, step.privacy) if text}
        texts = ledger.texts_of(connection, shown)
    ordered = sorted(steps, key=lambda step: step.at)  # stable: an entry before the mail it caused
    return Evidence(person.mailbox, person.known_since, person.suppressed, tuple(ordered), texts)


def _consent(office: Office, entry: EntryRow) -> Step:
    return Step(
        at=entry.at,
        local=_local(office, entry.newsroom, entry.at),
        newsroom=entry.newsroom,
        kind="consent",
        what=entry.act,
        address=entry.address,
        form=entry.form,
        ip=entry.ip,
        user_agent=entry.user_agent,
        wording=entry.wording,
        privacy=entry.privacy,
        words=entry.evidence,
    )


def _mails(office: Office, connection: Connection, subscriber_id: int) -> list[Step]:
    """Every mail that was owed, before every answer to one: so a sort by time keeps them in order."""
    notices = ledger.notices_of(connection, subscriber_id)
    contents = ledger.contents_of(connection, {notice.prepared_id for notice in notices})
    tried = ledger.attempts_of(connection, [notice.id for notice in notices])
    owed = [_mail(office, notice, contents[notice.prepared_id]) for notice in notices]
    return owed + list(_answers(office, notices, tried))


def _mail(office: Office, notice: NoticeRow, content: bytes) -> Step:
    return Step(
        at=notice.made_at,
        local=_local(office, notice.newsroom, notice.made_at),
        newsroom=notice.newsroom,
        kind="mail",
        what=notice.purpose,
        mail=notice.id,
        message_ids=message_ids(content, office.keys.marks, notice.id),
    )


def _answers(
    office: Office, notices: Sequence[NoticeRow], tried: Iterable[AttemptRow]
) -> Iterable[Step]:
    """What relays answered, and what a mail came to where no attempt tells it.

    An attempt is kept of all but acceptance at the first try: that one stands with the mail itself.
    """
    by_number = {notice.id: notice for notice in notices}
    told: set[tuple[int, datetime, str]] = set()
    for one in tried:
        told.add((one.delivery_id, one.at, one.result))
        newsroom = by_number[one.delivery_id].newsroom
        yield Step(
            at=one.at,
            local=_local(office, newsroom, one.at),
            newsroom=newsroom,
            kind="answer",
            what=one.result,
            mail=one.delivery_id,
            words=one.text or None,
            relay=one.relay or None,
            code=one.code or None,
            enhanced=one.enhanced or None,
        )
    for notice in notices:
        if notice.settled_at is None or (notice.id, notice.settled_at, notice.state) in told:
            continue
        yield Step(
            at=notice.settled_at,
            local=_local(office, notice.newsroom, notice.settled_at),
            newsroom=notice.newsroom,
            kind="answer",
            what=notice.state,
            mail=notice.id,
            words=notice.reply or None,
            code=notice.code or None,
        )


def _local(office: Office, newsroom: str, at: datetime) -> datetime:
    known = office.newsrooms.get(newsroom)
    return at.astimezone(ZoneInfo(known.time_zone)) if known else at
