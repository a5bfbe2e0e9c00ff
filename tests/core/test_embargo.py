"""A release may be published from its moment on, never before, and is late some time after that."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailer.core.embargo import has_come, late_by, moment_of

AT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("publish", "embargo", "moment"),
    [
        (None, None, None),
        (AT, None, AT),
        (None, AT, AT),
        (AT, AT + TICK, AT + TICK),
        (AT + TICK, AT, AT + TICK),
    ],
)
def test_the_moment_is_the_later_of_both(
    publish: datetime | None, embargo: datetime | None, moment: datetime | None
) -> None:
    assert moment_of(publish, embargo) == moment
    assert has_come(AT - timedelta(days=1), publish_at=publish, embargo_until=embargo) is (
        moment is None
    )
    if moment is not None:
        assert not has_come(moment - TICK, publish_at=publish, embargo_until=embargo)
        assert has_come(moment, publish_at=publish, embargo_until=embargo)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """02:30 comes twice in Copenhagen on that night: an hour lies between."""
    zone = ZoneInfo("Europe/Copenhagen")
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=fold) for fold in (0, 1))
    until = second.astimezone(UTC)
    assert not has_come(first.astimezone(UTC), publish_at=None, embargo_until=until)
    assert has_come(until, publish_at=None, embargo_until=until)


@pytest.mark.parametrize(
    ("publish", "approved", "late"),
    [
        (None, None, 0),
        (AT, None, 30),
        (AT, AT - timedelta(hours=5), 30),
        (AT, AT + timedelta(hours=29), 1),
        (None, AT + timedelta(hours=29), 1),
        (AT + timedelta(hours=40), AT, 0),
    ],
)
def test_who_lets_an_old_one_go_wants_it_now(
    publish: datetime | None, approved: datetime | None, late: int
) -> None:
    now = AT + timedelta(hours=30)
    found = late_by(now, publish_at=publish, embargo_until=None, approved_at=approved)
    assert found == timedelta(hours=late)
