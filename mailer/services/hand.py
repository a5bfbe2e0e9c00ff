"""What a dispatcher has in hand, and what it has to tell the books: counts and lists in one event loop."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from mailer.core.delivery import Due, Outcome
from mailer.services.bookkeeper import Entries, Letter
from mailer.services.summary import Progress

Kept = TypeVar("Kept")


class Hand:
    """Letters that were taken from the ledger and are not written back yet.

    Attributes:
        size: how many letters have no outcome yet.
    """

    def __init__(self) -> None:
        self._of_mailing: Counter[int] = Counter()
        self.size = 0
        self._tried: list[tuple[Due, Outcome]] = []
        self._put_off: dict[int, timedelta] = {}
        self._holds: dict[int, str] = {}
        self._in_writing = 0
        self._tally: Counter[str] = Counter()

    @property
    def news(self) -> int:
        """How much there is to write beside what is being written."""
        return len(self._tried) + len(self._put_off) - self._in_writing

    @property
    def mailings(self) -> tuple[int, ...]:
        """Whose letters are among them."""
        return tuple(number for number, letters in self._of_mailing.items() if letters)

    @property
    def held(self) -> frozenset[int]:
        """Mailings that are to be held and are not yet, on record."""
        return frozenset(self._holds)

    @property
    def entries(self) -> Entries:
        """What is to be written at present."""
        return Entries(tuple(self._tried), self._put_off.copy(), self._holds.copy())

    def take(self, letters: Sequence[Letter]) -> None:
        """These were handed out."""
        self.size += len(letters)
        self._of_mailing.update(
            letter.due.mailing_id for letter in letters if letter.due.mailing_id is not None
        )

    def done(self, letter: Letter, outcome: Outcome) -> None:
        """This one has its outcome."""
        self._drop(letter)
        self._tried.append((letter.due, outcome))
        self._tally[outcome.result] += 1

    def let_go(self, letter: Letter, wait: timedelta) -> None:
        """This one was not begun, and is to be due again after so long."""
        self._drop(letter)
        self._put_off[letter.due.id] = wait

    def let_go_all(self, letters: Iterable[tuple[Letter, timedelta]]) -> None:
        """The same for many."""
        for letter, wait in letters:
            self.let_go(letter, wait)

    def lay_down(self, letters: Iterable[Letter]) -> None:
        """These were given back as they are."""
        for letter in letters:
            self._drop(letter)

    def hold(self, mailing_id: int, reason: str) -> bool:
        """This mailing is to be held; whether that is news."""
        news = mailing_id not in self._holds
        self._holds.setdefault(mailing_id, reason)
        return news

    def writing(self) -> Entries:
        """What is to be written at present, and is being written from now on."""
        self._in_writing = len(self._tried) + len(self._put_off)
        return self.entries

    def written(self, entries: Entries) -> None:
        """These are on record; what came up meanwhile stays."""
        self._in_writing = 0
        del self._tried[: len(entries.tried)]
        _without(self._put_off, entries.put_off)
        _without(self._holds, entries.holds)
        self._of_mailing = +self._of_mailing  # forget those of which there is none

    def progress(self, resting: Sequence[str]) -> Progress:
        """How far the dispatcher has come; `resting` names relays that take nothing at present."""
        return Progress(
            accepted=self._tally["accepted"],
            deferred=self._tally["deferred"],
            refused=self._tally["refused"],
            unknown=self._tally["unknown"],
            in_hand=self.size,
            resting=tuple(resting),
        )

    def _drop(self, letter: Letter) -> None:
        self.size -= 1
        if (mailing_id := letter.due.mailing_id) is not None:
            self._of_mailing[mailing_id] -= 1


def _without(kept: dict[int, Kept], gone: Mapping[int, Kept]) -> None:
    for key in gone:
        kept.pop(key, None)
