"""Puts releases under embargo, moves and lifts it, and tells whoever has read early.

Nobody but accredited readers gets a release before its embargo ends, not by hand either: only lifting or
breaking it, which is on record, lets it go before. Whoever holds an early copy is told in its thread; early
copies that have not left say the new time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.core.errors import NotAllowed
from mailer.mail.desk import Matter
from mailer.services import aftermath
from mailer.services.aftermath import PATIENCE_SECONDS, Amended
from mailer.services.amending import (
    Draft,
    Plan,
    Standing,
    amend,
    facts_of,
    message,
    release_itself,
    standing,
)
from mailer.services.corrections import taken_back
from mailer.services.office import Office
from mailer.store import moments
from mailer.store.database import Connection


def move(
    office: Office,
    release_id: int,
    until: datetime,
    *,
    who: str,
    note: str = "",
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """Put a release under embargo until a moment, or move the embargo that it is under.

    Args:
        until: aware; nobody but accredited readers sees it before.
        note: for those who hold an early copy.

    Raises:
        NotFound: no such release.
        NotAllowed: it is public or withdrawn, or that moment has passed.
    """
    if until <= office.clock():
        raise NotAllowed(
            "An embargo ends in the future", f"lift it: mailer release embargo {release_id} --lift"
        )
    change = _Change(office, release_id, who, patience)
    return change.make(until, lambda of: moved(office, of, until, note), "embargo moved")


def lift(
    office: Office,
    release_id: int,
    *,
    who: str,
    note: str = "",
    broken: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """Lift an embargo: the release goes out as if there had been none.

    Args:
        broken: somebody said so by hand as they sent it; on record as that.

    Raises:
        NotFound: no such release.
        NotAllowed: it is public or withdrawn, or under no embargo.
    """
    change = _Change(office, release_id, who, patience)
    act = "embargo broken" if broken else "embargo lifted"
    return change.make(None, lambda of: taken_back(office, of, "lifted", note), act)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one operator does to one embargo."""

    office: Office
    release_id: int
    who: str
    patience: float

    def make(self, until: datetime | None, plan: Callable[[Standing], Plan], act: str) -> Amended:
        """Make it, over again where the release was changed meanwhile."""
        while True:
            of = standing(self.office, self.release_id)
            _check(of, lifting=until is None)
            number = amend(
                self.office,
                of,
                replace(plan(of), act=act),
                lambda connection: _set(connection, self.release_id, until),
                who=self.who,
            )
            if number is not None:
                return aftermath.outcome(
                    self.office, self.release_id, number, patience=self.patience
                )


def moved(office: Office, of: Standing, until: datetime, note: str) -> Plan:
    """The plan of moving an embargo: early copies say the new moment, who holds one is told."""
    later = replace(of, row=replace(of.row, embargo_until=until))
    newest = {text.language: text for text in of.texts}
    successors = {
        ("early", text.language): Draft(
            release_itself(office, later, "early", text), text.edition_id
        )
        for text in of.texts
        if of.carried
    }
    notices = {}
    for number, held in of.held.items():
        text = newest[held.language]
        matter = Matter(
            "moved", text.edition, facts_of(of.row), held=held, note=note, embargo_until=until
        )
        notices[number] = Draft(message(office, of, matter), text.edition_id)
    return Plan("moved", tuple(of.editions), successors, notices, embargo_until=until, note=note)


def _set(connection: Connection, release_id: int, until: datetime | None) -> None:
    moments.set_embargo(connection, release_id, until)


def _check(of: Standing, *, lifting: bool) -> None:
    if of.row.state in {"published", "withdrawn"}:
        raise NotAllowed(
            f"Release {of.row.id} is {of.row.state}: an embargo has no meaning any more",
            f"correct it with `mailer release correct {of.row.id}`, or withdraw it",
        )
    if lifting and of.row.embargo_until is None:
        raise NotAllowed(
            f"Release {of.row.id} is under no embargo",
            f"mailer release send {of.row.id} lets it go",
        )
