"""The judge of `make bench-crash` sees every kind of violation; one that cannot see proves nothing."""

from collections.abc import Sequence
from typing import Any

import blows
import pytest
import verdict
from fast_sink import Arrival

KILL = blows.Variant("kill", "kill")
HOLD = blows.Variant("hold", "hold", unknown="hold")


def arrival(delivery: int, at: float, checksum: int = 7) -> Arrival:
    return Arrival(at, at + 0.1, delivery, checksum, 1000)


def judged(
    arrived: Sequence[Arrival],
    states: dict[int, str],
    *,
    doubted: dict[int, list[float]] | None = None,
    struck: Sequence[float] = (50.0,),
    variant: blows.Variant = KILL,
    readers: int | None = None,
) -> verdict.Verdict:
    found = verdict.Verdict(variant, readers or len(states), seed=1, blows=len(struck))
    verdict.judge(found, arrived, verdict.Ledger(states, doubted or {}), struck)
    return found


def test_all_is_well() -> None:
    found = judged([arrival(1, 10), arrival(2, 60)], {1: "accepted", 2: "accepted"})
    assert found.violations == []
    assert (found.taken, found.repeats, found.lost) == (2, 0, 0)


def test_a_repeat_that_was_on_record_first_is_no_violation() -> None:
    found = judged(
        [arrival(1, 49), arrival(1, 61)], {1: "accepted"}, doubted={1: [60.0]}, struck=[50.0]
    )
    assert found.violations == []
    assert (found.repeats, found.most_repeats, found.doubts) == (1, 1, 1)


def test_octets_of_who_hung_may_end_after_the_second_copy() -> None:
    """It hung with its DATA answered; what was resent meanwhile began later, and is the repeat."""
    late = Arrival(49.0, 70.0, 1, 7, 1000)
    copies = [arrival(1, 61), late]
    assert judged(copies, {1: "accepted"}, doubted={1: [60.0]}).violations == []
    assert judged(copies, {1: "accepted"}).violations == ["unrecorded: 1"]
    assert judged(copies, {1: "accepted"}, doubted={1: [65.0]}).violations == ["unrecorded: 1"]


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("lost", {"arrived": [], "states": {1: "refused"}}),
        ("untrue", {"arrived": [], "states": {1: "accepted"}}),
        (
            "unrecorded",
            {"arrived": [arrival(1, 49), arrival(1, 61)], "states": {1: "accepted"}},
        ),
        (
            "unrecorded",
            {
                "arrived": [arrival(1, 49), arrival(1, 61), arrival(1, 71)],
                "states": {1: "accepted"},
                "doubted": {1: [60.0]},
            },
        ),
        (
            "differing",
            {
                "arrived": [arrival(1, 49), arrival(1, 61, checksum=8)],
                "states": {1: "accepted"},
                "doubted": {1: [60.0]},
            },
        ),
        (
            "too many",
            {
                "arrived": [arrival(1, 49), arrival(1, 61)],
                "states": {1: "accepted"},
                "doubted": {1: [60.0]},
                "variant": HOLD,
            },
        ),
        ("lost: 1 were never owed", {"arrived": [arrival(1, 1)], "states": {1: "accepted"}, "readers": 2}),
    ],
)  # fmt: skip
def test_every_violation_is_named(name: str, case: dict[str, Any]) -> None:
    assert any(words.startswith(name) for words in judged(**case).violations)


def test_more_repeats_than_lines_were_cut_are_too_many() -> None:
    def repeated(count: int, struck: Sequence[float]) -> list[str]:
        numbers = range(1, count + 1)
        copies = [arrival(number, at) for at in (10.0, 61.0) for number in numbers]
        return judged(
            copies,
            dict.fromkeys(numbers, "accepted"),
            doubted={number: [60.0] for number in numbers},
            struck=struck,
        ).violations

    assert repeated(blows.CONNECTIONS, [50.0]) == []
    assert repeated(blows.CONNECTIONS + 1, [50.0])
    assert repeated(blows.CONNECTIONS + 1, [50.0, 55.0]) == []
    assert repeated(blows.CONNECTIONS + 1, [50.0, 70.0]), "what comes later excuses nothing"


def test_what_is_held_is_not_lost() -> None:
    found = judged([], {1: "unknown"}, doubted={1: [60.0]}, variant=HOLD)
    assert found.violations == []
    assert found.held == [1]


def test_variants_are_chosen_by_name() -> None:
    assert [each.name for each in blows.chosen("hold,kill")] == ["hold", "kill"]
    with pytest.raises(SystemExit, match="no variant is called nonsense"):
        blows.chosen("nonsense")
