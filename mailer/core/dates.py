"""Reads a moment as documents and sources write it, and never guesses in silence.

    2025-09-12T20:49:28+02:00     ISO 8601; a blank for the T, seconds optional, Z or an offset
    2025-09-12 20:49 CEST         the same with zone letters
    12.9.2025 20:49:28 CEST       day.month.year, as European newsrooms print it

Zone letters are fixed offsets. A time without a zone is read in the zone that the caller hands in;
an hour that this zone skips or repeats (daylight saving) is refused: a guess could mail too early.

What the press office writes by hand is read by `read_moment`, which refuses all else. What a source says is
read by `read_told`, which knows these too, and marks what it had to decide:

    Fri, 25 Sep 2026 22:14:00 GMT     RFC 5322; weekday, seconds and comma optional, years of two digits
    2026-09-25                        a day alone is its first moment

Of an hour that comes twice, or never, it takes the later reading: nothing is early for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal

from mailer.core.errors import MailerError

FORMS = "2025-09-12T20:49:28+02:00, 2025-09-12 20:49 CEST or 12.9.2025 20:49:28 CEST"

# Hours east of Greenwich. The American letters are those of RFC 5322 section 4.3; letters that name
# several zones of different offsets around the world (IST, AST) are left out on purpose.
ZONE_LETTERS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2,
    "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip

_TIME = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
_ZONE = r"(?: ?(?P<offset>[+-][0-9]{2}(?::?[0-9]{2})?)| ?(?P<letters>[A-Za-z]{1,5}))?"
_ISO_DAY = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_DOTTED_DAY = r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"
_MOMENTS = (
    re.compile(rf"{_ISO_DAY}[T ]{_TIME}{_ZONE}"),
    re.compile(rf"{_DOTTED_DAY} {_TIME}{_ZONE}"),
)
_DAYS = (re.compile(_ISO_DAY), re.compile(_DOTTED_DAY))

# RFC 5322 section 3.3, and what section 4.3 makes of its ancestors: a year of two digits, no seconds, a
# comment behind. The weekday is read over: it may be wrong, missing or of another language.
_MAIL_DAY = re.compile(
    r"(?:(?P<weekday>[^\W\d_]{2,12})\.?(?:, ?| ))?(?P<day>[0-9]{1,2})\.?[ -](?P<month>[^\W\d_]{3,12})\.?[ -]"
    rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}),? {_TIME}(?: ?(?:GMT|UTC)(?=[+-]))?{_ZONE}(?: ?\([^()]{{0,40}}\))?"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may maj mai", "jun", "jul", "aug", "sep", "oct okt", "nov",
         "dec dez"), 1
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Mark = Literal["zone", "ambiguous", "missing", "weekday", "day"]
"""What had to be decided: no zone was said (the source's was taken); the hour comes twice or never there (the
later reading was taken); the weekday is another day's (the date was taken); no time was said (the day's
first moment was taken)."""


@dataclass(frozen=True, slots=True)
class Told:
    """A moment as a source told it.

    Attributes:
        at: aware UTC, in whole seconds.
        raw: the text as it stood.
        marks: what had to be decided to read it; empty where it says everything itself.
    """

    at: datetime
    raw: str
    marks: tuple[Mark, ...] = ()


class DateRefused(MailerError):
    """Not a moment we can rely on.

    Attributes:
        reason: "syntax", "day" (a day without a time), "range" (no such day or hour), "zone" (none
            given, or letters we do not know), "missing" or "ambiguous" (daylight saving).
    """

    def __init__(self, what: str, cure: str, *, reason: str) -> None:
        super().__init__(what, cure)
        self.reason = reason


def read_moment(text: str, *, zone: tzinfo | None = None) -> datetime:
    """Read one moment.

    Args:
        text: in one of the forms named above.
        zone: where a time without a zone of its own is told; None means such a time is refused.

    Returns:
        The moment in UTC; parts of a second are dropped.

    Raises:
        DateRefused: see its `reason`.
    """
    stated = " ".join(text.split())
    found = next((match for form in _MOMENTS if (match := form.fullmatch(stated))), None)
    if found is None:
        raise _not_a_moment(stated)
    given = _given_zone(found, stated)
    naive = _wall_clock(found.groupdict(), stated)
    try:
        if given is not None:
            return naive.replace(tzinfo=given).astimezone(UTC)
        return _in_zone(naive, zone, stated)
    except OverflowError as error:
        raise _out_of_range(stated) from error


def read_told(text: str, *, zone: tzinfo) -> Told:
    """Read a moment that a source tells.

    Args:
        text: in one of the forms named above.
        zone: the source's own, in which a time without a zone is told.

    Raises:
        DateRefused: see its `reason`: "syntax", "range", or "zone" for letters that we do not know.
    """
    stated = " ".join(text[:200].split())
    found = next(
        (m for form in (*_MOMENTS, _MAIL_DAY, *_DAYS) if (m := form.fullmatch(stated))), None
    )
    if found is None:
        raise _not_a_moment(stated)
    said = found.groupdict()
    marks: tuple[Mark, ...] = ()
    if "hour" in said:
        naive, given = _wall_clock(said, stated), _given_zone(found, stated)
        marks = ("weekday",) if _is_another_day(said.get("weekday"), naive) else ()
    else:
        naive, given, marks = _wall_clock(said, stated), None, ("day",)
    try:
        if given is not None:
            return Told(naive.replace(tzinfo=given).astimezone(UTC), text, marks)
        readings = [naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    except OverflowError as error:
        raise _out_of_range(stated) from error
    doubt = _doubt(naive, *readings, zone=zone)
    return Told(max(readings), text, (*marks, "zone", *doubt))


def _doubt(naive: datetime, first: datetime, second: datetime, *, zone: tzinfo) -> tuple[Mark, ...]:
    if first == second:
        return ()
    skipped = first.astimezone(zone).replace(tzinfo=None) != naive
    return ("missing",) if skipped else ("ambiguous",)


def _is_another_day(weekday: str | None, naive: datetime) -> bool:
    """Whether an English weekday, the only ones RFC 5322 knows, contradicts its date."""
    name = (weekday or "")[:3].lower()
    return name in _WEEKDAYS and _WEEKDAYS[naive.weekday()] != name


def _out_of_range(stated: str) -> DateRefused:
    return DateRefused(f"“{stated}” is out of range", "check the year", reason="range")


def _not_a_moment(stated: str) -> DateRefused:
    shown = stated if len(stated) <= 60 else f"{stated[:60]}..."
    if any(form.fullmatch(stated) for form in _DAYS):
        return DateRefused(
            f"“{shown}” is a day without a time", f"write a time too, as in {FORMS}", reason="day"
        )
    return DateRefused(f"“{shown}” is not a date and time", f"write {FORMS}", reason="syntax")


def _wall_clock(said: Mapping[str, str | None], stated: str) -> datetime:
    month = _MONTHS.get((said["month"] or "")[:3].lower()) or said["month"] or ""
    year = int(said["year"] or 0)
    if len(said["year"] or "") == 2:  # RFC 5322 section 4.3
        year += 2000 if year < 50 else 1900
    day, hour, minute, second = (
        int(said.get(name) or 0) for name in ("day", "hour", "minute", "second")
    )
    try:
        # The zone comes next.
        return datetime(year, int(month), day, hour, minute, second)  # noqa: DTZ001
    except ValueError as error:
        raise DateRefused(
            f"“{stated}” names a day or hour that does not exist", "check it", reason="range"
        ) from error


def _given_zone(found: re.Match[str], stated: str) -> timezone | None:
    if found["offset"]:
        return _offset(found["offset"], stated)
    if found["letters"]:
        hours = ZONE_LETTERS.get(found["letters"].upper())
        if hours is None:
            raise DateRefused(
                f"The zone “{found['letters']}” of “{stated}” is not one that means one offset only",
                "write the offset from UTC instead, as in +02:00",
                reason="zone",
            )
        return timezone(timedelta(hours=hours))
    return None


def _offset(text: str, stated: str) -> timezone:
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if offset > timedelta(hours=14) or int(digits[2:] or 0) > 59:
        raise DateRefused(
            f"“{stated}” is further from UTC than any place on earth",
            "check the offset; it is hours and minutes, as in +02:00",
            reason="zone",
        )
    return timezone(-offset if text[0] == "-" else offset)


def _in_zone(naive: datetime, zone: tzinfo | None, stated: str) -> datetime:
    if zone is None:
        raise DateRefused(
            f"“{stated}” does not say in which time zone it is told",
            "add an offset such as +02:00, or zone letters such as CEST",
            reason="zone",
        )
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    moment = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return moment
    skipped = moment.astimezone(zone).replace(tzinfo=None) != naive
    raise DateRefused(
        f"“{stated}” {'does not exist' if skipped else 'comes twice'} in {zone}: "
        "the clocks change in that hour",
        "write the offset from UTC with it, as in +02:00",
        reason="missing" if skipped else "ambiguous",
    )
