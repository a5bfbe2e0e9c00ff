"""What may be sent, and what an outcome means for its delivery: the whole tables, and their properties."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.delivery import (
    NOTICES,
    Blame,
    DeliveryState,
    Due,
    Outcome,
    Phase,
    Purpose,
    Result,
    Settled,
    may_receive,
    settle,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
SOON = NOW + timedelta(minutes=1)


def due(
    *, attempts: int = 2, unknown: Literal["resend", "hold"] = "resend", cause: str = ""
) -> Due:
    return Due(1, Purpose.RELEASE, 1, 1, "a@example.org", NOW, attempts, 1, cause, unknown)


ANSWERS = [
    # result, blame, policy -> state, what is added to the count, when again
    (Result.ACCEPTED, Blame.READER, "resend", DeliveryState.ACCEPTED, 1, None),
    (Result.ACCEPTED, Blame.READER, "hold", DeliveryState.ACCEPTED, 1, None),
    (Result.REFUSED, Blame.READER, "resend", DeliveryState.REFUSED, 1, None),
    (Result.REFUSED, Blame.RELAY, "resend", DeliveryState.DUE, 0, SOON),
    (Result.REFUSED, Blame.SENDER, "hold", DeliveryState.DUE, 0, SOON),
    (Result.DEFERRED, Blame.READER, "resend", DeliveryState.DUE, 1, LATER),
    (Result.DEFERRED, Blame.RELAY, "resend", DeliveryState.DUE, 0, SOON),
    (Result.DEFERRED, Blame.SENDER, "resend", DeliveryState.DUE, 0, SOON),
    (Result.UNKNOWN, Blame.RELAY, "resend", DeliveryState.DUE, 1, LATER),
    (Result.UNKNOWN, Blame.RELAY, "hold", DeliveryState.UNKNOWN, 1, None),
]


@pytest.mark.parametrize(("result", "blame", "policy", "state", "added", "again"), ANSWERS)
def test_what_an_outcome_means(
    result: Result,
    blame: Blame,
    policy: Literal["resend", "hold"],
    state: DeliveryState,
    added: int,
    again: datetime | None,
) -> None:
    outcome = Outcome(result, Phase.CONTENT, blame=blame)
    found = settle(due(unknown=policy), outcome, retry_at=LATER, soon=SOON)
    assert found == Settled(state, 2 + added, again)


@pytest.mark.parametrize("result", [Result.DEFERRED, Result.UNKNOWN])
def test_past_the_horizon_it_has_expired(result: Result) -> None:
    found = settle(due(), Outcome(result, Phase.RCPT), retry_at=None, soon=SOON)
    assert found == Settled(DeliveryState.EXPIRED, 3)


outcomes = st.builds(
    Outcome,
    result=st.sampled_from(Result),
    phase=st.sampled_from(Phase),
    blame=st.sampled_from(Blame),
)


@given(outcomes, st.sampled_from(["resend", "hold"]), st.sampled_from([None, LATER]))
def test_a_delivery_is_due_again_exactly_where_it_has_a_time_for_it(
    outcome: Outcome, policy: Literal["resend", "hold"], again: datetime | None
) -> None:
    found = settle(due(unknown=policy), outcome, retry_at=again, soon=SOON)
    assert (found.state is DeliveryState.DUE) == (found.due_at is not None)
    assert found.attempts in {2, 3}


@given(outcomes, st.sampled_from(["resend", "hold"]), st.sampled_from([None, LATER]))
def test_only_acceptance_is_called_acceptance_and_only_the_readers_own_refusal_is_final(
    outcome: Outcome, policy: Literal["resend", "hold"], again: datetime | None
) -> None:
    found = settle(due(unknown=policy), outcome, retry_at=again, soon=SOON)
    assert (found.state is DeliveryState.ACCEPTED) == (outcome.result is Result.ACCEPTED)
    if found.state is DeliveryState.REFUSED:
        assert (outcome.result, outcome.blame) == (Result.REFUSED, Blame.READER)
    if outcome.blame is not Blame.READER and outcome.result in {Result.DEFERRED, Result.REFUSED}:
        given_up = again is None and outcome.blame is Blame.RELAY
        state = DeliveryState.EXPIRED if given_up else DeliveryState.DUE
        assert found == Settled(state, 2, None if given_up else SOON)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("subscribed", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_who_may_receive_what(purpose: Purpose, subscribed: bool, asked: bool) -> None:
    allowed = may_receive(purpose, subscribed=subscribed, suppressed=False, asked=asked)
    expected = {
        Purpose.CONFIRM: asked,
        Purpose.REMINDER: asked,
        Purpose.LEFT: asked and not subscribed,
        Purpose.MANAGE: True,
        Purpose.MOVE: asked,
        Purpose.MOVING: True,
        Purpose.MOVED: True,
    }
    assert allowed is expected.get(purpose, subscribed)
    assert not may_receive(purpose, subscribed=subscribed, suppressed=True, asked=asked)


def test_every_purpose_but_those_of_mailings_is_a_notice() -> None:
    mailed = {"release", "digest", "correction", "withdrawal", "early", "embargo"}
    assert {str(purpose) for purpose in set(Purpose) - set(NOTICES)} == mailed


@pytest.mark.parametrize(("cause", "number"), [("request:17", 17), ("", 0)])
def test_a_cause_names_a_number(cause: str, number: int) -> None:
    assert due(cause=cause).cause_id == number
