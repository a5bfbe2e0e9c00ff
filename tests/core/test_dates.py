"""A moment is read exactly or refused with a reason; no zone is ever guessed."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.dates import ZONE_LETTERS, DateRefused, read_moment, read_told

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


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),
    st.sampled_from(sorted(ZONE_LETTERS)),
)
def test_every_moment_survives_being_written_in_zone_letters(naive: datetime, letters: str) -> None:
    aware = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=ZONE_LETTERS[letters])))
    dotted = f"{aware.day}.{aware.month}.{aware.year} {aware:%H:%M:%S} {letters}"
    assert read_moment(dotted) == aware
    assert read_moment(aware.isoformat()) == aware


@given(st.text(max_size=60), st.sampled_from([None, COPENHAGEN]))
def test_any_text_is_read_or_refused(text: str, zone: ZoneInfo | None) -> None:
    with suppress(DateRefused):
        assert read_moment(text, zone=zone).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected", "marks"),
    [
        # Each as a real source wrote it.
        ("Fri, 25 Sep 2026 22:14:00 GMT", "2026-09-25T22:14:00", ()),
        ("Fri, 02 Oct 2026 18:06 GMT", "2026-10-02T18:06:00", ()),
        ("Thu, 01 Oct 2026 15:00:10 +0000", "2026-10-01T15:00:10", ()),
        ("2026-10-01T07:21:34.266Z", "2026-10-01T07:21:34", ()),
        ("2020-06-15T21:45:52+0200", "2020-06-15T19:45:52", ()),
        ("2016-12-25T00:15:02.000+00:00", "2016-12-25T00:15:02", ()),
        ("8.9.2025 13:25:12 CEST", "2025-09-08T11:25:12", ()),
        # RFC 5322 and its ancestors.
        ("2 Oct 26 18:06 CEST", "2026-10-02T16:06:00", ()),
        ("2 Oct 99 18:06 EST", "1999-10-02T23:06:00", ()),
        ("Fri,2 Oct 2026 18:06:00 EET", "2026-10-02T16:06:00", ()),
        ("Fri 02 Oct 2026 18:06:00 BST", "2026-10-02T17:06:00", ()),
        ("Fri, 02 Oct 2026 18:06:00 +0200 (CEST)", "2026-10-02T16:06:00", ()),
        ("Fri, 02 Oct 2026 18:06:00 GMT+0200", "2026-10-02T16:06:00", ()),
        ("Mon, 02 Oct 2026 18:06:00 GMT", "2026-10-02T18:06:00", ("weekday",)),
        ("fredag, 2. oktober 2026 18:06 MEZ", "2026-10-02T17:06:00", ()),
        ("12-Sep-2025 10:00:00 -0430", "2025-09-12T14:30:00", ()),
        # No zone: the source's own.
        ("2026-07-01 07:00", "2026-07-01T05:00:00", ("zone",)),
        ("1. december 2026 07:00", "2026-12-01T06:00:00", ("zone",)),
        ("2026-09-25", "2026-09-24T22:00:00", ("day", "zone")),
        # The clocks change: the later reading, so that nothing is early.
        ("2025-10-26 02:30", "2025-10-26T01:30:00", ("zone", "ambiguous")),
        ("2025-03-30 02:30", "2025-03-30T01:30:00", ("zone", "missing")),
        ("Tue, 26 Oct 2025 02:30", "2025-10-26T01:30:00", ("weekday", "zone", "ambiguous")),
        ("2025-10-26 02:30 CEST", "2025-10-26T00:30:00", ()),
    ],
)
def test_what_a_source_tells_is_read_and_marked(
    text: str, expected: str, marks: tuple[str, ...]
) -> None:
    told = read_told(f" {text}\n", zone=COPENHAGEN)
    assert told.at == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert told.at.tzinfo is UTC
    assert told.marks == marks
    assert told.raw == f" {text}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "syntax"),
        ("yesterday", "syntax"),
        ("10/02/2026 18:06", "syntax"),
        ("Fri, 02 Oct 2026", "syntax"),
        ("Fri, 02 Foo 2026 18:06:00 GMT", "range"),
        ("31 Feb 2026 10:00 GMT", "range"),
        ("2 Oct 2026 25:00 GMT", "range"),
        ("2 Oct 2026 18:06 IST", "zone"),
        ("2 Oct 2026 18:06 +1500", "zone"),
        ("0001-01-01", "range"),
        ("x" * 5000, "syntax"),
    ],
)
def test_what_a_source_tells_that_is_no_moment_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DateRefused) as caught:
        read_told(text, zone=COPENHAGEN)
    assert caught.value.reason == reason


def test_what_a_desk_writes_by_hand_is_not_read_as_loosely() -> None:
    for text in ("Fri, 25 Sep 2026 22:14:00 GMT", "2 Oct 26 18:06 CEST"):
        with pytest.raises(DateRefused):
            read_moment(text, zone=COPENHAGEN)


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2049, 1, 1)),
    st.sampled_from(sorted(ZONE_LETTERS)),
)
def test_every_moment_survives_the_form_of_mail(naive: datetime, letters: str) -> None:
    aware = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=ZONE_LETTERS[letters])))
    assert read_told(format_datetime(aware), zone=COPENHAGEN).at == aware
    written = format_datetime(aware).rpartition(" ")[0]
    assert read_told(f"{written} {letters}", zone=COPENHAGEN).at == aware


@given(st.text(max_size=60))
def test_any_text_of_a_source_is_read_or_refused(text: str) -> None:
    with suppress(DateRefused):
        assert read_told(text, zone=COPENHAGEN).at.tzinfo is UTC
