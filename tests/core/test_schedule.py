"""The retry curve."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.schedule import HORIZON, retry_at

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MOMENTS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)).map(START.__add__)
HORIZONS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2))


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 15), (4, 60), (5, 120), (9, 120)]
)
def test_the_steps(attempts: int, minutes: int) -> None:
    assert retry_at(attempts, now=START, first_at=START) == START + timedelta(minutes=minutes)


def test_a_day_of_failures_ends_on_the_horizon() -> None:
    moment: datetime | None = START
    tried: list[datetime] = []
    while moment is not None:
        tried.append(moment)
        moment = retry_at(len(tried), now=moment, first_at=START)
    assert tried[-1] == START + HORIZON
    assert len(tried) == 17


@given(attempts=st.integers(0, 50), now=MOMENTS, horizon=HORIZONS)
def test_never_before_now_and_never_past_the_horizon(
    attempts: int, now: datetime, horizon: timedelta
) -> None:
    end = START + horizon
    moment = retry_at(attempts, now=now, first_at=START, horizon=horizon)
    if now >= end:
        assert moment is None
    else:
        assert moment is not None
        assert now < moment <= end


@given(attempts=st.integers(0, 50), now=MOMENTS)
def test_more_failures_never_shorten_the_wait(attempts: int, now: datetime) -> None:
    sooner = retry_at(attempts, now=now, first_at=START)
    later = retry_at(attempts + 1, now=now, first_at=START)
    assert (sooner is None) == (later is None)
    if sooner is not None and later is not None:
        assert sooner <= later


def test_a_negative_count_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        retry_at(-1, now=START, first_at=START)
