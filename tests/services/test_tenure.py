"""Tenure: what is in hand is ours for no longer than the ledger says, and others hear of it first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.routes import Still

from mailer.services.presence import Presence
from mailer.services.tenure import AGED, Tenure

LEASE = 60.0


@pytest.fixture
def still() -> Still:
    """The machine's own clock."""
    return Still()


@pytest.fixture
def ours(tmp_path: Path, still: Still) -> Iterator[Presence]:
    """Our sign of life."""
    presence = Presence(tmp_path, clock=still)
    yield presence
    presence.leave()


@pytest.fixture
def other(tmp_path: Path, still: Still) -> Iterator[Presence]:
    """Another dispatcher of this machine."""
    presence = Presence(tmp_path, clock=still)
    yield presence
    presence.leave()


def test_nothing_is_ours_before_it_was_granted(ours: Presence, still: Still) -> None:
    tenure = Tenure(LEASE, ours, still)
    assert not held(tenure)
    tenure.asked()
    assert not held(tenure)
    tenure.granted()
    assert held(tenure)


def test_a_grant_counts_from_when_it_was_asked_for(ours: Presence, still: Still) -> None:
    """However long the ledger took to answer: its own count cannot have begun earlier."""
    tenure = Tenure(LEASE, ours, still)
    tenure.asked()
    still.move(50)
    tenure.granted()
    still.move(9.9)
    assert held(tenure)
    still.move(0.1)
    assert not held(tenure)


def test_the_last_question_counts(ours: Presence, still: Still) -> None:
    tenure = Tenure(LEASE, ours, still)
    tenure.asked()
    still.move(30)
    tenure.asked()
    tenure.granted()
    still.move(59)
    assert held(tenure)


def test_to_ask_prolongs_nothing(ours: Presence, still: Still) -> None:
    tenure = Tenure(LEASE, ours, still)
    tenure.asked()
    tenure.granted()
    still.move(50)
    tenure.asked()
    still.move(10)
    assert not held(tenure)


def test_it_is_time_to_renew_once_a_quarter_has_gone(ours: Presence, still: Still) -> None:
    tenure = Tenure(LEASE, ours, still)
    tenure.asked()
    tenure.granted()
    ages = []
    for seconds in (0, LEASE * (1 - AGED), 0.1, LEASE):
        still.move(seconds)
        ages.append(tenure.aged)
    assert ages == [False, False, True, True]


def test_others_hear_of_it_before_anything_can_be_granted(
    ours: Presence, other: Presence, still: Still
) -> None:
    """Between the ledger's commit and our hearing of it others may look already."""
    tenure = Tenure(LEASE, ours, still)
    assert not other.keeps_its_pledge(ours.worker)
    tenure.asked()
    assert other.keeps_its_pledge(ours.worker)
    tenure.granted()
    still.move(59.9)
    assert held(tenure)
    assert other.keeps_its_pledge(ours.worker)
    still.move(0.2)
    assert not held(tenure)
    assert not other.keeps_its_pledge(ours.worker)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 60.0, 3600.0])
def test_a_pledge_never_ends_before_the_tenure(
    ours: Presence, other: Presence, still: Still, seconds: float
) -> None:
    """The file holds thousandths of a second; it must not round to our neighbour's favour."""
    tenure = Tenure(seconds, ours, still)
    for _ in range(200):
        still.move(0.0001234)
        tenure.asked()
        tenure.granted()
        still.move(seconds - 0.000001)
        if held(tenure):
            assert other.keeps_its_pledge(ours.worker)


def held(tenure: Tenure) -> bool:
    """Asked anew each time, whatever was known before."""
    return tenure.holds
