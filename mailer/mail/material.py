"""Files and pictures as a mail or a page shows them: linked by a whole address, never loaded by a mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mailer.core.files import KEPT, place_of
from mailer.core.release import File, Picture
from mailer.mail.attached import Attachment
from mailer.mail.clean import safe_link


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file with the address that leads to it.

    Attributes:
        attached: it is in the mail itself, too.
    """

    file: File
    href: str
    attached: bool = False


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture with the address that leads to it.

    Attributes:
        ours: it lies with us, so that our own pages may show it.
    """

    picture: Picture
    href: str
    ours: bool = False


def linked_files(
    page: str, files: Sequence[File], attachments: Sequence[Attachment] = ()
) -> tuple[LinkedFile, ...]:
    """Files with their addresses; those without one that may be linked are left out.

    Args:
        page: the address of the release's page.
    """
    carried = {one.url for one in attachments}
    found = ((file, _address(page, file.url, file.name)) for file in files)
    return tuple(LinkedFile(file, href, file.url in carried) for file, href in found if href)


def linked_pictures(page: str, pictures: Sequence[Picture]) -> tuple[LinkedPicture, ...]:
    """Pictures with their addresses, likewise."""
    found = ((picture, _address(page, picture.url, "picture")) for picture in pictures)
    return tuple(
        LinkedPicture(picture, href, picture.url.startswith(KEPT))
        for picture, href in found
        if href
    )


def _address(page: str, url: str, name: str) -> str | None:
    if url.startswith(KEPT):
        return f"{page}/files/{place_of(url)}/{quote(name, safe='')}"
    return safe_link(url)
