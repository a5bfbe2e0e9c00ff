"""Reads the release that an operator names, and keeps on record who changed what of it."""

from collections.abc import Mapping
from types import MappingProxyType

from mailer.core.errors import NotFound
from mailer.services.office import Office
from mailer.store import audit, releases
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow


def named(connection: Connection, release_id: int | None) -> ReleaseRow:
    """The release of that number.

    Raises:
        NotFound: there is none.
    """
    row = None if release_id is None else releases.read(connection, release_id)
    if row is None:
        raise NotFound(f"There is no release {release_id}", "see `mailer release list`")
    return row


def noted(
    office: Office,
    connection: Connection,
    who: str,
    act: str,
    release_id: int,
    detail: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Keep on record who changed what; of the details those that say something."""
    audit.note(
        connection,
        who=who,
        act=act,
        subject=f"release:{release_id}",
        detail={name: value for name, value in detail.items() if value},
        now=office.clock(),
    )
