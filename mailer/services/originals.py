"""Hears that a document corrects or withdraws another release, and proposes which: a person decides."""

from datetime import datetime, timedelta

from mailer.core.correction import Earlier, Likely, probable_original, signalled
from mailer.core.release import Edition, ReleaseDocument
from mailer.store import identities, intake
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow

LOOK_BACK = timedelta(days=30)


def suspicion(
    connection: Connection, newsroom: str, document: ReleaseDocument, now: datetime
) -> str:
    """Why a new document looks like a correction or withdrawal of another one; empty if it does not."""
    edition = document.edition
    found = signalled(edition.title, edition.language)
    if found is None and not document.signal:
        return ""
    said = f"its title says “{found.word}”" if found else f"its source says: {document.signal}"
    return f"{said}; {_proposed(_likely(connection, newsroom, edition, now))}"


def proposed(connection: Connection, row: ReleaseRow, now: datetime) -> Likely | None:
    """The release that a held one is probably about; None for none, and for what corrects nothing."""
    said = [each["rule"] for one in intake.decisions(connection, row.id) for each in one["reasons"]]
    if row.state != "held" or "signal" not in said:
        return None
    likely = _likely(connection, row.newsroom, row.edition, now, but=row.id)
    return likely[0] if likely else None


def new_signal(connection: Connection, release_id: int, document: ReleaseDocument) -> str:
    """Why a new text of a known release looks like a correction of it, where its texts before did not."""
    edition = document.edition
    found = signalled(edition.title, edition.language)
    if found is None:
        return ""
    before = identities.versions(connection, [release_id])
    if any(signalled(one.text.title, one.text.language) for one in before):
        return ""
    return f"its title says “{found.word}” since"


def _likely(
    connection: Connection,
    newsroom: str,
    edition: Edition,
    now: datetime,
    *,
    but: int | None = None,
) -> tuple[Likely, ...]:
    found = signalled(edition.title, edition.language)
    return probable_original(
        found.title if found else edition.title,
        newsroom=newsroom,
        at=now,
        links=_links(edition),
        earlier=[one for one in _earlier(connection, newsroom, now) if one.id != but],
        most=1,
    )


def _earlier(connection: Connection, newsroom: str, now: datetime) -> list[Earlier]:
    return [
        Earlier(one.id, newsroom, one.title, one.language, one.at, one.names)
        for one in identities.recent(connection, newsroom, since=now - LOOK_BACK)
    ]


def _links(edition: Edition) -> set[str]:
    return {run.href for block in edition.body for run in block.runs if run.href is not None}


def _proposed(likely: tuple[Likely, ...]) -> str:
    if not likely:
        return "no earlier release is like it"
    (one,) = likely
    return f"probably of release {one.id}, “{one.title[:80]}” ({', '.join(one.reasons)})"
