"""Dates as readers of a language write them, by the newsroom's calendar."""

from datetime import UTC, datetime

import pytest

from mailer.texts.dates import longdate, longdatetime

_LATE = datetime(2025, 9, 30, 22, 5, tzinfo=UTC)  # already October in Copenhagen


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("da", "Europe/Copenhagen", "1. oktober 2025"),
        ("da", "UTC", "30. september 2025"),
        ("en", "Europe/Copenhagen", "1 October 2025"),
        ("en-US", "Europe/Copenhagen", "October 1, 2025"),
        ("xx", "UTC", "30 September 2025"),
        ("not a tag!", "UTC", "30 September 2025"),
    ],
)
def test_days(language: str, zone: str, expected: str) -> None:
    assert longdate(_LATE, language, zone) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("da", "1. oktober 2025 kl. 00.05"), ("en", "1 October 2025, 00:05")],
)
def test_days_with_the_time(language: str, expected: str) -> None:
    assert longdatetime(_LATE, language, "Europe/Copenhagen") == expected
