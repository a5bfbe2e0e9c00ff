"""Makes a held release the correction, or the notice of withdrawal, of the release that it is about.

A source brings "Rettelse: ..." as a release of its own; it is held, for a person decides. What they decide is
done in the transaction that corrects the other one: the held one is closed, its names are the other's. So no
later poll mails it or corrects twice, and of two operators one is told that it has been done.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mailer.core.correction import signalled
from mailer.core.decision import Action, Decision, Reason
from mailer.core.errors import NotAllowed
from mailer.core.files import KEPT
from mailer.core.release import Edition
from mailer.services.desk_record import named, noted
from mailer.services.office import Office
from mailer.store import becoming, editions, intake, kept_files, releases
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow

Notice = Literal["correction", "withdrawal"]


@dataclass(frozen=True, slots=True)
class Becoming:
    """A held release as somebody read it, and what it is to become.

    Attributes:
        release: its number.
        of: that of the release which it corrects or takes back.
        newest: its last edition.
        text: what the other one is to say; None for a withdrawal.
        who: whose decision it is.
    """

    release: int
    of: int
    newest: int
    text: Edition | None
    who: str

    @property
    def corrected(self) -> Edition:
        """What the other one is to say: only a correction has that."""
        assert self.text is not None
        return self.text

    @property
    def notice(self) -> Notice:
        """What it is to become."""
        return "withdrawal" if self.text is None else "correction"

    def check(self, connection: Connection) -> ReleaseRow:
        """The held release, if it still is as it was read.

        Raises:
            NotAllowed: it is held no more, or says something else by now.
        """
        row = named(connection, self.release)
        _check_held(row)
        if row.newest != self.newest:
            raise NotAllowed(
                f"The text of release {row.id} changed in this very moment",
                f"read it, and say it again: mailer release show {row.id}",
            )
        return row

    def close(self, office: Office, connection: Connection) -> None:
        """Close it, in the transaction that has changed the other one.

        Where both have further languages in common it stays held until these have been corrected too.

        Raises:
            NotAllowed: as `check`.
        """
        editions.lock(connection, self.release)
        row = self.check(connection)
        left = [] if self.text is None else _left(connection, self.release, self.of)
        if left:
            words = f"corrected release {self.of}; its text in {', '.join(left)} waits"
            releases.hold(connection, row.id, words)
        else:
            words = f"became the {self.notice} of release {self.of}"
            becoming.close(connection, row.id, of=self.of, reason=words)
        _on_record(office, connection, self, words)


def correction(
    office: Office, release_id: int, *, of: int, language: str | None, who: str
) -> Becoming:
    """A held release as the correction of another one, its text without the word that marks it as that.

    Args:
        language: which of its texts; None where it has one that the other has too.

    Raises:
        NotFound: no such release.
        NotAllowed: it is not held, of another newsroom, under an embargo, or has several texts.
    """
    with office.database.read() as connection:
        row, other = _both(connection, release_id, of)
        _check_embargo(row, other, office.clock())
        texts = {one.language: _unmarked(one.edition) for one in editions.texts(connection, row.id)}
        left = _left(connection, row.id, of)
    if language is None and len(left) > 1:
        raise NotAllowed(
            f"Release {row.id} has texts in {', '.join(left)}, and so has release {of}",
            "say with --language which one comes first, then the command again for each other",
        )
    chosen = language or (left or list(texts))[0]
    if chosen not in texts:
        raise NotAllowed(
            f"Release {row.id} has no text in “{chosen}”, only in {', '.join(texts)}",
            "say with --language which of them corrects it",
        )
    if any(file.attach for file in texts[chosen].files):
        with office.database.write() as connection:
            kept_files.share(connection, row.id, of, office.clock())
    return Becoming(row.id, of, row.newest, texts[chosen], who)


def own_text(office: Office, release_id: int, *, language: str | None) -> Edition:
    """The text that a release's source has put in its place and marked as a correction, without that mark.

    Raises:
        NotFound: no such release.
        NotAllowed: none of its texts is marked as one, or several are.
    """
    with office.database.read() as connection:
        row = named(connection, release_id)
        texts = [one.edition for one in editions.texts(connection, row.id)]
    marked = {
        text.language: _unmarked(text)
        for text in texts
        if language in {None, text.language} and _unmarked(text) != text
    }
    if len(marked) == 1:
        return next(iter(marked.values()))
    if marked:
        raise NotAllowed(
            f"Release {row.id} is marked as corrected in {', '.join(marked)}",
            "say with --language which one comes first, then the command again for each other",
        )
    raise NotAllowed(
        f"No title of release {row.id} says that it is a correction",
        "name the held release that corrects it with --from, or give the text as a file",
    )


def withdrawal(office: Office, release_id: int, *, of: int, who: str) -> Becoming:
    """A held release as the notice that another one is withdrawn.

    Raises:
        NotFound: no such release.
        NotAllowed: it is not held, or of another newsroom.
    """
    with office.database.read() as connection:
        row, _ = _both(connection, release_id, of)
    return Becoming(row.id, of, row.newest, None, who)


def _both(connection: Connection, release_id: int, of: int) -> tuple[ReleaseRow, ReleaseRow]:
    row, other = named(connection, release_id), named(connection, of)
    if row.id == other.id:
        raise NotAllowed(
            f"Release {of} cannot be about itself", "name the held one that is about it with --from"
        )
    _check_held(row)
    if row.newsroom != other.newsroom:
        raise NotAllowed(
            f"Release {row.id} is of the newsroom “{row.newsroom}”, release {of} of “{other.newsroom}”",
            "look for the right number in `mailer release list`",
        )
    return row, other


def _check_held(row: ReleaseRow) -> None:
    if row.became is not None:
        raise NotAllowed(
            f"Release {row.id} {row.hold_reason} already", f"see mailer release show {row.became}"
        )
    if row.state == "held":
        return
    cures = {
        "approved": f"stop it first: mailer release hold {row.id}",
        "published": "its readers have it as a release; give the corrected text as a file",
        "withdrawn": "give the corrected text as a file",
    }
    raise NotAllowed(f"Release {row.id} is {row.state}, not held", cures[row.state])


def _check_embargo(row: ReleaseRow, other: ReleaseRow, now: datetime) -> None:
    until = row.embargo_until
    covered = other.state != "published" and (other.embargo_until or now) >= (until or now)
    if until is not None and until > now and not covered:
        raise NotAllowed(
            f"Release {row.id} is under embargo until {until:%Y-%m-%d %H:%M} UTC: its text may not leave",
            f"wait, or end it first: mailer release embargo {row.id} --lift",
        )


def _left(connection: Connection, release_id: int, of: int) -> list[str]:
    """The languages that both have, in which the other one does not say the same yet."""
    there = {one.language: one.edition for one in editions.texts(connection, of)}
    return [
        one.language
        for one in editions.texts(connection, release_id)
        if one.language in there and _words(there[one.language]) != _words(_unmarked(one.edition))
    ]


def _words(text: Edition) -> Edition:
    """A text without the files that came from a disk, which go along from one text to the next."""
    return replace(text, files=tuple(file for file in text.files if not file.url.startswith(KEPT)))


def _unmarked(text: Edition) -> Edition:
    found = signalled(text.title, text.language)
    return text if found is None else replace(text, title=found.title)


def _on_record(office: Office, connection: Connection, one: Becoming, words: str) -> None:
    now = office.clock()
    told = {
        one.release: words,
        one.of: f"release {one.release} is its {one.notice}",
    }
    for number, said in told.items():
        decision = Decision(Action.KNOWN, (Reason("desk", said, decided=True),))
        intake.note(connection, number, decision, by=one.who, now=now)
    noted(office, connection, one.who, f"release became {one.notice}", one.release, {"of": one.of})
