"""The hand counts what a dispatcher holds and what it has to tell, whatever comes meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN

from mailer.core.delivery import Due, Outcome, Purpose
from mailer.mail.prepare import Prepared
from mailer.services.bookkeeper import Entries, Letter
from mailer.services.hand import Hand
from mailer.services.summary import Progress

AT = datetime(2026, 3, 2, tzinfo=UTC)
PREPARED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", b"")
NOW = timedelta(0)


def letter(number: int, mailing: int | None = 1) -> Letter:
    return Letter(Due(number, Purpose.RELEASE, 1, 1, "a@example.org", AT, 0, mailing), PREPARED)


class Kept(RuleBasedStateMachine):
    """A hand beside a model of it: plain sets and lists."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = Hand()
        self.fresh = 0
        self.held: list[Letter] = []
        self.tried: list[tuple[Due, Outcome]] = []
        self.put_off: dict[int, timedelta] = {}
        self.holds: dict[int, str] = {}
        self.results: list[str] = []
        self.writing: Entries | None = None

    def pick(self, place: int) -> Letter:
        return self.held.pop(place % len(self.held))

    @rule(mailings=st.lists(st.sampled_from([None, 1, 2, 3]), max_size=5))
    def some_are_taken(self, mailings: list[int | None]) -> None:
        letters = [letter(self.fresh + place, one) for place, one in enumerate(mailings)]
        self.fresh += len(letters)
        self.held += letters
        self.hand.take(letters)

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 99), outcome=st.sampled_from([ACCEPTED, DEFERRED, REFUSED, UNKNOWN]))
    def one_has_its_outcome(self, place: int, outcome: Outcome) -> None:
        found = self.pick(place)
        self.tried.append((found.due, outcome))
        self.results.append(outcome.result.value)
        self.hand.done(found, outcome)

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 99), seconds=st.integers(0, 60), count=st.integers(1, 3))
    def some_are_let_go(self, place: int, seconds: int, count: int) -> None:
        wait = timedelta(seconds=seconds)
        found = [self.pick(place) for _ in range(min(count, len(self.held)))]
        self.put_off |= {one.due.id: wait for one in found}
        if count == 1:
            self.hand.let_go(found[0], wait)
        else:
            self.hand.let_go_all((one, wait) for one in found)

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 99))
    def one_is_given_back_as_it_is(self, place: int) -> None:
        self.hand.lay_down([self.pick(place)])

    @rule(mailing=st.integers(1, 3), reason=st.sampled_from(["spam", "too big"]))
    def a_mailing_is_held(self, mailing: int, reason: str) -> None:
        assert self.hand.hold(mailing, reason) is (mailing not in self.holds)
        self.holds.setdefault(mailing, reason)

    @precondition(lambda self: self.writing is None)
    @rule()
    def the_books_begin_to_write(self) -> None:
        self.writing = self.hand.entries
        assert self.writing == Entries(tuple(self.tried), self.put_off, self.holds)

    @precondition(lambda self: self.writing is not None)
    @rule()
    def they_have_written(self) -> None:
        """What came up meanwhile stays."""
        assert self.writing is not None
        self.hand.written(self.writing)
        del self.tried[: len(self.writing.tried)]
        for number in self.writing.put_off:
            del self.put_off[number]
        for number in self.writing.holds:
            del self.holds[number]
        self.writing = None

    @precondition(lambda self: self.writing is not None)
    @rule()
    def they_could_not(self) -> None:
        """All of it is still to be written."""
        self.writing = None

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.hand.size == len(self.held)
        assert self.hand.news == len(self.tried) + len(self.put_off)
        assert bool(self.hand.entries) is bool(self.tried or self.put_off or self.holds)
        mailings = {one.due.mailing_id for one in self.held} - {None}
        assert sorted(self.hand.mailings) == sorted(mailings, key=str)
        assert self.hand.progress(["main"]) == Progress(
            accepted=self.results.count("accepted"),
            deferred=self.results.count("deferred"),
            refused=self.results.count("refused"),
            unknown=self.results.count("unknown"),
            in_hand=len(self.held),
            resting=("main",),
        )


TestKept = Kept.TestCase
TestKept.settings = settings(max_examples=40, stateful_step_count=30)


def test_what_is_written_is_a_picture_of_one_moment() -> None:
    hand = Hand()
    hand.take([letter(1), letter(2)])
    hand.done(letter(1), ACCEPTED)
    hand.let_go(letter(2), NOW)
    hand.hold(1, "spam")
    picture = hand.entries
    hand.take([letter(3)])
    hand.done(letter(3), REFUSED)
    assert picture == Entries(((letter(1).due, ACCEPTED),), {2: NOW}, {1: "spam"})
    hand.written(picture)
    assert hand.entries == Entries(((letter(3).due, REFUSED),))


@pytest.mark.parametrize("wait", [NOW, timedelta(seconds=30)])
def test_a_letter_let_go_again_while_the_first_time_is_written_is_not_forgotten(
    wait: timedelta,
) -> None:
    """It cannot be taken again before it is written that it was let go; only its wait may change."""
    hand = Hand()
    hand.take([letter(1)])
    hand.let_go(letter(1), wait)
    hand.written(hand.entries)
    hand.take([letter(1)])
    hand.let_go(letter(1), NOW)
    assert hand.entries.put_off == {1: NOW}
