"""Dates, times and lists as readers of a language write them, by the newsroom's calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.texts.catalogue import languages
from mailer.texts.dates import listed, longdate, longdatetime, timeofday

_LATE = datetime(2025, 9, 30, 22, 5, tzinfo=UTC)  # already October in Copenhagen
_MORNING = datetime(2025, 11, 21, 8, 0, tzinfo=UTC)
_AFTERNOON = datetime(2025, 11, 21, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("da", "Europe/Copenhagen", "1. oktober 2025"),
        ("da", "UTC", "30. september 2025"),
        ("en", "Europe/Copenhagen", "1 October 2025"),
        ("en-US", "Europe/Copenhagen", "October 1, 2025"),
        ("de", "Europe/Berlin", "1. Oktober 2025"),
        ("sv", "Europe/Stockholm", "1 oktober 2025"),
        ("nb", "Europe/Oslo", "1. oktober 2025"),
        ("no", "Europe/Oslo", "1. oktober 2025"),
        ("fi", "Europe/Helsinki", "1. lokakuuta 2025"),
        ("fr", "Europe/Paris", "1er octobre 2025"),
        ("fr", "UTC", "30 septembre 2025"),
        ("ar", "Europe/Copenhagen", "1 أكتوبر 2025"),
        ("ar-EG", "Europe/Copenhagen", "1 أكتوبر 2025"),
        ("fo", "Atlantic/Faroe", "30. september 2025"),
        ("xx", "UTC", "30 September 2025"),
        ("not a tag!", "UTC", "30 September 2025"),
    ],
)
def test_days(language: str, zone: str, expected: str) -> None:
    assert longdate(_LATE, language, zone) == expected


@pytest.mark.parametrize(
    ("language", "late", "morning", "afternoon"),
    [
        ("da", "1. oktober 2025 kl. 00.05", "21. november 2025 kl. 09.00", "kl. 14.05"),
        ("en", "1 October 2025, 00:05", "21 November 2025, 09:00", "14:05"),
        ("en-GB", "1 October 2025, 00:05", "21 November 2025, 09:00", "14:05"),
        ("en-US", "October 1, 2025, 12:05~AM", "November 21, 2025, 9:00~AM", "2:05~PM"),
        ("de", "1. Oktober 2025 um 00:05 Uhr", "21. November 2025 um 09:00 Uhr", "um 14:05 Uhr"),
        ("sv", "1 oktober 2025 kl. 00:05", "21 november 2025 kl. 09:00", "kl. 14:05"),
        ("nb", "1. oktober 2025 kl. 00:05", "21. november 2025 kl. 09:00", "kl. 14:05"),
        ("no", "1. oktober 2025 kl. 00:05", "21. november 2025 kl. 09:00", "kl. 14:05"),
        ("fi", "1. lokakuuta 2025 klo 0.05", "21. marraskuuta 2025 klo 9.00", "klo 14.05"),
        ("fr", "1er octobre 2025 à~0~h~05", "21 novembre 2025 à~9~h", "à~14~h~05"),
        ("ar", "1 أكتوبر 2025، الساعة 00:05", "21 نوفمبر 2025، الساعة 09:00", "الساعة 14:05"),
        ("ar-EG", "1 أكتوبر 2025، الساعة 00:05", "21 نوفمبر 2025، الساعة 09:00", "الساعة 14:05"),
        ("fo", "1. oktober 2025 kl. 00.05", "21. november 2025 kl. 09.00", "kl. 14.05"),
        ("pl", "1 października 2025, 00:05", "21 listopada 2025, 09:00", "14:05"),
    ],
)
def test_days_with_the_time(language: str, late: str, morning: str, afternoon: str) -> None:
    zone = "Europe/Copenhagen"
    shown = [
        longdatetime(_LATE, language, zone),
        longdatetime(_MORNING, language, zone),
        timeofday(_AFTERNOON, language, zone),
    ]
    assert shown == [text.replace("~", "\u00a0") for text in (late, morning, afternoon)]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from(languages()))
def test_every_moment_keeps_its_year_and_minute(moment: datetime, language: str) -> None:
    shown = longdatetime(moment.replace(tzinfo=UTC), language, "UTC")
    assert str(moment.year) in shown
    assert str(moment.day) in shown
    assert f"{moment.minute:02}" in shown or (language == "fr" and moment.minute == 0)
    assert shown.isprintable() or "\u00a0" in shown


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("da", "A, B og C"),
        ("en", "A, B and C"),
        ("en-US", "A, B, and C"),
        ("de", "A, B und C"),
        ("sv", "A, B och C"),
        ("nb", "A, B og C"),
        ("fi", "A, B ja C"),
        ("fr", "A, B et C"),
        ("ar", "A وB وC"),
        ("xx", "A, B and C"),
    ],
)
def test_lists(language: str, expected: str) -> None:
    assert listed(["A", "B", "C"], language) == expected
    assert listed(["A"], language) == "A"
    assert listed([], language) == ""
