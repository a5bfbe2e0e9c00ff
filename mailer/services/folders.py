"""Looks into a watched folder and reads what has come to rest: each file once, and anew when it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from mailer.core.errors import MailerError
from mailer.core.release import ReleaseDocument
from mailer.core.source import Source
from mailer.services.details import reading_terms
from mailer.sources import watched
from mailer.sources.reading import Refusal, read
from mailer.sources.watched import SeenFile
from mailer.store.sources import FileRow

QUIET = timedelta(seconds=2)
"""How long a file must stand unchanged."""


@dataclass(frozen=True, slots=True)
class Leafed:
    """What a look into a folder found.

    Attributes:
        documents: of the files that came to rest since.
        files: every file as it is now, to be kept once the documents are; what failed bears its fault.
        gone: paths of those that were there and are not.
        refusals: the files of which nothing came, those of earlier looks too.
        unsettled: some have not stood long enough.
    """

    documents: tuple[ReleaseDocument, ...]
    files: tuple[FileRow, ...]
    gone: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    unsettled: bool


def leaf_through(source: Source, before: Mapping[str, FileRow], now: datetime) -> Leafed:
    """Look into the folder of a source.

    Args:
        before: the files as they were at the last look.

    Raises:
        MailerError: the folder cannot be read.
    """
    folder = Path(source.folder)
    seen = watched.look(folder)
    documents: list[ReleaseDocument] = []
    refusals: list[Refusal] = []
    files = []
    for one in seen:
        row = _row(one, before.get(one.path), now)
        if not row.taken and now - row.since >= QUIET:
            found, faults = read_file(source, folder, one)
            documents.extend(found)
            refusals.extend(faults)
            words = "; ".join(f"{fault.what} ({fault.cure})" for fault in faults)
            row = replace(row, taken=True, fault=words or None)
        elif row.fault is not None:
            refusals.append(Refusal(row.path, row.fault, "it is read again when it changes"))
        files.append(row)
    gone = before.keys() - {one.path for one in seen}
    return Leafed(
        tuple(documents),
        tuple(files),
        tuple(sorted(gone)),
        tuple(refusals),
        unsettled=any(not row.taken for row in files),
    )


def changed(leafed: Leafed, before: Mapping[str, FileRow]) -> list[FileRow]:
    """The files of which something else is to be kept than was."""
    return [row for row in leafed.files if before.get(row.path) != row]


def _row(seen: SeenFile, before: FileRow | None, now: datetime) -> FileRow:
    if before is not None and (before.size, before.stamp) == (seen.size, seen.stamp):
        return before
    return FileRow(seen.path, seen.size, seen.stamp, now, taken=False, fault=None)


def read_file(
    source: Source, folder: Path, seen: SeenFile
) -> tuple[Sequence[ReleaseDocument], list[Refusal]]:
    """The documents that a file holds, and what in it is none."""
    try:
        payload = watched.content(folder, seen)
        found = read(payload, media_type="", url=seen.path, terms=reading_terms(source))
    except MailerError as error:
        return (), [Refusal(seen.path, error.what, error.cure)]
    faults = [Refusal(f"{seen.path}, {one.place}", one.what, one.cure) for one in found.refusals]
    alone = len(found.documents) == 1
    return [_named(one, seen) if alone else one for one in found.documents], faults


def _named(document: ReleaseDocument, seen: SeenFile) -> ReleaseDocument:
    """A file that names its release nowhere is named by its own name, so that it can be corrected."""
    named = document.identity or document.canonical_url
    return document if named else replace(document, identity=seen.path)
