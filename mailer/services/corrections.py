"""Corrects and withdraws releases: who has not got the old text never does, who holds it is told.

    correct     the corrected text is the next edition. Who was not sent the old one gets the release itself,
                corrected, once; who holds it gets one notice in their own thread: what changed, why,
                and the whole corrected text. A release that nobody has seen just has another edition.
    withdraw    nothing more of it is sent; who holds it is told, its page says so, and it cannot come back.

Both take effect at once and are told to the readers as soon as what is on the wire is known (`aftermath`).
"""

from dataclasses import dataclass, replace
from functools import partial

from mailer.core.errors import NotAllowed
from mailer.core.release import Edition
from mailer.mail.desk import Act, Matter
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
from mailer.services.becoming import Becoming
from mailer.services.desk_record import noted
from mailer.services.office import Office
from mailer.store import amendments, editions, moments
from mailer.store.amended import Telling
from mailer.store.database import Connection
from mailer.store.editions import Text


def correct(
    office: Office,
    release_id: int,
    edition: Edition,
    *,
    note: str,
    who: str,
    silent: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """Put a corrected text in the place of a release's text in the same language.

    Args:
        note: what was wrong, for readers.
        silent: tell nobody; what has not left still goes out corrected. Whom an earlier correction was to
            tell and has not told yet is told of both, with that one's note.
        patience: how long to wait for what is on the wire, in seconds.

    Raises:
        NotFound: no such release.
        NotAllowed: it was withdrawn, has no text in that language, or says the same already.
        MailerError: the corrected text cannot be mailed; nothing was changed.
    """
    change = _Change(office, release_id, who, patience)
    return change.correct(edition, note, silent=silent)


def correct_by(
    office: Office,
    held: Becoming,
    edition: Edition,
    *,
    note: str,
    silent: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """As `correct`, by a held release, which is closed in the same moment.

    Args:
        edition: its text, with what else goes along.

    Raises:
        NotAllowed: as `correct`; or somebody has decided about the held one meanwhile.
    """
    change = _Change(office, held.of, held.who, patience, held)
    return change.correct(edition, note, silent=silent)


def withdraw(
    office: Office,
    release_id: int,
    *,
    reason: str,
    who: str,
    by: Becoming | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """Take a release back for good, and tell whoever holds it.

    Args:
        reason: for readers; may be empty.
        by: a held release that says so, which is closed in the same moment.
        patience: how long to wait for what is on the wire, in seconds.

    Raises:
        NotFound: no such release.
        NotAllowed: it was withdrawn before, or somebody has decided about the held one meanwhile.
    """
    return _Change(office, release_id, who, patience, by).withdraw(reason)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one operator does to one release, over again where it was changed meanwhile.

    Attributes:
        held: the held release that is closed by it.
    """

    office: Office
    release_id: int
    who: str
    patience: float
    held: Becoming | None = None

    def correct(self, edition: Edition, note: str, *, silent: bool) -> Amended:
        """Put a corrected text in its place."""
        office = self.office
        while True:
            of = self._standing()
            _check(of, edition)
            if not of.has_left and of.row.state != "published":
                if self._rewritten(of, edition, note):
                    return Amended(of.row.id, edition.title, of.row.state, "edition")
                continue
            plan = _correction(office, of, edition, note, silent=silent)
            number = amend(office, of, plan, partial(self._next_edition, edition), who=self.who)
            if number is not None:
                return aftermath.outcome(office, of.row.id, number, patience=self.patience)

    def withdraw(self, reason: str) -> Amended:
        """Take it back."""
        office = self.office
        while True:
            of = self._standing()
            if of.row.state == "withdrawn":
                raise NotAllowed(
                    f"Release {of.row.id} was withdrawn before", "there is nothing left to do"
                )
            act: Act = "withdrawal" if of.row.state == "published" else "killed"
            plan = taken_back(office, of, act, reason)
            number = amend(office, of, plan, partial(self._withdrawn, reason), who=self.who)
            if number is not None:
                return aftermath.outcome(office, of.row.id, number, patience=self.patience)

    def _standing(self) -> Standing:
        of = standing(self.office, self.release_id)
        if self.held is not None:
            with self.office.database.read() as connection:
                self.held.check(connection)
        return of

    def _next_edition(self, edition: Edition, connection: Connection) -> int:
        editions.add_edition(connection, self.release_id, edition, self.office.clock())
        texts = editions.texts(connection, self.release_id)
        self._close(connection)
        return next(text.edition_id for text in texts if text.language == edition.language)

    def _rewritten(self, of: Standing, edition: Edition, note: str) -> bool:
        """Nobody has seen anything of it: the new words are all there is to it. False if so no longer.

        That its old words are wrong is on record all the same, for its source may still show them.
        """
        office, number = self.office, of.row.id
        with office.database.write() as connection:
            editions.lock(connection, number)
            if not of.stands(connection):
                return False
            made = self._next_edition(edition, connection)
            amendments.add(
                connection,
                release_id=number,
                kind="correction",
                edition_id=made,
                editions=list(of.of_language(edition.language)),
                message_mark=amendments.message_mark(connection),
                note=note,
                silent=True,
                who=self.who[:100],
                made_at=office.clock(),
                settled_at=office.clock(),
            )
            noted(office, connection, self.who, "release edition", number)
        return True

    def _withdrawn(self, reason: str, connection: Connection) -> None:
        moments.withdraw(connection, self.release_id, reason)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if self.held is not None:
            self.held.close(self.office, connection)


def kill(
    office: Office,
    release_id: int,
    *,
    reason: str,
    who: str,
    patience: float = PATIENCE_SECONDS,
) -> Amended:
    """Take back a release that is not public yet; as `withdraw`, and refused for any other.

    Raises:
        NotFound: no such release.
        NotAllowed: it is public, or was withdrawn before.
    """
    if standing(office, release_id).row.state == "published":
        raise NotAllowed(
            f"Release {release_id} is public: there is no embargo to end it by",
            f"mailer release withdraw {release_id}",
        )
    return withdraw(office, release_id, reason=reason, who=who, patience=patience)


def taken_back(office: Office, of: Standing, act: Act, note: str) -> Plan:
    """The plan of a change that leaves nothing of a release to be sent, and tells each holder of theirs."""
    notices = {}
    for number, held in of.held.items():
        matter = Matter(act, held, facts_of(of.row), held=held, note=note)
        notices[number] = Draft(message(office, of, matter), number)
    return Plan(act, tuple(of.editions), notices=notices, note=note)


def _check(of: Standing, edition: Edition) -> None:
    if of.row.state == "withdrawn":
        raise NotAllowed(
            f"Release {of.row.id} was withdrawn and cannot be corrected", "publish a new release"
        )
    same = next((text for text in of.texts if text.language == edition.language), None)
    if same is None:
        there = ", ".join(text.language for text in of.texts)
        raise NotAllowed(
            f"Release {of.row.id} has no text in “{edition.language}”, only in {there}",
            "say with --language which one it corrects; a new language is added with `release add`",
        )
    if same.edition == edition:
        raise NotAllowed(
            f"Release {of.row.id} says the same already: nothing was changed",
            "check that it is the corrected file",
        )


def _correction(office: Office, of: Standing, edition: Edition, note: str, *, silent: bool) -> Plan:
    changed = of.of_language(edition.language)
    public = of.row.state == "published"
    until = of.row.embargo_until
    if public or (until is not None and until <= office.clock()):
        until = None
    early = () if until is None else ("early",)  # none of those leaves once it is lifted
    copies = ("first", "translation") if public else early
    text = Text(0, 0, edition)
    successors = {
        (kind, edition.language): Draft(release_itself(office, of, kind, text))
        for kind in copies
        if any(kind == carrying for _, carrying in of.carried)
    }
    before = of.telling.get(edition.language) if silent else None
    note = before.note if before else note
    matter = Matter(
        "correction", edition, facts_of(of.row), note=note, embargo_until=until, hidden=not public
    )
    notices = {
        number: Draft(message(office, of, replace(matter, held=held)))
        for number, held in of.held.items()
        if number in changed and held != edition and _tells(number, before, silent=silent)
    }
    return Plan(
        "correction", changed, successors, notices, embargo_until=until, note=note, silent=silent
    )


def _tells(held: int, before: Telling | None, *, silent: bool) -> bool:
    """Whether holders of an edition are told: by a silent correction those whom one before it was to tell."""
    return not silent or (before is not None and held < before.edition)
