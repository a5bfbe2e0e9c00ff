"""What comes with a release: where each file is found, what may travel in the mail itself, what it is called.

A file lies on the web, or with us: then its address is `kept:` and the digest of its content. Only kinds that
every mail program shows without fear are ever attached, and only while all of a message's together stay
within a bound; whatever else is linked.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Iterable

from mailer.core.release import File

KEPT = "kept:"
"""What the address of a file begins with that lies with us and nowhere else."""

MOST = 10 * 1024 * 1024
"""Octets of a file that we keep; larger ones belong on a server of their own."""

_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_HARMLESS = frozenset(
    {
        "application/pdf",
        "application/rtf",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/calendar",
        "text/csv",
        "text/plain",
        "application/vnd.ms-excel",
        "application/msword",
        f"{_OPEN_DOCUMENT}text",
        f"{_OPEN_DOCUMENT}spreadsheet",
        f"{_OPEN_DOCUMENT}presentation",
        f"{_OPEN_XML}wordprocessingml.document",
        f"{_OPEN_XML}spreadsheetml.sheet",
        f"{_OPEN_XML}presentationml.presentation",
    }
)
_BOOK = mimetypes.MimeTypes()  # not the machine's: one name means one type everywhere
_LONGEST_WORD = 5
_PREFERRED = {"image/jpeg": "JPEG", "text/plain": "TXT"}


def kept_file(name: str, content: bytes) -> File:
    """A file from a disk, to be kept with us and put into the mail."""
    digest = hashlib.sha256(content).hexdigest()
    return File(f"{KEPT}{digest}", name, media_type_of(name), len(content), attach=True)


def place_of(url: str) -> str:
    """The word for a file among those of its release: 16 hexadecimal digits."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def media_type_of(name: str) -> str:
    """What the end of a file's name says that it is; empty where it says nothing."""
    return _BOOK.guess_type(name.rpartition("/")[2], strict=True)[0] or ""


def kind_of(file: File) -> str:
    """A short word for what a file is, as `PDF`; empty where nobody said."""
    media_type = file.media_type.partition(";")[0].strip().lower() or media_type_of(file.name)
    if not media_type or media_type == "application/octet-stream":
        _, dot, ending = file.name.rpartition(".")
        return ending.upper() if dot and len(ending) <= _LONGEST_WORD else ""
    ending = _BOOK.guess_extension(media_type, strict=True) or ""
    return _PREFERRED.get(media_type) or ending.removeprefix(".").upper()


def attached(files: Iterable[File], size_of: Callable[[File], int | None], most: int) -> list[File]:
    """Those that go into the mail itself, in their order, as long as there is room.

    Args:
        size_of: octets of what we have of a file; None where we have nothing.
        most: octets of all of them together.
    """
    found: list[File] = []
    for file in files:
        size = size_of(file)
        if not file.attach or size is None or size > most or not is_harmless(file):
            continue
        found.append(file)
        most -= size
    return found


def is_harmless(file: File) -> bool:
    """Whether every mail program takes such a file without fear."""
    media_type = file.media_type.partition(";")[0].strip().lower() or media_type_of(file.name)
    return media_type in _HARMLESS and media_type_of(file.name) in {"", media_type}
