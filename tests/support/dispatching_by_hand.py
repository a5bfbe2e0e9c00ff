"""A dispatcher without its loop and its lines: a test moves each letter, and kills it where it likes.

Books, hand, journal, presence and tenure are real, and are used in the order in which `services.dispatch`
and `services.lane` use them.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from mailer.core.delivery import Outcome
from mailer.core.flight import head_line
from mailer.services.bookkeeper import Bookkeeper, Letter
from mailer.services.hand import Hand
from mailer.services.journal import Journal, boot
from mailer.services.office import Office
from mailer.services.presence import Presence
from mailer.services.tenure import Tenure


class ByHand:
    """One dispatcher.

    Args:
        folder: the state folder of its machine.
        clock: that machine's own clock.

    Attributes:
        feed: letters that no line has taken.
        entered: their envelope is on the wire.
        leaving: they were begun: their content may have left.
        given_up: they were let go, and the ledger does not know yet.
        doubtful: deliveries that its journal names as begun, without an outcome, in its file.
    """

    def __init__(
        self, office: Office, folder: Path, clock: Callable[[], float], *, anew_after: int = 4 << 20
    ) -> None:
        self.presence = Presence(folder, clock=clock)
        self.books = Bookkeeper(office, self.presence)
        self.journal = Journal(self.presence.journal(), anew_after=anew_after)
        self.tenure = Tenure(office.limits.lease.total_seconds(), self.presence, clock)
        self.hand = Hand()
        self.feed: list[Letter] = []
        self.entered: list[Letter] = []
        self.leaving: list[Letter] = []
        self.given_up: list[Letter] = []
        self.doubtful: set[int] = set()
        self._unsure = False
        self._known: set[int] = set()

    @property
    def name(self) -> str:
        """What its leases bear."""
        return self.presence.worker

    @property
    def in_hand(self) -> set[int]:
        """The deliveries it answers for, as far as it knows."""
        entries = self.hand.entries
        told = {due.id for due, _ in entries.tried} | entries.put_off.keys()
        letters = (*self.feed, *self.entered, *self.leaving)
        return {letter.due.id for letter in letters} | (told - self._known)

    # Between it and the ledger.

    def take(self, want: int = 10, *, notices: int = 0, seen: bool = True) -> list[Letter]:
        """One turn: write what has come up, and take what is due if that is ours to do.

        Args:
            seen: it hears that its commit was done.
        """
        if not self.tenure.holds and self.hand.size:
            want = notices = 0
        entries = self.hand.writing()
        self.tenure.asked()
        turn = self.books.turn(entries, self.hand.mailings, want=want, notices=notices)
        if not seen:
            self._unsure = self._unsure or bool(want + notices)
            self._known = {due.id for due, _ in entries.tried} | entries.put_off.keys()
            return []
        self._known = set()
        self.hand.written(entries)
        self.given_up = [one for one in self.given_up if one.due.id not in entries.put_off]
        self.journal.forget(due.id for due, _ in entries.tried)
        if not self.hand.size:
            self.tenure.granted()
        self.hand.take(turn.letters)
        self.feed += turn.letters
        for letter in [one for one in self.feed if one.due.mailing_id in turn.stopped]:
            self.let_go(letter, timedelta(0))
        return list(turn.letters)

    def write(self) -> None:
        """A turn that takes nothing."""
        self.take(0)

    def keep_lease(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Renew what it holds if it is time to, or give it back.

        Args:
            meanwhile: happens between the question and the ledger's answer.
        """
        aged = bool(self.hand.size) and self.tenure.aged
        at_rest = len(self.feed) == self.hand.size and not self.hand.entries
        if at_rest and (aged or self._unsure):
            self.hand.lay_down(self.feed)
            self.feed.clear()
            self.tenure.asked()
            meanwhile()
            self.books.give_back()
            self._unsure = False
        elif aged and self.tenure.holds:
            self.tenure.asked()
            meanwhile()
            self.books.renew()
            if self.tenure.holds:
                self.tenure.granted()

    # Between it and the relay.

    def enter(self, letter: Letter) -> None:
        """A line takes it: its envelope is written."""
        self.feed.remove(letter)
        self.entered.append(letter)

    def begin(self, *letters: Letter) -> bool:
        """Let contents go, if they are still ours; whether all were."""
        left = [self._begin(letter) for letter in letters]
        return all(left)

    def _begin(self, letter: Letter) -> bool:
        (self.entered if letter in self.entered else self.feed).remove(letter)
        self.journal.begin(letter.due.id)
        self.doubtful.add(letter.due.id)
        if not self.tenure.holds:
            self.take_back(letter)
            return False
        self.leaving.append(letter)
        return True

    def take_back(self, letter: Letter) -> None:
        """It did not leave after all: its line broke off."""
        for letters in (self.entered, self.leaving):
            if letter in letters:
                letters.remove(letter)
        self.journal.take_back(letter.due.id)
        self.doubtful.discard(letter.due.id)
        self.feed.insert(0, letter)

    def end(self, letter: Letter, outcome: Outcome) -> None:
        """It has its outcome, and the journal's file says so."""
        for letters in (self.feed, self.entered, self.leaving):
            if letter in letters:
                letters.remove(letter)
        self.journal.end(letter.due.id, outcome)
        self.doubtful.discard(letter.due.id)
        self.hand.done(letter, outcome)

    def let_go(self, letter: Letter, wait: timedelta) -> None:
        """It is not to be sent now; it is due again after so long."""
        self.feed.remove(letter)
        self.given_up.append(letter)
        self.hand.let_go(letter, wait)

    # How it ends.

    def kill(self, journal: str = "kept") -> None:
        """As kill -9 does it: the lock goes, the files stay, what was not written is lost.

        Args:
            journal: "kept"; "gone", as with its disk; "cut", as by a power cut: the end is missing, and
                the machine has started anew.
        """
        path = self.presence.journal()
        lines = path.read_bytes()
        self.journal.close()
        self.presence.let_go()
        if journal == "cut":
            lines = lines[: len(lines) * 2 // 3].replace(head_line(boot()), head_line("earlier"))
        if journal == "gone":
            path.unlink()
        else:
            path.write_bytes(lines)

    def leave(self) -> None:
        """Stop well; nothing is on the wire any more."""
        assert not self.entered
        assert not self.leaving
        self.write()
        self.books.give_back()
        self.journal.close()
        self.presence.leave()
