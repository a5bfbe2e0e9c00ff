"""Says whose a document is that a source shows: by its words, by its names, and by what became of a release.

A release that became the correction of another one is that one: what its source still shows of it, or changes
of it, is of the corrected release. And words that a correction took away never come back by a source that
does not know of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailer.core.correction import signalled
from mailer.core.identity import likeness, text_name, unlike
from mailer.core.release import ReleaseDocument
from mailer.store import becoming, identities, intake
from mailer.store.database import Connection
from mailer.store.identities import Version
from mailer.store.intake import Standing

BY_NAME, BY_WORDS = "its name", "its words"


@dataclass(frozen=True, slots=True)
class Owner:
    """A known release, as it concerns one document.

    Attributes:
        by: what the document was recognised by, in words.
        shown: the document as it counts: without the word that marks a correction, where it is one.
        same_text: it says nothing that is not known.
    """

    row: Standing
    by: str
    shown: ReleaseDocument
    same_text: bool


def owner(
    connection: Connection,
    newsroom: str,
    document: ReleaseDocument,
    names: Sequence[str],
    *,
    lock: bool,
) -> tuple[Owner | None, int | None]:
    """The release that a document belongs to; and, where it is nobody's, the one whose name it bears wrongly.

    Args:
        lock: it stays as it is until the transaction ends.
    """
    number, by, reused = _recognised(connection, newsroom, document, names)
    if number is None:
        return None, reused
    row = intake.standing(connection, number, lock=lock)
    if row.became is not None:
        row, by = intake.standing(connection, row.became, lock=lock), BY_NAME
    parts = becoming.joined(connection, [row.id])
    shown = unmarked(document) if parts else document
    same = _says(connection, [row.id, *parts], document) or (
        shown is not document and _says(connection, [row.id], shown)
    )
    same = same or becoming.taken_away(connection, row.id, document.edition)
    return Owner(row, by, shown, same), None


def unmarked(document: ReleaseDocument) -> ReleaseDocument:
    """A document without the word that marks it as a correction or withdrawal."""
    found = signalled(document.edition.title, document.edition.language)
    if found is None:
        return document
    return replace(document, edition=replace(document.edition, title=found.title))


def _recognised(
    connection: Connection, newsroom: str, document: ReleaseDocument, names: Sequence[str]
) -> tuple[int | None, str, int | None]:
    """The release a document belongs to and how it is known; else one whose name it bears wrongly."""
    named = identities.named(connection, newsroom, names)
    worded = identities.worded(connection, newsroom, document.edition)
    if worded is not None:
        return worded, BY_NAME if worded in named else BY_WORDS, None
    if not named:
        return None, "", None
    versions = identities.versions(connection, [*named, *becoming.joined(connection, named)])
    same = [one for one in versions if not unlike(one.text, document.edition)]
    if not same:
        return None, "", named[0]
    best = max(same, key=lambda one: _alike(one, document))
    return best.release_id, BY_NAME, None


def _alike(version: Version, document: ReleaseDocument) -> tuple[bool, float, int]:
    same_language = version.text.language == document.edition.language
    return same_language, likeness(version.text, document.edition), version.release_id


def _says(connection: Connection, releases: Sequence[int], document: ReleaseDocument) -> bool:
    """Pictures and files alone make no other text: their addresses change of themselves."""
    text = document.edition
    return any(
        one.text.language == text.language
        and text_name(one.text) == text_name(text)
        and one.text.contacts == text.contacts
        for one in identities.versions(connection, releases)
    )
