"""Writes moments and lists as a reader of a language expects them, in the newsroom's time zone.

Babel's calendar and list words, with the form that the language's own authorities print:

    da   21. november 2025 kl. 14.05        sv   21 november 2025 kl. 14:05
    de   21. November 2025 um 14:05 Uhr     nb   21. november 2025 kl. 14:05
    fi   21. marraskuuta 2025 klo 14.05     fr   21 novembre 2025 à 14 h 05, 1er novembre 2025 à 14 h
    en   21 November 2025, 14:05            ar   21 نوفمبر 2025، الساعة 14:05

Arabic has the digits 0-9, as the telephone numbers and addresses beside it: they run left to right
within right-to-left text by Unicode's own rules (UAX 9, W2-W7), and need no marks. Any other
language has what Babel says of it, and one that Babel does not know is written as English.
"""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from mailer.core.language import primary

_SPACE = "\u00a0"  # one that no line breaks at, as French and American clocks have

# Between day and time, before a time that stands alone, and Babel's pattern of the time.
_CLOCKS = {
    "ar": ("، ", "الساعة ", "HH:mm"),
    "da": (" ", "kl. ", "HH.mm"),
    "de": (" ", "um ", "HH:mm 'Uhr'"),
    "en": (", ", "", "HH:mm"),
    "en_us": (", ", "", f"h:mm{_SPACE}a"),
    "fi": (" ", "klo ", "H.mm"),
    "fo": (" ", "kl. ", "HH.mm"),
    "fr": (" ", f"à{_SPACE}", f"H{_SPACE}'h'{_SPACE}mm"),
    "kl": (" ", "kl. ", "HH.mm"),
    "nb": (" ", "kl. ", "HH:mm"),
    "nn": (" ", "kl. ", "HH:mm"),
    "no": (" ", "kl. ", "HH:mm"),
    "sv": (" ", "kl. ", "HH:mm"),
}
_FULL_HOUR = {"fr": f"H{_SPACE}'h'"}


def longdate(value: datetime, language: str, time_zone: str) -> str:
    """The day in words: "21. november 2025", "21 November 2025".

    Args:
        value: an aware moment.
        language: a BCP 47 tag; one that Babel does not know is written as English.
        time_zone: IANA name of the zone whose calendar counts.
    """
    from babel.dates import format_date  # noqa: PLC0415 - 50 ms that few commands need

    local = value.astimezone(ZoneInfo(time_zone))
    words = format_date(local, "long", _locale(language))
    if primary(language) == "fr" and local.day == 1:
        return f"1er{words.removeprefix('1')}"
    return words


def longdatetime(value: datetime, language: str, time_zone: str) -> str:
    """The day in words and the time of day: "21. november 2025 kl. 14.05"."""
    between, _, _ = _clock(language)
    day = longdate(value, language, time_zone)
    return f"{day}{between}{timeofday(value, language, time_zone)}"


def timeofday(value: datetime, language: str, time_zone: str) -> str:
    """The time of day as it stands in a sentence: "kl. 14.05", "um 14:05 Uhr", "14:05"."""
    from babel.dates import format_time  # noqa: PLC0415 - as above

    local = value.astimezone(ZoneInfo(time_zone))
    _, before, pattern = _clock(language)
    if local.minute == 0:
        pattern = _FULL_HOUR.get(primary(language), pattern)
    return before + format_time(local, pattern, local.tzinfo, _locale(language))


def clock(hour: int, language: str) -> str:
    """A full hour as it stands in a list: "8.00", "08:00"."""
    from babel.dates import format_time  # noqa: PLC0415 - as above

    _, _, pattern = _clock(language)
    return format_time(time(hour), pattern, locale=_locale(language))


def weekday(number: int, language: str) -> str:
    """The name of a day of the week, 0 for Monday, as it stands by itself: "mandag", "Monday"."""
    from babel.dates import get_day_names  # noqa: PLC0415 - as above

    return str(get_day_names("wide", "stand-alone", _locale(language))[number])


def listed(items: Sequence[str], language: str) -> str:
    """The items as words of one sentence: "dansk, engelsk og tysk"; empty for none."""
    from babel.lists import format_list  # noqa: PLC0415 - as above

    return format_list([str(item) for item in items], locale=_locale(language))


def _clock(language: str) -> tuple[str, str, str]:
    """Ours for the language, or Babel's short form of a time."""
    locale = _locale(language)
    for name in (locale.lower(), locale.partition("_")[0]):
        if name in _CLOCKS:
            return _CLOCKS[name]
    return (", ", "", "short")


def _locale(language: str) -> str:
    """Babel's name for `language`; plain English is the world's ("21 November")."""
    from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415 - as above

    if language.lower() == "en":
        return "en_001"
    try:
        return str(Locale.parse(language.replace("_", "-"), sep="-"))
    except (UnknownLocaleError, ValueError):
        return "en_001"
