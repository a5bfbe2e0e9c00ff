"""Work for browsers: solved by trying, checked without remembering, worth nothing bent or late."""

import base64
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core import puzzle
from mailer.core.puzzle import LIFETIME, Puzzle, solved

KEY = "puzzle-key-for-tests"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MADE = puzzle.make(KEY, number=123, salt="ab" * 12, effort=500, now=NOW)


def spelled(**shown: Any) -> str:
    return base64.b64encode(json.dumps(shown).encode()).decode()


def worked_out(given: Puzzle) -> dict[str, Any]:
    number = next(
        number
        for number in range(given.maxnumber + 1)
        if sha256(f"{given.salt}{number}".encode()).hexdigest() == given.challenge
    )
    shown = given.shown()
    del shown["maxnumber"]
    return {**shown, "number": number}


def test_who_tries_them_all_finds_the_number() -> None:
    found = solved(KEY, spelled(**worked_out(MADE)), NOW)
    assert found is not None
    assert found.name == MADE.challenge
    assert found.expires_at == NOW + LIFETIME


def test_it_counts_for_its_time_alone() -> None:
    payload = spelled(**worked_out(MADE))
    assert solved(KEY, payload, NOW + LIFETIME - timedelta(seconds=1)) is not None
    assert solved(KEY, payload, NOW + LIFETIME) is None


def test_another_spelling_is_the_same_solution() -> None:
    shown = worked_out(MADE)
    first = solved(KEY, spelled(**shown), NOW)
    assert solved(KEY, spelled(**dict(reversed(shown.items())), more=1), NOW) == first


@pytest.mark.parametrize(
    "change",
    [
        {"number": 124},
        {"number": -1},
        {"number": "123"},
        {"number": 123.0},
        {"number": True},
        {"salt": "cd" * 12 + "?expires=99999999999"},
        {"salt": MADE.salt + "1"},
        {"salt": MADE.salt.partition("?")[0]},
        {"salt": 7},
        {"signature": "0" * 64},
        {"signature": "ø" * 64},
        {"signature": None},
    ],
)
def test_what_is_bent_solves_nothing(change: dict[str, Any]) -> None:
    assert solved(KEY, spelled(**{**worked_out(MADE), **change}), NOW) is None


def test_a_puzzle_of_somebody_elses_is_none_of_ours() -> None:
    theirs = puzzle.make("another-key", number=1, salt="ab" * 12, effort=5, now=NOW)
    assert solved(KEY, spelled(**worked_out(theirs)), NOW) is None


@pytest.mark.parametrize("payload", ["", "x", "####", "bnVsbA==", "W10=", "W" * 5000, "/" * 8])
def test_what_is_no_solution_at_all(payload: str) -> None:
    assert solved(KEY, payload, NOW) is None


@given(
    st.one_of(
        st.text(max_size=50), st.binary(max_size=50).map(lambda raw: base64.b64encode(raw).decode())
    )
)
def test_anything_is_judged_without_a_surprise(payload: str) -> None:
    assert solved(KEY, payload, NOW) is None
