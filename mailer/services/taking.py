"""Takes in what a look at a source found: each document by itself, the oldest first, pages read where needed.

Most of a feed is known. One reading transaction tells which; only what is news is written, each in a
transaction of its own, so that what is wrong with one document stays with it.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mailer.core.decision import Action
from mailer.core.errors import MailerError, ServiceMissing, TryLater
from mailer.core.identity import announced_name
from mailer.core.release import ReleaseDocument
from mailer.services import attachments, sighting
from mailer.services.details import Pages, as_announced
from mailer.services.looks import Look
from mailer.services.office import Office
from mailer.services.sighting import Judged
from mailer.sources.reading import Refusal

log = logging.getLogger(__name__)

_EARLIEST = datetime.min.replace(tzinfo=UTC)
SHOWN_REFUSALS = 20
MOVE = 3
"""So many releases under other names at once, and half of what is shown: the source moved to another system.

What is not known by its words either may have been edited on the way; it is held.
"""


@dataclass
class Tally:
    """What a look came to.

    Attributes:
        counts: how often each `Judged.news`.
        refusals: what cannot become a release.
        left: some documents wait for a later look, which must read the whole again.
        more: and that look is to come soon.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    left: bool = False
    more: bool = False

    def told(self) -> dict[str, object]:
        """As it is kept with the source."""
        refusals = [
            {"place": one.place, "what": one.what, "cure": one.cure}
            for one in self.refusals[:SHOWN_REFUSALS]
        ]
        return {"counts": dict(self.counts), "refused": len(self.refusals), "refusals": refusals}


async def take_in(
    office: Office, look: Look, documents: Sequence[ReleaseDocument], pages: Pages, tally: Tally
) -> None:
    """Judge and store documents, and count what came of them.

    Raises:
        TurnOver: another dispatcher took the source over.
        ServiceMissing, TryLater: the database is away.
    """
    news, renamed = _news(office, look, documents, tally)
    if renamed >= MOVE and 2 * renamed >= len(documents):
        look = replace(look, moved=True)
    for document in news:
        try:
            await _take(office, look, document, pages, tally)
        except (ServiceMissing, TryLater):
            raise
        except MailerError as error:
            place = f"“{document.edition.title[:80]}”"
            tally.refusals.append(Refusal(place, error.what, error.cure))
    tally.refusals.extend(pages.refusals)
    pages.refusals.clear()


def _news(
    office: Office, look: Look, documents: Sequence[ReleaseDocument], tally: Tally
) -> tuple[list[ReleaseDocument], int]:
    """Those that anything is to be written of, the oldest first; those with a release of theirs at the end.

    So the pages of what waits to be mailed, which are read again, never keep out what is new. And how many
    are known by their words alone.
    """
    renamed = 0
    news: list[tuple[bool, datetime, ReleaseDocument]] = []
    with office.database.read() as connection:
        settled = sighting.nothing_new(connection, look, documents)
        if settled:
            tally.counts["known"] += len(settled)
        for place, document in enumerate(documents):
            if place in settled:
                continue
            if document.detail_url is not None:
                known = sighting.announced(connection, look, document) is not None
                has_release = sighting.named(connection, look, document)
            else:
                judged = sighting.judge(office, connection, look, document)
                known = sighting.unchanged(connection, look, judged)
                has_release = judged.release_id is not None
                renamed += judged.renamed
                if known and judged.decision.action is Action.PASS:
                    tally.counts["passed"] += 1
                    continue
            if known:
                tally.counts["known"] += 1
            else:
                news.append((has_release, document.dated or _EARLIEST, document))
    news.reverse()  # lists begin with the newest
    return [document for *_, document in sorted(news, key=lambda one: one[:2])], renamed


async def _take(
    office: Office, look: Look, document: ReleaseDocument, pages: Pages, tally: Tally
) -> None:
    announcement = None
    if document.detail_url is not None:
        announcement = announced_name(document)
        whole = await _whole(office, look, document, pages, tally)
        if whole is None:
            return
        document = whole
    judged = sighting.settle(office, look, document, announcement=announcement)
    tally.counts[judged.news] += 1
    if judged.release_id is not None and any(file.attach for file in document.edition.files):
        await attachments.fetch(office, judged.release_id)


async def _whole(
    office: Office, look: Look, document: ReleaseDocument, pages: Pages, tally: Tally
) -> ReleaseDocument | None:
    """An announced document with its text; None where nothing is to be stored of it now."""
    with office.database.read() as connection:
        early: Judged = sighting.judge(office, connection, look, as_announced(document))
    if early.decision.action is Action.PASS:
        tally.counts["passed"] += 1
        return None
    never_mailed = early.release_id is None and early.decision.action is Action.KEEP
    exhausted = pages.exhausted
    whole = None if exhausted else await pages.whole(document)
    if whole is not None or never_mailed:
        return whole or as_announced(document)
    tally.left = True
    tally.more = tally.more or (exhausted and early.release_id is None)
    return None
