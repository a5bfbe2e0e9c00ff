"""A moment is read exactly or refused with a reason; no zone is ever guessed."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.dates import ZONE_LETTERS, DateRefused, read_moment

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.9.2025 20:49:28 CEST", datetime(2025, 9, 12, 18, 49, 28, tzinfo=UTC)),
        ("8.9.2025 13:25:12 CEST", datetime(2025, 9, 8, 11, 25, 12, tzinfo=UTC)),
        ("08.09.2025 13:25 CEST", datetime(2025, 9, 8, 11, 25, tzinfo=UTC)),
        ("4.1.2025 00:30:00 CET", datetime(2025, 1, 3, 23, 30, tzinfo=UTC)),
        ("12.9.2025  20:49\u00a0EEST", datetime(2025, 9, 12, 17, 49, tzinfo=UTC)),
        ("2025-09-12T20:49:28+02:00", datetime(2025, 9, 12, 18, 49, 28, tzinfo=UTC)),
        ("2025-09-12 20:49 +0200", datetime(2025, 9, 12, 18, 49, tzinfo=UTC)),
        ("2025-09-12T20:49:28.123456Z", datetime(2025, 9, 12, 20, 49, 28, tzinfo=UTC)),
        ("2025-09-12T20:49-03", datetime(2025, 9, 12, 23, 49, tzinfo=UTC)),
        ("2025-09-12 20:49 bst", datetime(2025, 9, 12, 19, 49, tzinfo=UTC)),
        ("2025-12-31 23:30 EST", datetime(2026, 1, 1, 4, 30, tzinfo=UTC)),
    ],
)
def test_reads_each_form(text: str, expected: datetime) -> None:
    found = read_moment(text)
    assert found == expected
    assert found.tzinfo is UTC


def test_a_time_without_zone_is_told_in_the_given_zone() -> None:
    assert read_moment("2025-07-01 07:00", zone=COPENHAGEN) == datetime(2025, 7, 1, 5, tzinfo=UTC)
    assert read_moment("1.12.2025 07:00", zone=COPENHAGEN) == datetime(2025, 12, 1, 6, tzinfo=UTC)


def test_a_zone_in_the_text_wins_over_the_given_one() -> None:
    assert read_moment("2025-07-01 07:00Z", zone=COPENHAGEN) == datetime(2025, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2025-10-26 02:30", "ambiguous"),
        ("2025-10-26 02:00", "ambiguous"),
        ("2025-03-30 02:30", "missing"),
        ("30.3.2025 02:00:00", "missing"),
    ],
)
def test_hours_that_daylight_saving_skips_or_repeats_are_refused(text: str, reason: str) -> None:
    with pytest.raises(DateRefused) as caught:
        read_moment(text, zone=COPENHAGEN)
    assert caught.value.reason == reason
    assert "+02:00" in caught.value.cure


@pytest.mark.parametrize("text", ["2025-10-26 01:59:59", "2025-10-26 03:00", "2025-03-30 03:00"])
def test_hours_beside_the_change_are_read(text: str) -> None:
    assert read_moment(text, zone=COPENHAGEN).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "syntax"),
        ("tomorrow at nine", "syntax"),
        ("2025-09-12T20", "syntax"),
        ("9/12/2025 20:49 CEST", "syntax"),
        ("12.9.25 20:49 CEST", "syntax"),
        ("20250912T204928Z", "syntax"),
        ("2025-W37-5T20:49Z", "syntax"),
        ("٢٠٢٥-09-12T20:49Z", "syntax"),
        ("2025-09-12", "day"),
        ("12.9.2025", "day"),
        ("31.9.2025 20:49 CEST", "range"),
        ("2025-02-29T10:00Z", "range"),
        ("2025-09-12T24:00Z", "range"),
        ("2025-09-12T20:60Z", "range"),
        ("2025-09-12T20:49:60Z", "range"),
        ("0000-01-01T10:00Z", "range"),
        ("0001-01-01T00:00+02:00", "range"),
        ("9999-12-31T23:59-02:00", "range"),
        ("2025-09-12 20:49", "zone"),
        ("2025-09-12 20:49 IST", "zone"),
        ("2025-09-12 20:49 XYZ", "zone"),
        ("2025-09-12T20:49+15:00", "zone"),
        ("2025-09-12T20:49+02:75", "zone"),
    ],
)
def test_what_is_no_moment_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(DateRefused) as caught:
        read_moment(text)
    assert caught.value.reason == reason
    assert caught.value.cure


def test_day_and_month_are_never_swapped() -> None:
    assert read_moment("8.9.2025 12:00 UTC").month == 9


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),
    st.sampled_from(sorted(ZONE_LETTERS)),
)
def test_every_moment_survives_being_written_in_zone_letters(naive: datetime, letters: str) -> None:
    aware = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=ZONE_LETTERS[letters])))
    dotted = f"{aware.day}.{aware.month}.{aware.year} {aware:%H:%M:%S} {letters}"
    assert read_moment(dotted) == aware
    assert read_moment(aware.isoformat()) == aware


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from([None, COPENHAGEN]))
def test_any_text_is_read_or_refused(text: str, zone: ZoneInfo | None) -> None:
    with suppress(DateRefused):
        assert read_moment(text, zone=zone).tzinfo is UTC
