"""The press desk: takes documents in, shows them, and lets them go.

A document that is added is stored and held; nothing is mailed until somebody says `send`, and then
not before its publish time. The same words added twice are one release; other words under the same
identity (front matter `id`, canonical address) are its next edition.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.core.correction import Likely
from mailer.core.decision import Action, Decision, Reason, signs
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.identity import names_of
from mailer.core.newsroom import Newsroom
from mailer.core.release import ReleaseDocument
from mailer.services import enclosing, originals
from mailer.services.approving import give_word
from mailer.services.desk_record import named, noted
from mailer.services.office import Office
from mailer.store import (
    approvals,
    control,
    editions,
    identities,
    intake,
    kept_files,
    mailings,
    releases,
    wakeup,
)
from mailer.store.database import Connection
from mailer.store.kept_files import KeptFile
from mailer.store.releases import ReleaseRow

AWAITS_WORD = "added by hand: waits for `mailer release send`"


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a document came to.

    Attributes:
        news: "new", "edition" (new words for a known release), "translation" (a language of a public one,
            which waits for a word) or "known" (nothing was stored).
    """

    id: int
    newsroom: str
    news: str
    state: str
    publish_at: datetime | None
    title: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What comes with a document beside what it says itself.

    Attributes:
        translates: the release of which it is another language.
        files: from the desk's own disk, to be kept with us and put into the mail.
    """

    translates: int | None = None
    files: tuple[KeptFile, ...] = ()


NOTHING = Beside()


def add_document(
    office: Office,
    document: ReleaseDocument,
    *,
    newsroom: str | None = None,
    who: str,
    beside: Beside = NOTHING,
    dry: bool = False,
) -> Added:
    """Store a document as a release, held until somebody sends it.

    Args:
        newsroom: its key; None picks it as `newsroom_for` does.
        dry: tell what it would come to, and undo it.

    Raises:
        NotFound: no such newsroom, or none that this issuer signs for.
        NotAllowed: the issuer or the kind is not this newsroom's, or it translates nothing of it.
    """
    room = newsroom_for(office, document, newsroom)
    _check_kind(room, document)
    document = enclosing.with_files(document, beside.files)
    with contextlib.suppress(_Undone), office.database.write() as connection:
        row, news = _stored(office, connection, room, document, beside)
        if news == "new":
            waits = Decision(Action.HOLD, (Reason("approval", AWAITS_WORD, decided=True),))
            intake.note(connection, row.id, waits, by=who, now=office.clock())
        if news != "known":
            noted(office, connection, who, f"release {news}", row.id)
        if dry:
            raise _Undone
    said = (news, row.state, row.publish_at, row.edition.title)
    return Added(row.id, room.key, *said, document.warnings)


class _Undone(Exception):
    """Ends a transaction that is not to be kept."""


def _stored(
    office: Office,
    connection: Connection,
    room: Newsroom,
    document: ReleaseDocument,
    beside: Beside,
) -> tuple[ReleaseRow, str]:
    names, now = names_of(document), office.clock()
    if beside.translates is not None:
        row = named(connection, beside.translates)
        news = enclosing.add_translation(connection, row, room, document, now)
    else:
        found, news = _kept(connection, document, room.key, names, now)
        row = named(connection, found)
    if news == "edition" and editions.expected(connection, row.id):
        news = "translation"
    for file in beside.files:
        kept_files.keep(connection, row.id, file, now)
    identities.give_names(connection, room.key, names, row.id, take=False)
    return row, news


def _kept(
    connection: Connection,
    document: ReleaseDocument,
    newsroom: str,
    names: Sequence[str],
    now: datetime,
) -> tuple[int | None, str]:
    """The release that a document belongs to, and what is new about it."""
    found = _whose(connection, document, newsroom, names)
    if found is None:
        made = releases.add(
            connection,
            document,
            newsroom=newsroom,
            identity=names[0],
            hold_reason=AWAITS_WORD,
            now=now,
        )
        if made is not None:
            return made, "new"
        found = _whose(connection, document, newsroom, names)  # somebody was faster
    changed = found is not None and releases.add_edition(connection, found, document.edition, now)
    return found, "edition" if changed else "known"


def _whose(
    connection: Connection, document: ReleaseDocument, newsroom: str, names: Sequence[str]
) -> int | None:
    """The release of that name, which whoever adds it has said, or else of these very words."""
    named = identities.named(connection, newsroom, names)
    return named[0] if named else identities.worded(connection, newsroom, document.edition)


def newsroom_for(office: Office, document: ReleaseDocument, key: str | None) -> Newsroom:
    """Whose a document is: as `key` says, or the document, or its issuer, or the only one there is.

    Raises:
        NotFound: no such newsroom, or none that this issuer signs for.
        NotAllowed: the issuer does not sign for that newsroom.
    """
    wanted = key or document.newsroom
    if wanted is not None:
        room = office.newsroom(wanted)
        if document.issuer is not None and not signs(document.issuer, (room.name, *room.issuers)):
            raise NotAllowed(
                f"The document is signed by “{document.issuer}”, not by “{room.name}”",
                f"choose another newsroom, or add the name to newsroom.{room.key}.issuers",
            )
        return room
    signing = [
        room
        for room in office.newsrooms.values()
        if document.issuer is not None and signs(document.issuer, (room.name, *room.issuers))
    ]
    if len(signing) == 1:
        return signing[0]
    if document.issuer is None and len(office.newsrooms) == 1:
        return next(iter(office.newsrooms.values()))
    known = ", ".join(sorted(office.newsrooms))
    raise NotFound(
        f"No newsroom signs as “{document.issuer}”"
        if document.issuer
        else "The document does not say which newsroom it is from",
        f"name one with --newsroom ({known})"
        + (", or add the name to its `issuers`" if document.issuer else ""),
    )


def send(office: Office, release_id: int, *, who: str, urgent: bool = False) -> ReleaseRow:
    """Give one's word for a held release: it is published when its moment comes, at once if that has passed.

    Where its source asks for the word of two operators, this is one of them (`services.approving`).

    Args:
        urgent: its mailing overtakes those that are not; one that is under way does so from now on.

    Raises:
        NotFound: no such release.
        NotAllowed: it was withdrawn.
    """
    with office.database.write() as connection:
        give_word(office, connection, release_id, who=who)
        if urgent and releases.hasten(connection, release_id):
            noted(office, connection, who, "release urgent", release_id)
        row = named(connection, release_id)
        if urgent:
            for mailing in mailings.mailings(connection, release_id):
                control.hasten(connection, mailing.id)
        wakeup.notify(connection)
    office.wake()
    return row


def listed(office: Office, newsroom: str | None = None, *, limit: int = 50) -> list[ReleaseRow]:
    """Every release the desk knows, newest first.

    Raises:
        NotFound: no such newsroom.
    """
    if newsroom is not None:
        office.newsroom(newsroom)
    with office.database.read() as connection:
        return releases.listed(connection, newsroom, limit=limit)


def shown(office: Office, release_id: int) -> ReleaseRow:
    """One release, whatever its state.

    Raises:
        NotFound: no such release.
    """
    with office.database.read() as connection:
        return named(connection, release_id)


@dataclass(frozen=True, slots=True)
class Why:
    """What was decided about a release, and what it is known by.

    Attributes:
        decisions: oldest first, each with when, by whom, what and the reasons.
        approved_by: whose word its newest text has.
        names: its identity first.
        corrects: the release that a held one is probably about, if it says that it corrects one.
    """

    source: str
    dated: datetime | None
    dated_as: str
    approval: str
    decisions: Sequence[Mapping[str, Any]]
    approved_by: Sequence[str]
    names: Sequence[str]
    corrects: Likely | None


def why(office: Office, release_id: int) -> Why:
    """Why a release stands as it does.

    Raises:
        NotFound: no such release.
    """
    with office.database.read() as connection:
        row = named(connection, release_id)
        return Why(
            source=row.source,
            dated=row.dated,
            dated_as=row.dated_as,
            approval=row.approval,
            decisions=intake.decisions(connection, release_id),
            approved_by=approvals.given(connection, release_id),
            names=identities.names(connection, release_id),
            corrects=originals.proposed(connection, row, office.clock()),
        )


def _check_kind(room: Newsroom, document: ReleaseDocument) -> None:
    if room.kinds and document.kind and document.kind not in room.kinds:
        raise NotAllowed(
            f"“{document.kind}” is not a kind of release that {room.key} mails",
            f"newsroom.{room.key}.kinds allows: {', '.join(room.kinds)}",
        )
