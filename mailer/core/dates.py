"""Reads a moment as documents write it, and never guesses: no zone, no moment.

    2025-09-12T20:49:28+02:00     ISO 8601; a blank for the T, seconds optional, Z or an offset
    2025-09-12 20:49 CEST         the same with zone letters
    12.9.2025 20:49:28 CEST       day.month.year, as European newsrooms print it

Zone letters are fixed offsets. A time without a zone is read in the zone that the caller hands in;
an hour that this zone skips or repeats (daylight saving) is refused: a guess could mail too early.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

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
    naive = _wall_clock(found, stated)
    try:
        if given is not None:
            return naive.replace(tzinfo=given).astimezone(UTC)
        return _in_zone(naive, zone, stated)
    except OverflowError as error:
        raise DateRefused(
            f"“{stated}” is out of range", "check the year", reason="range"
        ) from error


def _not_a_moment(stated: str) -> DateRefused:
    shown = stated if len(stated) <= 60 else f"{stated[:60]}..."
    if any(form.fullmatch(stated) for form in _DAYS):
        return DateRefused(
            f"“{shown}” is a day without a time", f"write a time too, as in {FORMS}", reason="day"
        )
    return DateRefused(f"“{shown}” is not a date and time", f"write {FORMS}", reason="syntax")


def _wall_clock(found: re.Match[str], stated: str) -> datetime:
    parts = [int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    try:
        return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - the zone comes next
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
