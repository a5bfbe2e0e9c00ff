"""The press desk: takes documents in, shows them, and lets them go.

A document that is added is stored and held; nothing is mailed until somebody says `send`, and then
not before its publish time. The same words added twice are one release; other words under the same
identity (front matter `id`, canonical address) are its next edition.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.errors import NotAllowed, NotFound
from mailer.core.newsroom import Newsroom
from mailer.core.release import ReleaseDocument, fingerprint
from mailer.services.office import Office
from mailer.store import audit, control, mailings, releases, wakeup
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow

AWAITS_WORD = "added by hand: waits for `mailer release send`"


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a document came to.

    Attributes:
        news: "new", "edition" (new words for a known release) or "known" (nothing was stored).
    """

    id: int
    newsroom: str
    news: str
    state: str
    publish_at: datetime | None
    title: str
    warnings: tuple[str, ...]


def add_document(
    office: Office, document: ReleaseDocument, *, newsroom: str | None = None, who: str
) -> Added:
    """Store a document as a release, held until somebody sends it.

    Args:
        newsroom: its key; None picks it by the document's own word, its issuer, or where there is
            only one.

    Raises:
        NotFound: no such newsroom, or none that this issuer signs for.
        NotAllowed: the issuer or the kind is not this newsroom's.
    """
    room = newsroom_for(office, document, newsroom)
    _check_kind(room, document)
    identities = [name for name in (document.identity, document.canonical_url) if name]
    identities = identities or [f"text:{fingerprint(document.edition)}"]
    with office.database.write() as connection:
        found, news = _kept(connection, document, room.key, identities, office.clock())
        row = _must(connection, found)
        for name in identities[1:]:
            releases.add_alias(connection, room.key, name, row.id)
        if news != "known":
            _note(office, connection, who, f"release {news}", row.id)
    return Added(
        row.id, room.key, news, row.state, row.publish_at, row.edition.title, document.warnings
    )


def _kept(
    connection: Connection,
    document: ReleaseDocument,
    newsroom: str,
    identities: list[str],
    now: datetime,
) -> tuple[int | None, str]:
    """The release that a document belongs to, and what is new about it."""
    found = releases.find(connection, newsroom, identities)
    if found is None:
        made = releases.add(
            connection,
            document,
            newsroom=newsroom,
            identity=identities[0],
            hold_reason=AWAITS_WORD,
            now=now,
        )
        if made is not None:
            return made, "new"
        found = releases.find(connection, newsroom, identities)  # somebody was faster
    changed = found is not None and releases.add_edition(connection, found, document.edition, now)
    return found, "edition" if changed else "known"


def newsroom_for(office: Office, document: ReleaseDocument, key: str | None) -> Newsroom:
    """Whose a document is: as `key` says, or the document, or its issuer, or the only one there is.

    Raises:
        NotFound: no such newsroom, or none that this issuer signs for.
        NotAllowed: the issuer does not sign for that newsroom.
    """
    wanted = key or document.newsroom
    if wanted is not None:
        room = office.newsroom(wanted)
        if document.issuer is not None and not _signs(room, document.issuer):
            raise NotAllowed(
                f"The document is signed by “{document.issuer}”, not by “{room.name}”",
                f"choose another newsroom, or add the name to newsroom.{room.key}.issuers",
            )
        return room
    signing = [
        room
        for room in office.newsrooms.values()
        if document.issuer is not None and _signs(room, document.issuer)
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
    """Approve a held release: it is published when its moment comes, at once if that has passed.

    Args:
        urgent: its mailing overtakes those that are not; one that is under way does so from now on.

    Raises:
        NotFound: no such release.
        NotAllowed: it was withdrawn.
    """
    with office.database.write() as connection:
        row = _must(connection, release_id)
        if row.state == "withdrawn":
            raise NotAllowed(f"Release {release_id} was withdrawn", "add it anew if that was wrong")
        if urgent and releases.hasten(connection, release_id):
            _note(office, connection, who, "release urgent", release_id)
        if releases.approve(connection, release_id):
            _note(office, connection, who, "release approved", release_id)
        row = _must(connection, release_id)
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
        return _must(connection, release_id)


def _signs(room: Newsroom, issuer: str) -> bool:
    names = {name.casefold() for name in (room.name, *room.issuers)}
    return " ".join(issuer.split()).casefold() in names


def _check_kind(room: Newsroom, document: ReleaseDocument) -> None:
    if room.kinds and document.kind and document.kind not in room.kinds:
        raise NotAllowed(
            f"“{document.kind}” is not a kind of release that {room.key} mails",
            f"newsroom.{room.key}.kinds allows: {', '.join(room.kinds)}",
        )


def _must(connection: Connection, release_id: int | None) -> ReleaseRow:
    row = None if release_id is None else releases.read(connection, release_id)
    if row is None:
        raise NotFound(f"There is no release {release_id}", "see `mailer release list`")
    return row


def _note(office: Office, connection: Connection, who: str, act: str, release_id: int) -> None:
    audit.note(
        connection, who=who, act=act, subject=f"release:{release_id}", detail={}, now=office.clock()
    )
