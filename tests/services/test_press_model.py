"""The model of the press office says no to what must not be: an oracle that cannot fail proves nothing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.press_facts import Bond, Choice, Release, Text, next_hour
from support.press_model import PressModel

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = "anna@example.org"


@pytest.fixture
def model() -> PressModel:
    """An office with one reader."""
    made = PressModel({"um": "Europe/Copenhagen"}, {"um": 2})
    made.joins(made.bond(ANNA, "um"), NOW, Choice())
    return made


def release(model: PressModel, number: int = 1, embargo: datetime | None = None) -> Release:
    """A release that was let go, in one text."""
    text = Text(f"q{number}q", "da")
    made = Release(number, "um", "approved", [text], approved_at=NOW, embargo=embargo)
    model.adds(made)
    return made


def arrive(model: PressModel, letter: int, kind: str, *tokens: str) -> Bond:
    """A letter to the reader is handed out, and taken by the relay."""
    model.hands_out(kind, ANNA, set(tokens), NOW)
    bond = model.bond(ANNA, "um")
    model.arrives(letter, kind, {model.tokens[tokens[0]].number: bond}, set(tokens))
    return bond


def test_who_got_what_they_asked_for_lacks_nothing(model: PressModel) -> None:
    release(model)
    assert model.publishes(NOW) == [1]
    assert list(model.missing(model.bond(ANNA, "um"))) == [(1, "has it not in {'da'}")]
    assert list(model.missing(arrive(model, 1, "release", "q1q"))) == []


def test_nothing_leaves_before_its_moment(model: PressModel) -> None:
    release(model, embargo=NOW + HOUR)
    assert model.publishes(NOW) == []
    with pytest.raises(AssertionError, match="approved"):
        model.hands_out("release", ANNA, {"q1q"}, NOW)
    with pytest.raises(AssertionError):
        model.hands_out("early", ANNA, {"q1q"}, NOW)


def test_no_copy_names_an_embargo_that_is_over(model: PressModel) -> None:
    of = release(model, embargo=NOW + HOUR)
    of.early = model.bond(ANNA, "um").accredited = True
    model.hands_out("early", ANNA, {"q1q"}, NOW)
    with pytest.raises(AssertionError, match="is over"):
        model.hands_out("early", ANNA, {"q1q"}, NOW + HOUR)


def test_in_doubt_and_corrected_without_a_word_is_not_asked_for(model: PressModel) -> None:
    """Somebody else, who was sent nothing, is to have the new text."""
    of = release(model)
    bo = model.bond("bo@example.org", "um")
    model.joins(bo, NOW - HOUR, Choice())
    model.publishes(NOW)
    model.doubts(1, {1: model.bond(ANNA, "um")}, {"q1q"})
    model.writes(of, Text("q2q", "da", corrects=True))
    assert list(model.missing(model.bond(ANNA, "um"))) == []
    assert list(model.missing(bo)) == [(1, "has it not in {'da'}")]


@pytest.mark.parametrize(("kind", "letter"), [("release", 1), ("release", 2), ("digest", 2)])
def test_nothing_comes_twice(model: PressModel, kind: str, letter: int) -> None:
    release(model)
    model.publishes(NOW)
    arrive(model, 1, "release", "q1q")
    with pytest.raises(AssertionError):
        arrive(model, letter, kind, "q1q")


def test_what_nobody_knows_of_may_come_again(model: PressModel) -> None:
    release(model)
    model.publishes(NOW)
    bond = arrive(model, 1, "release", "q1q")
    model.doubts(1, {1: bond}, {"q1q"})
    arrive(model, 1, "release", "q1q")


def test_who_has_left_or_never_confirmed_is_mailed_nothing(model: PressModel) -> None:
    release(model)
    model.publishes(NOW)
    with pytest.raises(AssertionError, match="no reader"):
        model.hands_out("release", "bo@example.org", {"q1q"}, NOW)
    model.leaves(model.bond(ANNA, "um"))
    with pytest.raises(AssertionError, match="no reader"):
        model.hands_out("release", ANNA, {"q1q"}, NOW)


def test_an_old_text_does_not_leave_and_who_holds_it_is_told_once(model: PressModel) -> None:
    of = release(model)
    model.publishes(NOW)
    bond = arrive(model, 1, "release", "q1q")
    model.writes(of, Text("q2q", "da", told=True, corrects=True))
    with pytest.raises(AssertionError, match="q1q leaves"):
        model.hands_out("release", ANNA, {"q1q"}, NOW)
    assert list(model.missing(bond)) == [(1, "has an old text in da")]
    arrive(model, 2, "correction", "q2q", "q1q")
    assert list(model.missing(bond)) == []
    with pytest.raises(AssertionError, match="once more"):
        arrive(model, 3, "correction", "q2q", "q1q")


def test_what_was_withdrawn_does_not_leave_and_its_holders_are_told(model: PressModel) -> None:
    of = release(model)
    model.publishes(NOW)
    bond = arrive(model, 1, "release", "q1q")
    model.withdraws(of)
    with pytest.raises(AssertionError, match="withdrawn"):
        model.hands_out("release", ANNA, {"q1q"}, NOW)
    assert list(model.missing(bond)) == [(1, "was not told that it was withdrawn")]
    assert list(model.missing(arrive(model, 2, "withdrawal", "q1q"))) == []


def test_a_notice_is_for_those_alone_who_hold_something(model: PressModel) -> None:
    of = release(model)
    model.publishes(NOW)
    model.writes(of, Text("q2q", "da", told=True, corrects=True))
    with pytest.raises(AssertionError, match="holds nothing"):
        model.hands_out("correction", ANNA, {"q2q"}, NOW)


def test_a_digest_does_not_come_before_its_hour(model: PressModel) -> None:
    bond = model.bond(ANNA, "um")
    model.chooses(bond, NOW, Choice(frequency="daily", hour=9))
    release(model)
    model.publishes(NOW)  # at nine in Copenhagen
    model.opens(NOW + 23 * HOUR)
    with pytest.raises(AssertionError, match="Wait"):
        model.hands_out("digest", ANNA, {"q1q"}, NOW)
    model.opens(NOW + 24 * HOUR)
    assert list(model.missing(arrive(model, 1, "digest", "q1q"))) == []


@pytest.mark.parametrize(
    ("after", "hour", "due"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), 2, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), 2, datetime(2026, 10, 25, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 2, datetime(2026, 10, 26, 1, tzinfo=UTC)),
        (datetime(2026, 3, 2, 7, tzinfo=UTC), 8, datetime(2026, 3, 3, 7, tzinfo=UTC)),
    ],
    ids=["skipped", "twice", "the second time", "that very hour"],
)
def test_hours_are_those_of_the_newsroom(after: datetime, hour: int, due: datetime) -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    assert next_hour(Choice(frequency="daily", hour=hour), zone, after) == due
