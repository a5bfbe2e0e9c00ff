"""A flight journal's lines: whatever was written is read back, and what is read was written."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.flight import (
    Flight,
    begun_line,
    carried,
    closed_line,
    ended_line,
    head_line,
    read_flight,
)

BOOT = "6d0b5fd8-3a52-4d5e-9a4e-2f7d5f0a9c11"

printable = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=40)
outcomes = st.builds(
    Outcome,
    result=st.sampled_from(Result),
    phase=st.sampled_from(Phase),
    code=st.integers(0, 599),
    enhanced=st.sampled_from(["", "2.0.0", "4.2.2", "5.123.123"]),
    text=printable,
    blame=st.sampled_from(Blame),
    relay=printable,
)


@dataclass(frozen=True)
class Step:
    """Something a dispatcher says of a delivery: begun, closed, or its outcome."""

    delivery: int
    says: str
    outcome: Outcome

    @property
    def line(self) -> bytes:
        if self.says == "ended":
            return ended_line(self.delivery, self.outcome)
        return {"begun": begun_line, "closed": closed_line}[self.says](self.delivery)


steps = st.lists(
    st.builds(
        Step, st.integers(1, 6), st.sampled_from(["begun", "begun", "closed", "ended"]), outcomes
    ),
    max_size=12,
)


def told(said: Sequence[Step]) -> tuple[set[int], dict[int, Outcome]]:
    """What is open after so many steps, and what has ended: the last word on each delivery."""
    last = {step.delivery: step for step in said}
    begun = {number for number, step in last.items() if step.says == "begun"}
    return begun, {number: step.outcome for number, step in last.items() if step.says == "ended"}


def written(said: Sequence[Step], boot: str = BOOT) -> bytes:
    """The journal's bytes."""
    return head_line(boot) + b"".join(step.line for step in said)


@given(steps)
def test_what_was_written_is_read_back(said: list[Step]) -> None:
    begun, ended = told(said)
    assert read_flight(written(said), boot=BOOT) == Flight(frozenset(begun), ended, whole=True)


@given(steps)
def test_a_journal_begun_anew_says_the_same(said: list[Step]) -> None:
    flight = read_flight(written(said), boot=BOOT)
    anew = head_line(BOOT) + b"".join(carried(flight.begun, flight.ended))
    assert read_flight(anew, boot=BOOT) == flight


@given(steps, st.data())
def test_a_cut_at_any_byte_leaves_what_stood_before_it(
    said: list[Step], data: st.DataObject
) -> None:
    """A line that was not finished does not count: its write had not returned yet."""
    lines = written(said)
    cut = data.draw(st.integers(0, len(lines)))
    finished = lines[:cut].count(b"\n")
    begun, ended = told(said[: max(0, finished - 1)])
    assert read_flight(lines[:cut], boot=BOOT) == Flight(
        frozenset(begun), ended, whole=finished > 0
    )


@given(
    steps,
    st.lists(st.builds(Step, st.integers(1, 6), st.just("ended"), outcomes), max_size=4),
    st.data(),
)
def test_lines_count_once_their_first_octet_stands(
    said: list[Step], late: list[Step], data: st.DataObject
) -> None:
    """It is stored last: however much of what was being added stands behind it, nothing does."""
    added = b"".join(step.line for step in late)[1:]
    stored = data.draw(st.sets(st.integers(0, max(len(added) - 1, 0))))
    torn = bytes(octet if place in stored else 0 for place, octet in enumerate(added))
    begun, ended = told(said)
    flight = read_flight(written(said) + b"\0" + torn + bytes(5000), boot=BOOT)
    assert flight == Flight(frozenset(begun), ended, whole=True)


garbage = st.one_of(
    st.binary(max_size=30).filter(
        lambda some: not {*b"\n\0"} & {*some} and some[:1] not in (b"S", b"X", b"R")
    ),
    st.just(bytes(4096)),  # as a power cut leaves it
    st.sampled_from(
        [
            b"",
            b"S",
            b"S ",
            b"S x",
            b"S -1",
            b"S 1.5",
            b"S 1\tmore",
            b"X 1\tmore",
            b"S 1S 12",
            b"S1",
            b"s 1",
            b"R 1",
            b"R 1\taccepted",
            b"R 1\taccepted\tcontent\t250\t\treader\tr",
            b"R 1\tdelivered\tcontent\t250\t\treader\tr\tkept",
            b"R 1\taccepted\tafter\t250\t\treader\tr\tkept",
            b"R 1\taccepted\tcontent\t2x0\t\treader\tr\tkept",
            b"R 1\taccepted\tcontent\t250\t\tnobody\tr\tkept",
            b"F 1 " + BOOT.encode(),
        ]
    ),
)


@given(steps, steps, garbage)
def test_a_spoilt_line_ends_what_is_believed(
    said: list[Step], then: list[Step], spoilt: bytes
) -> None:
    """Up to it all counts; and the journal no longer vouches for what it does not name."""
    lines = written(said) + spoilt + b"\n" + b"".join(step.line for step in then)
    flight = read_flight(lines, boot=BOOT)
    begun, ended = told(said)
    assert not flight.whole
    assert flight.begun - {1} == begun - {1}, "a spoilt line names delivery 1, if any"
    assert ended.items() >= flight.ended.items()
    assert flight.ended.keys() >= ended.keys() - {1}


@pytest.mark.parametrize(
    ("written_on", "read_on"),
    [(BOOT, "another"), ("another", BOOT), ("", ""), ("", BOOT), (BOOT, "")],
)
def test_another_start_of_the_machine_keeps_outcomes_and_vouches_for_nothing(
    written_on: str, read_on: str
) -> None:
    kept = Outcome(Result.ACCEPTED, Phase.CONTENT, 250, text="kept")
    said = [Step(1, "begun", kept), Step(1, "ended", kept), Step(2, "begun", kept)]
    flight = read_flight(written(said, written_on), boot=read_on)
    assert flight == Flight(frozenset({2}), {1: kept}, whole=False)


@pytest.mark.parametrize("lines", [b"", b"\n", b"F 2 " + BOOT.encode() + b"\n", b"S 1\n"])
def test_without_its_head_a_journal_vouches_for_nothing(lines: bytes) -> None:
    assert not read_flight(lines, boot=BOOT).whole
