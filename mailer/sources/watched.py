"""Looks into a watched folder: which files could be releases, and which have stood still for a moment.

Whoever writes a file takes a while, and what is read meanwhile is half a release. So a file counts only when
a later look finds it as an earlier one did: same size, same time of change. Nothing is moved or deleted.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from mailer.core.errors import MailerError

SUFFIXES = frozenset(
    (".md", ".markdown", ".txt", ".html", ".htm", ".json", ".xml", ".rss", ".atom")
)
"""What can be a release; pictures and attachments beside it are none."""
MAX_FILES = 2_000
MAX_SIZE = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it is now; `stamp` changes with whatever anybody does to it."""

    path: str
    size: int
    stamp: int


def look(folder: Path) -> list[SeenFile]:
    """The files that could be releases, by name.

    Raises:
        MailerError: the folder cannot be read, or holds too many.
    """
    try:
        with os.scandir(folder) as entries:
            found = [seen for entry in entries if (seen := _seen(entry)) is not None]
    except OSError as error:
        raise MailerError(
            f"The folder {folder} cannot be read ({(error.strerror or str(error)).lower()})",
            "make it, or let this account read it",
        ) from error
    if len(found) > MAX_FILES:
        raise MailerError(
            f"The folder {folder} holds {len(found):,} files; {MAX_FILES:,} are looked at",
            "move those that are done elsewhere: what was taken in stays here",
        )
    return sorted(found, key=lambda one: one.path)


def content(folder: Path, seen: SeenFile) -> bytes:
    """What a file holds.

    Raises:
        MailerError: it is too large, or cannot be read.
    """
    if seen.size > MAX_SIZE:
        raise MailerError(
            f"it has {seen.size / 1024 / 1024:.0f} MB; {MAX_SIZE // 1024 // 1024} are read",
            "leave pictures and attachments out of the text",
        )
    try:
        with (folder / seen.path).open("rb") as file:
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MailerError(f"it cannot be read ({reason})", "let this account read it") from error


def _seen(entry: "os.DirEntry[str]") -> SeenFile | None:
    name = entry.name
    hidden = name.startswith((".", "~", "#")) or name.endswith("~")
    if hidden or Path(name).suffix.lower() not in SUFFIXES:
        return None
    try:
        if not entry.is_file():
            return None
        state = entry.stat()
    except OSError:
        return None  # it went in this very moment
    return SeenFile(name, state.st_size, max(state.st_mtime_ns, state.st_ctime_ns))
