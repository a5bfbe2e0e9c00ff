"""What comes with a document that is handed in: files from a disk; the release it translates, or corrects."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from mailer.core.errors import NotAllowed
from mailer.core.files import KEPT, MOST, kept_file
from mailer.core.newsroom import Newsroom
from mailer.core.release import Edition, ReleaseDocument
from mailer.services import attachments
from mailer.services.office import Office
from mailer.store import editions, kept_files, releases
from mailer.store.database import Connection
from mailer.store.kept_files import KeptFile
from mailer.store.releases import ReleaseRow


def from_disk(files: Iterable[tuple[str, bytes]]) -> tuple[KeptFile, ...]:
    """Files by name and content, as they are kept with us.

    Raises:
        NotAllowed: one is empty, or too large to be kept.
    """
    found = []
    for name, content in files:
        if not content:
            raise NotAllowed(f"{name} is empty", "check that it is the right file")
        if len(content) > MOST:
            raise NotAllowed(
                f"{name} has {len(content):,} octets; {MOST:,} is the most that is kept here",
                "put it on a web server, and name its address in the document",
            )
        file = kept_file(name, content)
        found.append(KeptFile(file.url, file.name, file.media_type, content))
    return tuple(found)


def with_files(document: ReleaseDocument, files: Sequence[KeptFile]) -> ReleaseDocument:
    """The document, and the files that come with it."""
    if not files:
        return document
    more = tuple(kept_file(file.name, file.content) for file in files)
    edition = replace(document.edition, files=(*document.edition.files, *more))
    return replace(document, edition=edition)


def go_along(
    office: Office,
    release_id: int,
    edition: Edition,
    *,
    files: Sequence[KeptFile] = (),
    without: Collection[str] = (),
) -> Edition:
    """A corrected text, with the files that came from a disk: no document can name those.

    They are those of the text that it corrects. What is to travel in a mail is here afterwards; what lies
    elsewhere is fetched for that, so nobody calls it within a transaction.

    Args:
        files: more of them; one takes the place of another of the same name.
        without: names of those that do not go along.

    Raises:
        NotAllowed: the old text has no file of such a name.
    """
    with office.database.read() as connection:
        old = [
            file
            for text in editions.texts(connection, release_id)
            if text.language == edition.language
            for file in text.edition.files
            if file.url.startswith(KEPT)
        ]
    unknown = sorted(set(without) - {file.name for file in old})
    if unknown:
        there = ", ".join(file.name for file in old) or "none"
        raise NotAllowed(
            f"Release {release_id} has no attached file {unknown[0]}", f"it has {there}"
        )
    more = tuple(kept_file(file.name, file.content) for file in files)
    gone = {*without, *(file.name for file in more)}
    stay = tuple(file for file in old if file.name not in gone)
    whole = replace(edition, files=(*edition.files, *stay, *more))
    with office.database.write() as connection:
        for file in files:
            kept_files.keep(connection, release_id, file, office.clock())
    attachments.fetch_now(office, release_id, also=whole)
    return whole


def add_translation(
    connection: Connection,
    of: ReleaseRow,
    room: Newsroom,
    document: ReleaseDocument,
    now: datetime,
) -> str:
    """Store a document as another language of a release; what is new, as `press.Added` has it.

    Raises:
        NotAllowed: it is of another newsroom, or in the language that the release was first written in.
    """
    language = document.edition.language
    if room.key != of.newsroom:
        raise NotAllowed(
            f"Release {of.id} is of the newsroom “{of.newsroom}”, and the document of “{room.key}”",
            f"say --newsroom {of.newsroom}, or look for the right number in `mailer release list`",
        )
    if language == of.edition.language:
        raise NotAllowed(
            f"The document is in the language of release {of.id} itself ({language})",
            "say its own with --language; other words in the same language come as its next edition",
        )
    changed = releases.add_edition(connection, of.id, document.edition, now)
    return "edition" if changed else "known"
