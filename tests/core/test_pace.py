"""Rates are kept and used up; a domain that throttles us is slowed by the curve, and recovers."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.pace import (
    ACCEPTANCES,
    CALM_SECONDS,
    FREE_AT,
    PAUSES,
    Rate,
    Slowdown,
    faster,
    seconds_until,
    slower,
    throttles,
)
from mailer.core.reply import judge, lost

RATES = st.floats(0.01, 5_000)
STARTS = st.floats(0, 1e7)
GAPS = st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=30)
SIGN, ACCEPTED = "sign", "accepted"
EVENTS = st.lists(st.tuples(st.sampled_from([SIGN, ACCEPTED]), st.floats(0, 1_000)), max_size=40)


def passed(rate: Rate, start: float, gaps: Sequence[float]) -> list[float]:
    """When those passed that came with `gaps` between them and waited their turn."""
    now, moments = start, []
    for gap in gaps:
        now += gap
        now += rate.wait(now)
        assert rate.wait(now) == 0.0, "who has waited may pass"
        rate.take(now)
        moments.append(now)
    return moments


@given(per_second=RATES, start=STARTS, gaps=GAPS)
@example(per_second=0.5, start=0.0, gaps=[0.0] * 20)
@example(per_second=10.0, start=1e7, gaps=[5.0] + [0.0] * 50)
def test_a_rate_is_never_exceeded(per_second: float, start: float, gaps: list[float]) -> None:
    moments = passed(Rate(per_second), start, gaps)

    burst = max(1.0, per_second)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            seconds = moments[last] - begin + 1e-5
            assert last - first + 1 <= burst + per_second * seconds + 1e-6


@given(per_second=RATES, start=STARTS, number=st.integers(1, 60))
def test_a_rate_is_used_up(per_second: float, start: float, number: int) -> None:
    moments = passed(Rate(per_second), start, [0.0] * number)

    at_once = math.floor(max(1.0, per_second))
    assert moments[-1] - start <= max(0, number - at_once) / per_second + 1e-5


@pytest.mark.parametrize(
    ("per_second", "at_once", "then"), [(0.1, 1, 10.0), (1, 1, 1.0), (4, 4, 0.25), (2.5, 2, 0.2)]
)
def test_after_a_rest_a_seconds_worth_passes_at_once(
    per_second: float, at_once: int, then: float
) -> None:
    rate = Rate(per_second)
    for rested_at in (0.0, 1_000.0):
        for _ in range(at_once):
            assert rate.wait(rested_at) == 0.0
            rate.take(rested_at)
        assert rate.wait(rested_at) == pytest.approx(then)


@pytest.mark.parametrize("per_second", [0, -1, math.inf])
def test_no_rate_is_no_limit(per_second: float) -> None:
    rate = Rate(per_second)
    for _ in range(1_000):
        assert rate.wait(5.0) == 0.0
        rate.take(5.0)


def test_to_ask_takes_nothing() -> None:
    rate = Rate(1)
    assert [rate.wait(0.0) for _ in range(5)] == [0.0] * 5
    rate.take(0.0)
    assert [rate.wait(0.25) for _ in range(5)] == [0.75] * 5


def test_who_does_not_wait_puts_the_others_off() -> None:
    rate = Rate(1)
    for _ in range(3):
        rate.take(0.0)
    assert rate.wait(0.0) == pytest.approx(3.0)


def test_a_rate_has_rested_when_nothing_is_left_of_what_passed() -> None:
    rate = Rate(0.5)
    assert rate.rested(0.0)
    rate.take(10.0)
    assert not rate.rested(11.9)
    assert rate.rested(12.0)


def test_less_than_a_microsecond_is_now() -> None:
    assert seconds_until(1e-7, 0.0) == 0.0
    assert seconds_until(1.0, 3.0) == 0.0
    assert seconds_until(3.0, 1.0) == 2.0


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [
        (judge(Phase.RCPT, 421, "too many errors"), True),
        (judge(Phase.CONTENT, 421, "4.7.28 unusual rate of mail"), True),
        (judge(Phase.RCPT, 450, "4.7.1 greylisted"), True),
        (judge(Phase.DATA, 451, "4.7.0 try later"), True),
        (judge(Phase.CONTENT, 451, "4.7.650 temporarily rate limited"), True),
        (judge(Phase.RCPT, 452, "4.2.2 mailbox full"), False),
        (judge(Phase.RCPT, 450, "busy"), False),
        (judge(Phase.RCPT, 550, "5.7.1 not wanted"), False),
        (judge(Phase.CONTENT, 250, "2.0.0 queued"), False),
        (judge(Phase.CONNECT, 421, "4.7.0 too many connections"), False),
        (judge(Phase.EHLO, 421, "closing"), False),
        (judge(Phase.MAIL, 450, "4.7.1 slow down"), False),
        (lost(Phase.RCPT, "the link died"), False),
        (lost(Phase.CONTENT, "421"), False),
    ],
)
def test_what_is_a_sign_of_throttling(outcome: Outcome, sign: bool) -> None:
    assert throttles(outcome) is sign


def test_an_unknown_outcome_is_no_sign() -> None:
    assert not throttles(Outcome(Result.UNKNOWN, Phase.CONTENT, 421, "4.7.0", blame=Blame.RELAY))


def test_each_sign_pauses_for_longer_and_a_quarter_of_an_hour_is_the_most() -> None:
    now, slow, pauses = 0.0, None, []
    for _ in range(8):
        slow = slower(slow, now)
        pauses.append(slow.pause(now))
        assert slow.at_once == 1
        now = slow.until
    assert pauses == [30, 60, 120, 300, 600, 900, 900, 900]


def test_a_sign_during_a_pause_is_no_new_one_and_an_acceptance_proves_nothing() -> None:
    slow = slower(None, 100.0)
    assert slower(slow, 129.0) == slow
    assert faster(slow, 129.0) == slow
    assert slower(slow, 130.0).pause(130.0) == 60
    assert faster(slow, 130.0) != slow


def test_ten_acceptances_in_a_row_double_what_may_be_on_its_way() -> None:
    slow: Slowdown | None = slower(None, 0.0)
    at_once = []
    while slow is not None:
        at_once.append(slow.at_once)
        slow = faster(slow, 30.0)
    assert at_once == [n for n in (1, 2, 4, 8, 16, 32) for _ in range(10)]


def test_a_sign_before_the_tenth_acceptance_breaks_the_row() -> None:
    slow = slower(None, 0.0)
    for _ in range(9):
        slow = faster(slow, 30.0) or pytest.fail("free too soon")
    slow = slower(slow, 30.0)
    slow = faster(slow, slow.until) or pytest.fail("free too soon")
    assert (slow.at_once, slow.accepted) == (1, 1)


def test_ten_acceptances_make_up_for_one_sign() -> None:
    """A domain that takes some and then throttles is asked as often as it takes some."""
    slow, now, pauses = slower(None, 0.0), 0.0, []
    for _ in range(5):
        now = slow.until
        for _ in range(ACCEPTANCES):
            slow = faster(slow, now) or pytest.fail("free too soon")
        slow = slower(slow, now)
        pauses.append(slow.pause(now))
    assert pauses == [30.0] * 5


def test_after_the_longest_pause_too() -> None:
    slow = None
    for _ in range(20):
        slow = slower(slow, slow.until if slow else 0.0)
    assert slow is not None
    for _ in range(ACCEPTANCES):
        slow = faster(slow, slow.until) or pytest.fail("free too soon")
    assert slower(slow, slow.until).pause(slow.until) == PAUSES[-2]


def test_after_an_hour_without_a_sign_all_is_forgotten() -> None:
    slow = slower(slower(None, 0.0), 40.0)
    assert slow.until == 100.0
    assert not slow.calm(99.0 + CALM_SECONDS)
    assert slow.calm(100.0 + CALM_SECONDS)
    assert slower(slow, 100.0 + CALM_SECONDS).pause(100.0 + CALM_SECONDS) == 30


@given(events=EVENTS)
def test_whatever_happened_a_domain_that_accepts_is_free_again(
    events: list[tuple[str, float]],
) -> None:
    slow, now = None, 0.0
    for what, seconds in [(SIGN, 0.0), *events]:
        now += seconds
        if what == SIGN:
            slow = slower(slow, now)
        elif slow is not None:
            slow = faster(slow, now)
        if slow is not None:
            assert 0 <= slow.pause(now) <= PAUSES[-1] + 1e-6
            assert 1 <= slow.at_once < FREE_AT
            assert 0 <= slow.accepted < ACCEPTANCES

    needed = 0
    while slow is not None:
        slow = faster(slow, max(now, slow.until))
        needed += 1
    assert needed <= ACCEPTANCES * math.log2(FREE_AT)
