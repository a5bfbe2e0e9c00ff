"""Time at the press office, its dispatchers, and what the relay and the model see of their letters."""

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from support.desk import ACCEPTED, REFUSED, UNKNOWN
from support.desk_hand import Mail
from support.dispatching_by_hand import ByHand
from support.mortal import Killed
from support.press_facts import Release
from support.press_room import Handed, PressRoom

from mailer.core.delivery import MAILED, Outcome
from mailer.services import aftermath, digest, publish, translations
from mailer.services.bookkeeper import Letter
from mailer.services.publish import Published
from mailer.store.ledger_tables import mailing

OLD = timedelta(hours=21)
"""What fails longer after it was made may be given up."""
TOKEN = re.compile(r"(?<![-/=\w])q\d+q(?![-\w])")
"""In words, not in the address of a page, which keeps those of the first title."""


class PressDispatch(PressRoom):
    """Who sends."""

    # Time, and what is done as it passes.

    def time_passes(self, hours: float, watched: bool) -> None:
        """Args: watched: a dispatcher does its chores as it passes."""
        self.clock.move(hours=hours)
        if watched:
            self.chores_are_done(0)

    def chores_are_done(self, deaths: int) -> None:
        self.releases_are_published()
        aftermath.settle_due(self.office)
        for done in translations.publish_due(self.office):
            assert isinstance(done, Published)
            with self.database.read() as connection:
                of = select(mailing.c.language).where(mailing.c.id == done.mailing_id)
                language = connection.scalar(of)
            release = self.model.releases[done.release_id]
            self.model.translates(release, str(language), self.clock())
        self.database.deaths = deaths
        for _ in range(deaths + 1):
            with suppress(Killed):
                while digest.send_due(self.office).more:
                    pass
        self.database.deaths = 0
        while digest.send_due(self.office).more:
            pass
        self.model.opens(self.clock())

    def releases_are_published(self) -> None:
        done = publish.publish_due(self.office)
        went = [one.release_id for one in done if isinstance(one, Published)]
        assert went == self.model.publishes(self.clock())

    # What dispatchers do.

    def another_dispatcher_starts(self) -> None:
        if len(self.workers) < 2:
            self.a_dispatcher_starts()

    def a_dispatcher_starts(self) -> None:
        worker = ByHand(self.office, Path(self.folder.name) / "state", lambda: 0.0)
        worker.books.take_over()
        self.workers.append(worker)
        self.unwritten[worker] = []

    def it_takes(self, pick: int, want: int) -> None:
        self.take(self.worker(pick), want)

    def it_sends(self, pick: int, want: int, answer: Outcome, took: bool) -> None:
        """A few letters, all of them answered alike, and told to the ledger."""
        worker = self.worker(pick)
        self.take(worker, want)
        self.begin(worker, want)
        for letter in list(worker.leaving):
            self.hear(worker, letter, answer, took=took)
        self.write(worker)

    def it_sends_all(self, pick: int) -> None:
        worker = self.worker(pick)
        self.finish(worker)

    def it_begins(self, pick: int, count: int) -> None:
        self.begin(self.worker(pick), count)

    def it_hears(self, pick: int, answer: Outcome, took: bool) -> None:
        worker = self.worker(pick)
        for letter in worker.leaving[:1]:
            self.hear(worker, letter, answer, took=took)

    def it_is_killed(self, pick: int, took: bool, journal: str) -> None:
        worker = self.worker(pick)
        doubtful = list(worker.leaving)
        for letter in doubtful:
            if took:
                self.arrive(letter)
        if journal != "kept":
            doubtful += [*worker.feed, *worker.entered, *worker.given_up, *self.unwritten[worker]]
        for letter in doubtful:
            self.doubt(letter)
        self.are_written(worker)  # by whoever takes over, as far as they are known
        worker.kill(journal)
        self.workers.remove(worker)
        for other in self.workers:
            other.books.take_over()
        if not self.workers:
            self.a_dispatcher_starts()

    def take(self, worker: ByHand, want: int) -> None:
        letters = worker.take(want, notices=2)
        self.are_written(worker)
        for letter in letters:
            self.is_handed_out(letter)

    def write(self, worker: ByHand) -> None:
        worker.write()
        self.are_written(worker)

    def are_written(self, worker: ByHand) -> None:
        """What came of its letters is in the ledger: how old one is shows as its failure is written."""
        for letter in self.unwritten[worker]:
            if letter.due.id in self.failing:
                self.fail(letter, for_good=False)
        self.unwritten[worker] = []

    def begin(self, worker: ByHand, count: int) -> None:
        for letter in worker.feed[:count]:
            worker.enter(letter)
            worker.begin(letter)

    def hear(self, worker: ByHand, letter: Letter, answer: Outcome, *, took: bool) -> None:
        if answer is ACCEPTED or (answer is UNKNOWN and took):
            self.arrive(letter)
        (self.failing.discard if answer is ACCEPTED else self.failing.add)(letter.due.id)
        if answer is UNKNOWN:
            self.doubt(letter)
        elif answer is not ACCEPTED:
            self.fail(letter, for_good=answer is REFUSED)
        self.unwritten[worker].append(letter)
        worker.end(letter, answer)

    def finish(self, worker: ByHand) -> None:
        """Everything that is due, until nothing is."""
        for letter in list(worker.leaving):
            self.hear(worker, letter, ACCEPTED, took=True)
        self.write(worker)
        for _ in range(200):
            if not worker.feed:
                self.take(worker, 20)
            if not worker.feed:
                return
            self.begin(worker, 20)
            for letter in list(worker.leaving):
                self.hear(worker, letter, ACCEPTED, took=True)
            self.write(worker)
        raise AssertionError("there is no end to it")

    # What the relay and the model see of it.

    def is_handed_out(self, letter: Letter) -> None:
        purpose = letter.prepared.purpose
        if purpose not in MAILED:
            return
        tokens = self.tokens_of(letter)
        kind, mailbox = str(purpose), letter.due.mailbox
        self.model.hands_out(kind, mailbox, tokens, self.clock())
        of = {
            release.number: self.model.bond(mailbox, release.room)
            for release in map(self.model.tokens.__getitem__, tokens)
        }
        self.handed[letter.due.id] = Handed(kind, tokens, of)

    def tokens_of(self, letter: Letter) -> set[str]:
        mail = Mail.read(self.composer.compose(letter.prepared, letter.due).content)
        assert mail.headers["To"] == letter.due.mailbox
        return set(TOKEN.findall(mail.headers["Subject"] + "\n" + mail.text))

    def arrive(self, letter: Letter) -> None:
        if (handed := self.handed.get(letter.due.id)) is not None:
            self.model.arrives(letter.due.id, handed.kind, handed.of, handed.tokens)

    def doubt(self, letter: Letter) -> None:
        if (handed := self.handed.get(letter.due.id)) is not None:
            self.model.doubts(letter.due.id, handed.of, handed.tokens)
            self.fail(letter, for_good=False)

    def fail(self, letter: Letter, *, for_good: bool) -> None:
        handed = self.handed.get(letter.due.id)
        if handed is not None and (for_good or self.clock() - letter.due.made_at > OLD):
            for number, bond in handed.of.items():
                self.model.is_refused(bond, {number})

    def look(self, release: Release, looked: bool, language: str | None = None) -> None:
        """Within a look nothing old is left that was not begun: of a language, where that alone is old."""
        old = {text.token for text in release.texts if language in {None, text.language}}
        for worker in self.workers if looked else ():
            self.write(worker)
            for letter in worker.feed:
                handed = self.handed.get(letter.due.id)
                if handed and handed.kind in {"release", "early", "correction"}:
                    assert not handed.tokens & old, "it was not let go"
