"""How often a reader has mail, in the form of choices: at once, or by the day or week at an hour of theirs.

What a newsroom does not offer is neither shown nor taken. The hour, the day of the week and what goes with
digests are asked in any case, for without a script nothing can appear as a button is chosen: they say
themselves what they are for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mailer.core.choice import DIGESTS, WEEKLY, Choice
from mailer.core.newsroom import Newsroom

HOURS = range(24)
WEEKDAYS = range(7)


class Untimely(Exception):
    """What was sent says no time at which mail could come; `name` is the part: "frequency" or "hour"."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Timing:
    """What the form shows.

    Attributes:
        frequencies: that the newsroom offers; one alone is not asked.
        digests, weekly: it offers such; only then what goes with them is asked.
        merging: there are other newsrooms here whose digests could come in the same mail.
        time_zone: IANA name of the newsroom's, whose hours these are.
    """

    frequencies: tuple[str, ...]
    frequency: str
    hour: int
    weekday: int
    urgent_at_once: bool
    merged: bool
    digests: bool
    weekly: bool
    merging: bool
    time_zone: str


def has_digests(newsroom: Newsroom) -> bool:
    """Whether a newsroom offers its readers to have everything in one mail."""
    return not set(DIGESTS).isdisjoint(newsroom.frequencies)


def offered(newsroom: Newsroom, choice: Choice, *, merging: bool) -> Timing:
    """The timing of a choice, among what its newsroom offers.

    Args:
        merging: the reader has another newsroom here with digests.
    """
    return Timing(
        frequencies=newsroom.frequencies,
        frequency=choice.frequency,
        hour=choice.hour,
        weekday=choice.weekday,
        urgent_at_once=choice.urgent_at_once,
        merged=choice.merged,
        digests=has_digests(newsroom),
        weekly=WEEKLY in newsroom.frequencies,
        merging=merging,
        time_zone=newsroom.time_zone,
    )


def as_sent(timing: Timing, fields: Mapping[str, str]) -> Timing:
    """The timing as a form sent it; what cannot be is as it stands."""
    return replace(
        timing,
        frequency=fields.get("frequency", timing.frequency),
        hour=_number(fields, "hour", HOURS, timing.hour) or 0,
        weekday=_number(fields, "weekday", WEEKDAYS, timing.weekday) or 0,
        urgent_at_once="urgent" in fields,
        merged="merged" in fields,
    )


def read(newsroom: Newsroom, fields: Mapping[str, str], choice: Choice, *, merging: bool) -> Choice:
    """`choice` with the timing that was sent; what the form did not ask stays as it is.

    Raises:
        Untimely: it names what the newsroom does not offer, or no hour or day of the week.
    """
    frequency = newsroom.frequencies[0]
    if len(newsroom.frequencies) > 1:
        frequency = fields.get("frequency", choice.frequency)
        if frequency not in newsroom.frequencies:
            raise Untimely("frequency")
    timed = replace(choice, frequency=frequency)
    if not has_digests(newsroom):
        return timed
    hour = _number(fields, "hour", HOURS, choice.hour)
    weekday = _number(fields, "weekday", WEEKDAYS, choice.weekday)
    if hour is None or weekday is None:
        raise Untimely("hour")
    return replace(
        timed,
        hour=hour,
        weekday=weekday,
        urgent_at_once="urgent" in fields,
        merged="merged" in fields if merging else choice.merged,
    )


def _number(fields: Mapping[str, str], name: str, among: range, otherwise: int) -> int | None:
    """The number in a field, or what stands where there is none; None for what is none of those."""
    typed = fields.get(name, "")
    if not typed:
        return otherwise
    return {str(number): number for number in among}.get(typed)
