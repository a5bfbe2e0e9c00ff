"""Several workers' answers as one: sums, faults once, and the gravest exit code."""

from collections.abc import Callable

import pytest

from mailer.cli.answer import Answer, Ended, added_up
from mailer.core.errors import ServiceMissing

NAMES = ("accepted", "refused")
KILLED = "worker 2 was killed by SIGKILL"


def nobody_asks() -> int:
    """The database is not to be asked."""
    raise AssertionError("the workers agree")


def worker(code: int = 0, *faults: str, due: int | None = 0, **counts: int) -> Ended:
    """A worker that said its last words."""
    return Ended(code, {**dict.fromkeys(NAMES, 0), **counts, "due": due, "faults": list(faults)})


def summed(
    *ended: Ended,
    killed: tuple[str, ...] = (),
    interrupted: bool = False,
    still_due: Callable[[], int] = nobody_asks,
) -> Answer:
    """Added up."""
    return added_up(ended, names=NAMES, killed=killed, interrupted=interrupted, still_due=still_due)


def test_counts_are_added_up_and_faults_said_once() -> None:
    answer = summed(
        worker(1, "relay r is away", accepted=3),
        worker(1, "relay r is away", "release 7 is held", accepted=4, refused=1),
    )
    assert answer.counts == {"accepted": 7, "refused": 1, "due": 0}
    assert answer.faults == ("relay r is away", "release 7 is held")
    assert answer.worked
    assert not summed(worker(), worker()).worked


def test_what_is_left_is_asked_where_workers_disagree() -> None:
    assert summed(worker(due=5), worker(due=5)).counts["due"] == 5
    assert summed(worker(due=5), worker(due=0), still_due=lambda: 0).counts["due"] == 0
    assert (
        summed(worker(due=0), Ended(-9), killed=(KILLED,), still_due=lambda: 8).counts["due"] == 8
    )
    assert summed(still_due=lambda: 3).counts["due"] == 3


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((0, 0), 0),
        ((0, 75), 0),  # what one left was done by the other: nothing is due
        ((0, 1), 1),
        ((75, 1), 1),
        ((1, 69), 69),
        ((69, 2), 2),
        ((2, 70), 70),
        ((70, 130), 130),
    ],
)
def test_the_gravest_code_counts(codes: tuple[int, int], code: int) -> None:
    assert summed(*(worker(each, accepted=1) for each in codes)).code == code
    assert summed(*(worker(each, accepted=1) for each in reversed(codes))).code == code


def test_what_is_left_makes_it_a_75() -> None:
    assert summed(worker(75, accepted=1, due=4), worker(75, due=4)).code == 75
    assert summed(worker(due=4), worker(due=4)).code == 0, "retries of later; nothing was done"
    assert summed(worker(), Ended(-9), killed=(KILLED,), still_due=lambda: 4).code == 75
    assert summed(worker(), Ended(-9), killed=(KILLED,), still_due=lambda: 0).code == 0


def test_an_interruption_outweighs_all() -> None:
    assert summed(worker(70), worker(), interrupted=True).code == 130


def test_a_killed_worker_is_named_first() -> None:
    answer = summed(worker(1, "held"), Ended(-9), killed=(KILLED,), still_due=lambda: 0)
    assert answer.faults == (KILLED, "held")


def test_a_database_that_is_away_is_a_fault_and_keeps_the_sums() -> None:
    def away() -> int:
        raise ServiceMissing("The database is away", "start it")

    answer = summed(worker(accepted=3), Ended(-9), killed=(KILLED,), still_due=away)
    assert answer.code == 69
    assert answer.counts == {"accepted": 3, "refused": 0, "due": None}
    assert answer.faults == (KILLED, "The database is away\n  -> start it")
