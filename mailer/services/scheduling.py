"""Says at which moment a release goes out, by an operator's word."""

from datetime import datetime

from mailer.core.errors import NotAllowed
from mailer.services import press
from mailer.services.desk_record import noted
from mailer.services.office import Office
from mailer.store import moments, wakeup


def schedule(office: Office, release_id: int, at: datetime, *, who: str) -> None:
    """Have a release published at a moment and not before; an embargo may put it off further.

    Args:
        at: aware.

    Raises:
        NotFound: no such release.
        NotAllowed: it is public or withdrawn, or the moment has passed.
    """
    row = press.shown(office, release_id)
    if at <= office.clock():
        raise NotAllowed("That moment has passed", "leave out --at to send it now")
    with office.database.write() as connection:
        if not moments.schedule(connection, release_id, at):
            raise NotAllowed(f"Release {release_id} is {row.state}: its moment cannot be moved")
        noted(office, connection, who, "release scheduled", release_id, {"at": at.isoformat()})
        wakeup.notify(connection)
    office.wake()
