"""The breaker: refusals of the content in a row trip it, once; readers who are refused never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.breaker import KEYS, Breaker, refuses_content
from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.reply import judge, lost

REFUSED = judge(Phase.CONTENT, 554, "5.7.1 looks like spam")
ACCEPTED = judge(Phase.CONTENT, 250, "2.0.0 queued")
NO_READER = judge(Phase.RCPT, 550, "5.1.1 no such mailbox")
LATER = judge(Phase.CONTENT, 451, "4.3.0 try later")
LINK_LOST = lost(Phase.CONTENT, "the link died")

OUTCOMES = st.builds(
    Outcome,
    result=st.sampled_from(Result),
    phase=st.sampled_from(Phase),
    blame=st.sampled_from(Blame),
)


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (REFUSED, True),
        (judge(Phase.CONTENT, 552, "too big"), True),
        (judge(Phase.CONTENT, 550, "5.1.1 says so only now"), True),
        (judge(Phase.DATA, 554, "no"), True),
        (judge(Phase.CONTENT, 451, "4.6.0 cannot convert it"), True),
        (judge(Phase.DATA, 451, "4.1.8 sender unknown"), True),
        (ACCEPTED, False),
        (NO_READER, False),
        (judge(Phase.RCPT, 550, "5.7.26 not authenticated"), False),
        (judge(Phase.MAIL, 550, "5.7.1 no"), False),
        (LATER, False),
        (LINK_LOST, False),
    ],
)
def test_what_speaks_against_the_content(outcome: Outcome, counts: bool) -> None:
    assert refuses_content(outcome) is counts


def test_ten_in_a_row_trip_it_once() -> None:
    breaker = Breaker()
    assert [breaker.heard(7, REFUSED) for _ in range(30)] == [False] * 9 + [True] + [False] * 20


def test_an_acceptance_ends_the_row_and_nothing_else_does() -> None:
    breaker = Breaker(3)
    for outcome in (REFUSED, REFUSED, ACCEPTED, REFUSED, NO_READER, LATER, REFUSED, LINK_LOST):
        assert not breaker.heard(7, outcome)
    assert breaker.heard(7, REFUSED)


def test_each_mailing_for_itself() -> None:
    breaker = Breaker(2)
    assert not breaker.heard(1, REFUSED)
    assert not breaker.heard(2, REFUSED)
    assert not breaker.heard(3, ACCEPTED)
    assert breaker.heard(1, REFUSED)
    assert breaker.heard(2, REFUSED)


@pytest.mark.parametrize("how", ["accepted", "decided"])
def test_it_is_armed_again(how: str) -> None:
    breaker = Breaker(2)
    breaker.heard(7, REFUSED)
    assert breaker.heard(7, REFUSED)
    if how == "accepted":
        breaker.heard(7, ACCEPTED)
    else:
        breaker.forget(7)
    assert [breaker.heard(7, REFUSED) for _ in range(3)] == [False, True, False]


def test_a_breaker_of_one_trips_at_the_first() -> None:
    assert Breaker(1).heard(7, REFUSED)
    with pytest.raises(ValueError, match="trip at nothing"):
        Breaker(0)


def test_mailings_that_are_heard_of_are_not_forgotten_for_many_others() -> None:
    breaker = Breaker(KEYS * 3)
    trips = []
    for other in range(1, KEYS * 3 + 1):
        trips.append(breaker.heard(0, REFUSED))
        breaker.heard(other, REFUSED)
    assert trips == [False] * (KEYS * 3 - 1) + [True]


def test_a_mailing_that_was_not_heard_of_for_long_is_counted_anew() -> None:
    breaker = Breaker(2)
    breaker.heard(0, REFUSED)
    for other in range(1, KEYS + 1):
        breaker.heard(other, REFUSED)
    assert not breaker.heard(0, REFUSED)


@given(heard=st.lists(st.tuples(st.integers(1, 3), OUTCOMES), max_size=60), limit=st.integers(1, 4))
def test_it_trips_as_often_as_rows_reach_the_limit(
    heard: list[tuple[int, Outcome]], limit: int
) -> None:
    breaker = Breaker(limit)
    rows = dict.fromkeys((1, 2, 3), 0)
    for key, outcome in heard:
        if outcome.result is Result.ACCEPTED:
            rows[key] = 0
        counts = refuses_content(outcome)
        rows[key] += counts
        assert breaker.heard(key, outcome) is (counts and rows[key] == limit)
