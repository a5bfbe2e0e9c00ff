"""Files that travel in the mail itself: fetched or added while nobody waits, linked where they cannot be had.

A mail is prepared from what lies with us, never from the net: preparing must not wait for a server, and a
retry in a week must give the same bytes. So what is to be attached is fetched as its release is taken in.
"""

import asyncio
from collections.abc import Iterable, Sequence

from mailer.core.files import KEPT, attached, is_harmless, media_type_of, place_of
from mailer.core.release import Edition, File
from mailer.mail.attached import Attachment
from mailer.services.office import Office
from mailer.store import editions, kept_files
from mailer.store.kept_files import KeptFile


def of(office: Office, release_id: int, edition: Edition) -> tuple[Attachment, ...]:
    """What a mail of this text carries."""
    if not any(file.attach for file in edition.files):
        return ()
    with office.database.read() as connection:
        sizes = kept_files.sizes(connection, release_id)
        chosen = _chosen(office, edition.files, sizes)
        found = [(file, kept_files.content(connection, release_id, file.url)) for file in chosen]
    return tuple(
        Attachment(file.url, file.name, file.media_type or media_type_of(file.name), content)
        for file, content in found
        if content is not None
    )


def linked_instead(office: Office, release_id: int) -> list[str]:
    """Of the files that were to travel in the mail, those that do not, and why; for the desk."""
    with office.database.read() as connection:
        sizes = kept_files.sizes(connection, release_id)
        texts = editions.texts(connection, release_id)
    told: dict[str, str] = {}
    for text in texts:
        carried = _chosen(office, text.edition.files, sizes)
        for file in text.edition.files:
            if file.attach and file not in carried:
                told[file.url] = f"{file.name} is linked, not attached: {_why(office, file, sizes)}"
    return list(told.values())


async def fetch(
    office: Office, release_id: int, *, also: Edition | None = None, allow_private: bool = False
) -> None:
    """Get what is to travel with a release and lies elsewhere; what cannot be had is linked.

    Waits for the net: call it where nobody waits for us, and never within a transaction.

    Args:
        also: a text that is not stored yet.
    """
    from mailer.sources.fetch import Bounds, Fetched, Wanted  # noqa: PLC0415 - most mails carry none
    from mailer.sources.fetch import fetch as fetched  # noqa: PLC0415 - as above

    for file in _to_fetch(office, release_id, also):
        wanted = Wanted(file.url, allow_private=allow_private)
        found = await fetched(wanted, bounds=Bounds(size=office.limits.attachments))
        if isinstance(found, Fetched):
            kind = file.media_type or found.media_type
            kept = KeptFile(file.url, file.name, kind, found.payload)
            with office.database.write() as connection:
                kept_files.keep(connection, release_id, kept, office.clock())


def fetch_now(office: Office, release_id: int, *, also: Edition | None = None) -> None:
    """The same for who has no loop: a command."""
    if _to_fetch(office, release_id, also):
        asyncio.run(fetch(office, release_id, also=also))


def _to_fetch(office: Office, release_id: int, also: Edition | None) -> list[File]:
    if not office.limits.attachments:
        return []
    with office.database.read() as connection:
        sizes = kept_files.sizes(connection, release_id)
        texts = [text.edition for text in editions.texts(connection, release_id)]
    return _missing([*texts, also] if also is not None else texts, sizes)


def _missing(texts: Iterable[Edition], sizes: dict[str, int]) -> list[File]:
    wanted = {
        file.url: file
        for edition in texts
        for file in edition.files
        if file.attach and is_harmless(file) and not file.url.startswith(KEPT)
    }
    return [file for url, file in wanted.items() if place_of(url) not in sizes]


def _chosen(office: Office, files: Sequence[File], sizes: dict[str, int]) -> list[File]:
    return attached(
        files, lambda file: sizes.get(place_of(file.url)), most=office.limits.attachments
    )


def _why(office: Office, file: File, sizes: dict[str, int]) -> str:
    size = sizes.get(place_of(file.url))
    if not is_harmless(file):
        return "mail programs distrust files of this kind"
    if size is None:
        return f"it could not be had from {file.url}"
    most = office.limits.attachments // 1024
    return f"a mail carries {most:,} KB at most (limits.attachments_kilobytes)"
