"""Writes moments as a reader of a language expects them, in the newsroom's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mailer.core.language import primary


def longdate(value: datetime, language: str, time_zone: str) -> str:
    """The day in words: "21. november 2025", "21 November 2025".

    Args:
        value: an aware moment.
        language: a BCP 47 tag; one that Babel does not know is written as English.
        time_zone: IANA name of the zone whose calendar counts.
    """
    from babel.dates import format_date  # noqa: PLC0415 - 50 ms that few commands need

    return format_date(value.astimezone(ZoneInfo(time_zone)), "long", _locale(language))


def longdatetime(value: datetime, language: str, time_zone: str) -> str:
    """The day in words and the time of day: "21. november 2025 kl. 14.05"."""
    from babel.dates import format_datetime  # noqa: PLC0415 - as above

    zone = ZoneInfo(time_zone)
    day = longdate(value, language, time_zone)
    clock = format_datetime(value, _CLOCK.get(primary(language), "HH:mm"), zone, _locale(language))
    return f"{day}{_BETWEEN.get(primary(language), ', ')}{clock}"


_CLOCK = {"da": "HH.mm"}
_BETWEEN = {"da": " kl. "}


def _locale(language: str) -> str:
    """Babel's name for `language`; plain English is the world's ("21 November")."""
    from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415 - as above

    if language.lower() == "en":
        return "en_001"
    try:
        return str(Locale.parse(language.replace("_", "-"), sep="-"))
    except (UnknownLocaleError, ValueError):
        return "en_001"
