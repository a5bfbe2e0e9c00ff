"""The flight journal: at any moment its file says what was begun and what came of it, or nothing is sent."""

import tempfile
from mmap import ALLOCATIONGRANULARITY
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN
from support.full_disk import JOURNAL, LETTERS, MAILS, with_a_full_disk

from mailer.core.delivery import Outcome, Result
from mailer.core.errors import MailerError
from mailer.core.flight import Flight, head_line
from mailer.services.journal import Journal, boot, read_journal

numbers = st.integers(1, 8)
outcomes = st.sampled_from([ACCEPTED, DEFERRED, REFUSED, UNKNOWN])
BEGUN = "begun"


class JournalAsPromised(RuleBasedStateMachine):
    """Says of each delivery in turn what a dispatcher says, and reads the file back after each word."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "one.flight"
        self.said: dict[int, object] = {}
        self.filed: dict[int, object] = {}
        self.done: set[int] = set()  # accepted and known to the ledger: no more is said of them

    @initialize(
        anew_after=st.sampled_from([0, 150, 600, 4 << 20]), stretch=st.sampled_from([1, 64 << 10])
    )
    def a_dispatcher_starts(self, anew_after: int, stretch: int) -> None:
        self.journal = Journal(self.path, anew_after=anew_after, stretch=stretch)

    def written(self) -> None:
        self.filed = self.said.copy()

    @rule(number=numbers)
    def one_is_begun(self, number: int) -> None:
        if number not in self.done:
            self.journal.begin(number)
            self.said[number] = BEGUN
            self.written()

    @rule(number=numbers, outcome=outcomes)
    def one_has_its_outcome(self, number: int, outcome: Outcome) -> None:
        """Begun before or not: one that is refused at RCPT never was."""
        if number not in self.done:
            self.journal.end(number, outcome)
            self.said[number] = outcome
            self.written()

    @precondition(lambda self: BEGUN in self.said.values())
    @rule(pick=st.integers(0, 7))
    def one_is_taken_back(self, pick: int) -> None:
        begun = sorted(number for number, word in self.said.items() if word == BEGUN)
        number = begun[pick % len(begun)]
        self.journal.take_back(number)
        del self.said[number]
        self.written()

    @rule(number=numbers)
    def one_that_was_not_begun_is_taken_back(self, number: int) -> None:
        if self.said.get(number) != BEGUN:
            self.journal.take_back(number)

    @rule(known=st.sets(numbers))
    def the_ledger_knows(self, known: set[int]) -> None:
        ended = {number for number in known if isinstance(self.said.get(number), Outcome)}
        self.journal.forget(sorted(ended))
        for number in ended:
            if self.said[number] == ACCEPTED:
                self.done.add(number)
            del self.said[number]
        self.written()

    @invariant()
    def the_file_says_so(self) -> None:
        if not self.path.exists():
            return  # before the first rule
        flight = read_journal(self.path)
        assert flight.whole
        assert flight.begun == {number for number, word in self.filed.items() if word == BEGUN}
        news = {number: one for number, one in flight.ended.items() if number not in self.done}
        assert news == {n: one for n, one in self.filed.items() if isinstance(one, Outcome)}
        told_again = [one for number, one in flight.ended.items() if number in self.done]
        assert {one.result for one in told_again} <= {Result.ACCEPTED}, "which is final"

    def teardown(self) -> None:
        if self.path.exists():
            self.journal.close()
            self.written()
            self.the_file_says_so()
        self.folder.cleanup()


def test_the_file_says_at_any_moment_what_is_open() -> None:
    run_state_machine_as_test(
        JournalAsPromised,
        settings=settings(max_examples=60, stateful_step_count=30),
    )


def test_a_journal_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "one.flight"
    journal = Journal(path, anew_after=2000, stretch=ALLOCATIONGRANULARITY)
    largest = 0
    for number in range(1, 501):
        journal.begin(number)
        journal.end(number, ACCEPTED)
        if number % 5 == 0:
            journal.forget(range(number - 4, number + 1))
            largest = max(largest, path.stat().st_size)
    assert largest <= 3 * ALLOCATIONGRANULARITY
    assert len(path.read_bytes().rstrip(b"\0")) < 3000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    journal.close()


def test_no_two_dispatchers_write_one_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.flight")
    with pytest.raises(MailerError, match=r"one\.flight cannot be written"):
        Journal(tmp_path / "one.flight")
    journal.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        MailerError, match=r"journal .*one\.flight cannot be written.*\n.*state\.folder"
    ):
        Journal(tmp_path / "gone" / "one.flight")


def test_a_journal_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == Flight()


def test_a_journal_of_another_start_of_the_machine_does_not_vouch(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.flight")
    journal.begin(1)
    journal.end(1, ACCEPTED)
    journal.begin(2)
    journal.close()
    here = read_journal(tmp_path / "one.flight")
    assert here == Flight(frozenset({2}), {1: ACCEPTED}, whole=bool(boot()))
    lines = (tmp_path / "one.flight").read_bytes()
    earlier = lines.replace(head_line(boot()), head_line("another start"))
    (tmp_path / "one.flight").write_bytes(earlier)
    assert read_journal(tmp_path / "one.flight") == Flight(here.begun, here.ended, whole=False)


@pytest.mark.parametrize("octets", [12_300, 12_303, 12_306, 12_309])
def test_a_full_disk_stops_before_anything_is_sent_and_spoils_nothing(
    tmp_path: Path, octets: int
) -> None:
    """Wherever it ends, amid a line or between two, the file is as the last whole write left it."""
    told = with_a_full_disk("journal", tmp_path, octets)
    begun = told["begun"]
    assert "cannot be written" in told["said"]
    assert "make room on its disk" in told["said"]
    assert len(told["full"]) <= octets
    assert told["full"].endswith("\n")
    assert told["still"] == told["full"]
    assert [file.name for file in tmp_path.iterdir()] == [JOURNAL], "no second one is left"
    flight = read_journal(tmp_path / JOURNAL)
    assert flight.whole
    assert flight.begun == {n for n in begun if not n % 2} - {2, 4} | {len(begun) + 1}
    assert flight.ended == dict.fromkeys([n for n in begun if n % 2] + [2], ACCEPTED)


def test_what_cannot_be_written_down_is_not_sent(tmp_path: Path) -> None:
    told = with_a_full_disk("lane", tmp_path, 9000)
    sent = len(list((tmp_path / MAILS).glob("*.eml")))
    assert 0 < sent < LETTERS
    assert (len(told["outcomes"]), told["left"]) == (sent, LETTERS - sent)
    (fault,) = told["said"]
    assert "journal" in fault
    assert "make room" in fault
    flight = read_journal(tmp_path / JOURNAL)
    assert flight.whole
    assert len(flight.begun | flight.ended.keys()) == sent
