"""What upkeep does with a sign-up that waits, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.core.consent import RequestState, SubscriptionState
from mailer.core.delivery import DeliveryState
from mailer.core.waiting import Reminding, Step, Terms, remind, step

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PENDING, ACTIVE, ENDED = SubscriptionState
OPEN, CONFIRMED, EXPIRED, ANSWERED = RequestState
TERMS = Terms()
NEVER = Terms(remind_after=timedelta(0))


@pytest.mark.parametrize(
    ("terms", "mailed", "hours"), [(TERMS, True, 24), (TERMS, False, 168), (NEVER, True, 168)]
)
def test_a_request_is_looked_at_when_something_may_be_due(
    terms: Terms, mailed: bool, hours: int
) -> None:
    assert terms.first_look(AT, mailed=mailed) == AT + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("request_state", "subscription", "hours", "expected"),
    [
        (OPEN, PENDING, 24, Step.REMIND),
        (OPEN, ENDED, 24, Step.REMIND),
        (OPEN, ACTIVE, 24, Step.NOTHING),
        (EXPIRED, PENDING, 72, Step.NOTHING),
        (CONFIRMED, ACTIVE, 24, Step.NOTHING),
        (EXPIRED, PENDING, 168, Step.FORGET),
        (ANSWERED, PENDING, 168, Step.FORGET),
        (ANSWERED, ACTIVE, 168, Step.NOTHING),
        (EXPIRED, ENDED, 168, Step.NOTHING),
        (OPEN, PENDING, 168, Step.NOTHING),
    ],
)
def test_a_waiting_request_is_reminded_of_then_forgotten(
    request_state: RequestState, subscription: SubscriptionState, hours: int, expected: Step
) -> None:
    now = AT + timedelta(hours=hours)
    found = step(request=request_state, subscription=subscription, made_at=AT, terms=TERMS, now=now)
    assert found is expected


def test_nobody_is_reminded_where_the_settings_say_so() -> None:
    now = AT + timedelta(hours=24)
    assert (
        step(request=OPEN, subscription=PENDING, made_at=AT, terms=NEVER, now=now) is Step.NOTHING
    )


@pytest.mark.parametrize("state", DeliveryState)
def test_only_a_first_mail_that_arrived_is_reminded_of(state: DeliveryState) -> None:
    expected = {
        DeliveryState.DUE: Reminding.NOT_YET,
        DeliveryState.ACCEPTED: Reminding.YES,
        DeliveryState.UNKNOWN: Reminding.YES,
    }.get(state, Reminding.NO)
    found = remind(first=state, mails=1, suppressed=False, lapsed=False, renewed=False)
    assert found is expected


@pytest.mark.parametrize(
    "against",
    [{"mails": 2}, {"suppressed": True}, {"lapsed": True}, {"renewed": True}, {"first": None}],
)
def test_one_reason_is_enough_to_remind_nobody(against: dict[str, object]) -> None:
    for_it = {"first": DeliveryState.ACCEPTED, "mails": 1, "suppressed": False, "lapsed": False}
    values = {**for_it, "renewed": False, **against}
    assert remind(**values) is Reminding.NO  # type: ignore[arg-type] # a table of cases
