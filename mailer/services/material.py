"""Files and pictures of a release as its page shows them; and those that lie with us, for anybody to have."""

from dataclasses import dataclass

from mailer.core.errors import NotFound
from mailer.core.newsroom import Newsroom
from mailer.mail.material import LinkedFile, LinkedPicture, linked_files, linked_pictures
from mailer.services.office import Office
from mailer.services.public import PublicRelease
from mailer.store import kept_files


@dataclass(frozen=True, slots=True)
class Material:
    """What comes with a release, each with the address that leads to it."""

    files: tuple[LinkedFile, ...]
    pictures: tuple[LinkedPicture, ...]


@dataclass(frozen=True, slots=True)
class OurFile:
    """A file that lies with us."""

    name: str
    media_type: str
    content: bytes


def shown(office: Office, found: PublicRelease) -> Material:
    """What comes with a public release."""
    page = office.site.url(f"/{found.newsroom}/releases/{found.id}-{found.slug}")
    edition = found.edition
    return Material(linked_files(page, edition.files), linked_pictures(page, edition.pictures))


def file(office: Office, newsroom: Newsroom, release_id: int, place: str) -> OurFile:
    """A file of a published release that lies with us.

    Raises:
        NotFound: there is none that anybody may have.
    """
    with office.database.read() as connection:
        row = kept_files.public(connection, newsroom.key, release_id, place)
    if row is None:
        raise NotFound("There is no such file", "look for it on the page of its release")
    return OurFile(*row)
