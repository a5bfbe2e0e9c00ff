"""Keeps on record who at the press desk changed what of a release."""

from collections.abc import Mapping

from mailer.services.office import Office
from mailer.store import audit
from mailer.store.database import Connection


def noted(
    office: Office,
    connection: Connection,
    who: str,
    act: str,
    release_id: int,
    detail: Mapping[str, object],
) -> None:
    """Keep on record who changed what."""
    audit.note(
        connection,
        who=who,
        act=f"release {act}",
        subject=f"release:{release_id}",
        detail={name: value for name, value in detail.items() if value},
        now=office.clock(),
    )
