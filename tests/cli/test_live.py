"""The live view: rates from what was seen, a line that fits, and words that leave out the least first."""

import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli import live
from mailer.cli.live import Going, MinuteLog, Pace, Sight, line, together

BUSY = Going(
    Sight(
        accepted=41200,
        deferred=3,
        refused=2,
        unknown=1,
        in_hand=128,
        resting=("backup",),
        left=58800,
    ),
    share=0.412,
    per_second=8912.4,
    to_go=timedelta(seconds=7),
)

TROUBLE = "1 unknown, 2 refused, 3 deferred, resting: backup"
WHOLE = f"41,200 accepted, 58,800 left, 8,912 a second, 7 s to go, {TROUBLE}"


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (150, f"[###########.................] {WHOLE}"),
        (110, WHOLE),
        (
            90,
            f"41,200 accepted, 58,800 left, 7 s to go, {TROUBLE}",
        ),
        (60, "41,200 accepted, 58,800 left, 7 s to go, resting: backup"),
        (46, "41,200 accepted, 58,800 left, resting: backup"),
        (29, "41,200 accepted, 58,800 left"),
        (20, "41,200 accepted"),
        (3, ""),
    ],
)
def test_a_narrow_line_leaves_out_what_matters_least(width: int, said: str) -> None:
    assert line(BUSY, width) == said


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert line(Going(Sight()), 80) == "0 accepted"
    assert line(Going(Sight(accepted=5, left=0)), 80) == "5 accepted, nothing left"
    assert line(Going(Sight(left=0, in_hand=2)), 80) == "0 accepted, 0 left"
    assert line(Going(Sight(accepted=7, left=3), share=0.7, per_second=0.4), 60) == (
        "[#################........] 7 accepted, 3 left, 0.4 a second"
    )


@given(
    st.builds(
        Going,
        st.builds(
            Sight,
            *[st.integers(0, 10**7)] * 5,
            resting=st.lists(st.sampled_from(["a", "backup", "x" * 40])).map(tuple),
            left=st.none() | st.integers(0, 10**7),
        ),
        st.none() | st.floats(0, 1),
        st.none() | st.floats(0, 10**6),
        st.none() | st.timedeltas(timedelta(0), timedelta(days=400)),
    ),
    st.integers(0, 200),
)
def test_a_line_fits(going: Going, width: int) -> None:
    assert len(line(going, width)) <= width


def test_a_rate_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.going(0, Sight(accepted=0, left=2000)).per_second is None
    assert pace.going(0.5, Sight(accepted=50, left=1950)).per_second is None, "too early to say"
    for second in range(1, 31):
        going = pace.going(second, Sight(accepted=100 * second, left=2000))
    assert going.per_second == pytest.approx(100)
    for second in range(31, 45):
        going = pace.going(second, Sight(accepted=3000, left=2000))
    assert going.per_second == 0
    assert "a second" not in line(going, 80)


def test_how_long_it_takes_counts_what_other_dispatchers_do() -> None:
    pace = Pace()
    pace.going(0, Sight(left=10_000))
    pace.going(2, Sight(accepted=200, left=9_000))
    going = pace.going(4, Sight(accepted=400, left=8_000))
    assert going.per_second == 100
    assert going.to_go == timedelta(seconds=16)
    assert pace.going(6, Sight(accepted=600, left=8_000)).to_go == timedelta(seconds=14)
    assert pace.going(90, Sight(accepted=600, left=8_000)).to_go is None, "nobody knows any more"


def test_more_work_begins_the_reckoning_anew() -> None:
    pace = Pace()
    pace.going(0, Sight(left=1_000))
    assert pace.going(2, Sight(accepted=500, left=500)).to_go == timedelta(seconds=2)
    assert pace.going(4, Sight(accepted=900, left=50_000)).to_go is None
    assert pace.going(6, Sight(accepted=1_400, left=49_500)).to_go == timedelta(seconds=198)


def test_a_little_more_work_is_no_new_beginning_and_no_end_in_sight() -> None:
    pace = Pace()
    pace.going(0, Sight(left=1_000))
    assert pace.going(2, Sight(left=1_040)).to_go is None
    assert pace.going(4, Sight(left=900)).to_go == timedelta(seconds=36)


def test_the_bar_of_a_watch_is_that_of_the_work_at_hand() -> None:
    pace = Pace()
    pace.going(0, Sight(accepted=0, left=1_000))
    assert pace.going(5, Sight(accepted=750, left=250)).share == 0.75
    assert pace.going(10, Sight(accepted=1_000, left=0)).share is None
    assert pace.going(900, Sight(accepted=1_000, left=400)).share == 0
    assert pace.going(902, Sight(accepted=1_100, left=300)).share == 0.25


def test_several_dispatchers_are_seen_as_one() -> None:
    seen = together(
        [
            Sight(accepted=1, deferred=2, refused=3, unknown=4, in_hand=5, resting=("b", "a")),
            Sight(accepted=10, deferred=20, refused=30, unknown=40, in_hand=50, resting=("b",)),
        ],
        left=7,
    )
    assert seen == Sight(11, 22, 33, 44, 55, ("a", "b"), 7)
    assert together([], None) == Sight()


def test_the_log_is_told_of_what_is_new(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, live.__name__)
    tell = MinuteLog()
    tell(Sight(left=0))
    tell(Sight(accepted=3, deferred=1, left=4, resting=("a", "b")))
    tell(Sight(accepted=3, deferred=1, left=2))
    (record,) = caplog.records
    assert record.getMessage() == "progress"
    told = {name: getattr(record, name) for name in ("accepted", "deferred", "left", "resting")}
    assert told == {"accepted": 3, "deferred": 1, "left": 4, "resting": "a b"}
