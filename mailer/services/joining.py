"""Makes sure that what releases of several newsrooms have in common is owed in turn: one after the other.

A release that is another newsroom's too is opened once everybody whom the earlier one is for has a row, so
that nobody is owed both (`store.joint`). Those rows are written here and now, a portion at a time.
"""

import logging

from mailer.services.office import Office
from mailer.services.parcelling import zones_of
from mailer.store import gathering, joint, mailings, portions
from mailer.store.releases import ReleaseRow

log = logging.getLogger(__name__)


def may_open(office: Office, row: ReleaseRow) -> bool:
    """Whether a release may be opened now; later where another newsroom's was paused half-way."""
    if row.joint is None:
        return True
    while True:
        with office.database.write() as connection:
            mailings.take_turn(connection, alone=True)
            waiting = joint.unwritten(connection, row.id)
            moved = sum(portions.owe_more(connection, mailing_id) for mailing_id in waiting) > 0
            if waiting and not moved:  # digests are for readers of its audience too
                zones = zones_of(office)
                moved = gathering.gather(connection, zones, portion=office.limits.portion)
            left = joint.unwritten(connection, row.id)
        if not left:
            return True
        if not moved and left == waiting:
            log.debug("joint release waits", extra={"release": row.id, "mailings": waiting})
            return False
