"""Does what a source says of an embargo, and tells who holds an early copy, as the desk's own command does.

A later moment counts at once. An earlier one, or none any more, counts where the source needs nobody's word
and the embargo is by its word; else the desk is told, once, and decides. What the source said last is kept
with the release, in the same transaction as what follows from it: a poll that is repeated finds it done.
"""

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial

from mailer.core.decision import Action, Decision, Reason
from mailer.core.embargo import Heard, heard
from mailer.core.release import ReleaseDocument
from mailer.core.source import Source
from mailer.services import aftermath, embargo
from mailer.services.amending import Plan, Standing, amend, standing
from mailer.services.corrections import taken_back
from mailer.services.looks import Look
from mailer.services.office import Office
from mailer.store import amendments, intake
from mailer.store.database import Connection
from mailer.store.intake import Standing as Row

log = logging.getLogger(__name__)


def heard_of(row: Row, document: ReleaseDocument, source: Source, now: datetime) -> Heard | None:
    """What a document's word on the embargo of its release comes to; None for nothing new."""
    if row.state not in {"held", "approved"}:
        return None
    return heard(
        document.embargo_until,
        before=row.embargo_said,
        until=row.embargo_until,
        own=row.source == source.key,
        trusted=source.terms.approval == "auto" and row.approval == "auto",
        now=now,
    )


def follow(office: Office, look: Look, release_id: int, document: ReleaseDocument) -> None:
    """Do what a document's word on the embargo of its release comes to, if it is news.

    Raises:
        TurnOver: another dispatcher polls the source by now.
        MailerError: what has to be told cannot be made into a mail; nothing was changed.
    """
    while True:
        of = standing(office, release_id)
        with office.database.read() as connection:
            row = intake.standing(connection, release_id, lock=False)
        news = heard_of(row, document, look.source, office.clock())
        if news is None:
            return
        if news.until == row.embargo_until:
            if _noted(office, look, row, document, news):
                return
            continue
        number = amend(
            office,
            of,
            _plan(office, of, news.until),
            partial(_set, office, look, release_id, document.embargo_until, news.until),
            who=f"source {look.source.key}",
        )
        if number is not None:
            aftermath.settled(office, number, patience=0)
            return


def _plan(office: Office, of: Standing, until: datetime | None) -> Plan:
    if until is None:
        return replace(taken_back(office, of, "lifted", ""), act="embargo lifted")
    return replace(embargo.moved(office, of, until, ""), act="embargo moved")


def _set(
    office: Office,
    look: Look,
    release_id: int,
    said: datetime | None,
    until: datetime | None,
    connection: Connection,
) -> None:
    """The change itself, in the transaction that tells of it."""
    look.check(connection)
    intake.hear_embargo(connection, release_id, said=said, until=until)
    words = (
        f"its source moved it to {until:%Y-%m-%d %H:%M} UTC" if until else "its source lifted it"
    )
    _on_record(office, connection, look, release_id, words)


def _noted(office: Office, look: Look, row: Row, document: ReleaseDocument, news: Heard) -> bool:
    """Keep what the source says where nothing follows from it; False if the release changed meanwhile."""
    with office.database.write() as connection:
        amendments.lock(connection, row.id)
        look.check(connection)
        if intake.standing(connection, row.id, lock=False) != row:
            return False
        said = document.embargo_until
        intake.hear_embargo(connection, row.id, said=said, until=row.embargo_until)
        if news.asks:
            told = (
                f"ends it at {said:%Y-%m-%d %H:%M} UTC" if said else "says nothing of it any more"
            )
            words = f"its source {told}: `mailer release embargo {row.id}` moves or lifts it"
            _on_record(office, connection, look, row.id, words)
            log.warning("embargo", extra={"release": row.id, "reason": words})
    return True


def _on_record(
    office: Office, connection: Connection, look: Look, release_id: int, words: str
) -> None:
    decision = Decision(Action.KNOWN, (Reason("embargo", words, decided=True),))
    by = f"source {look.source.key}"
    intake.note(connection, release_id, decision, by=by, now=office.clock())
