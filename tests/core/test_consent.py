"""The life of subscriptions and requests, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.core.consent import (
    ImportAnswer,
    LinkState,
    Reply,
    RequestState,
    SubscriptionState,
    answer_import,
    answer_signup,
    link_state,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEN = timedelta(minutes=10)
PENDING, ACTIVE, ENDED = SubscriptionState


@pytest.mark.parametrize(
    ("state", "suppressed", "minutes_ago", "expected"),
    [
        (None, False, None, Reply.CONFIRM),
        (PENDING, False, None, Reply.CONFIRM),
        (ENDED, False, None, Reply.CONFIRM),
        (ACTIVE, False, None, Reply.ALREADY),
        (PENDING, False, 9, Reply.SILENCE),
        (PENDING, False, 10, Reply.CONFIRM),
        (ACTIVE, False, 9, Reply.SILENCE),
        (ACTIVE, False, 11, Reply.ALREADY),
        (None, True, None, Reply.SILENCE),
        (ACTIVE, True, 60, Reply.SILENCE),
    ],
)
def test_a_sign_up_is_answered_by_at_most_one_mail_within_the_interval(
    state: SubscriptionState | None, suppressed: bool, minutes_ago: int | None, expected: Reply
) -> None:
    last = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)

    reply = answer_signup(
        state=state, suppressed=suppressed, last_mailed=last, now=NOW, interval=TEN
    )

    assert reply is expected


@pytest.mark.parametrize(
    ("request_state", "subscription", "seconds_left", "expected"),
    [
        (RequestState.OPEN, PENDING, 1, LinkState.OPEN),
        (RequestState.OPEN, ACTIVE, 1, LinkState.OPEN),
        (RequestState.OPEN, ENDED, 1, LinkState.OPEN),
        (RequestState.OPEN, PENDING, 0, LinkState.EXPIRED),
        (RequestState.CONFIRMED, ACTIVE, -1000, LinkState.CONFIRMED),
        (RequestState.CONFIRMED, ENDED, 1, LinkState.EXPIRED),
        (RequestState.EXPIRED, PENDING, 1, LinkState.EXPIRED),
        (RequestState.EXPIRED, ACTIVE, 1, LinkState.EXPIRED),
        (RequestState.ANSWERED, ACTIVE, 1, LinkState.EXPIRED),
    ],
)
def test_a_confirm_link_says_confirmed_only_while_it_is_true(
    request_state: RequestState,
    subscription: SubscriptionState,
    seconds_left: int,
    expected: LinkState,
) -> None:
    found = link_state(
        request=request_state,
        subscription=subscription,
        expires_at=NOW + timedelta(seconds=seconds_left),
        now=NOW,
    )

    assert found is expected


@pytest.mark.parametrize(
    ("state", "suppressed", "expected"),
    [
        (None, False, ImportAnswer.IMPORT),
        (PENDING, False, ImportAnswer.IMPORT),
        (ACTIVE, False, ImportAnswer.ALREADY),
        (ENDED, False, ImportAnswer.ENDED),
        (None, True, ImportAnswer.SUPPRESSED),
        (ACTIVE, True, ImportAnswer.SUPPRESSED),
    ],
)
def test_an_import_brings_nobody_back_who_left(
    state: SubscriptionState | None, suppressed: bool, expected: ImportAnswer
) -> None:
    assert answer_import(state=state, suppressed=suppressed) is expected
