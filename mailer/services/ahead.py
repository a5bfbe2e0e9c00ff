"""Has the next release ready before its moment: rendered and inlined, so that only the ledger is left to do.

What was prepared is used only if the release still says the same when its moment has come. Its Date, and the
day that it shows, are the moment's own.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core.embargo import moment_of
from mailer.core.errors import MailerError
from mailer.services import editions
from mailer.services.editions import Ready
from mailer.services.office import Office
from mailer.store import editions as languages
from mailer.store import moments, releases
from mailer.store.editions import Text
from mailer.store.releases import ReleaseRow

log = logging.getLogger(__name__)

READY_BEFORE = timedelta(seconds=30)
STALE_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Readied:
    """What was prepared, and what it was prepared of."""

    row: ReleaseRow
    texts: tuple[Text, ...]
    messages: tuple[Ready, ...]
    moment: datetime


class Ahead:
    """What one dispatcher has ready.

    Attributes:
        fresh: what came to that since somebody emptied it.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._ready: dict[int, Readied] = {}
        self.fresh: list[Readied] = []

    def look(self) -> datetime | None:
        """The next moment of a release; None where none is waited for. What is near is made ready."""
        now = self._office.clock()
        with self._office.database.read() as connection:
            found = moments.coming(connection, now)
            near = [one for one in found if one[1] - now <= READY_BEFORE]
            said = [
                (releases.read(connection, number), languages.texts(connection, number))
                for number, _ in near
            ]
        self._ready = {number: self._ready[number] for number, _ in near if number in self._ready}
        for (number, moment), (row, texts) in zip(near, said, strict=True):
            known = self._ready.get(number)
            if row is not None and (known is None or (known.row, known.texts) != (row, texts)):
                self._prepare(row, texts, moment)
        return found[0][1] if found else None

    def take(self, row: ReleaseRow, texts: Sequence[Text]) -> tuple[Ready, ...] | None:
        """The messages of a release that is due now, if they are ready and it says the same; once."""
        found = self._ready.pop(row.id, None)
        moment = moment_of(row.publish_at, row.embargo_until)
        if found is None or moment is None or (found.row, found.texts) != (row, tuple(texts)):
            return None
        return found.messages if self._office.clock() - moment <= STALE_AFTER else None

    def _prepare(self, row: ReleaseRow, texts: tuple[Text, ...], moment: datetime) -> None:
        try:
            ready = editions.prepare_all(self._office, row, texts, at=moment)
        except MailerError as error:  # said again, and acted upon, when it is due
            log.warning("cannot be made ready", extra={"release": row.id, "reason": error.what})
            return
        self._ready[row.id] = Readied(row, texts, ready, moment)
        self.fresh.append(self._ready[row.id])
        log.info("ready", extra={"release": row.id, "moment": moment.isoformat()})
