"""What a reader chose, and the definition of whom a release is for: pure values and one predicate.

A choice is kept whole with each consent entry that makes or changes it. So who belonged to an audience
can be recomputed from the history alone: the last choice on record up to that moment, and `wants`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

AT_ONCE = "at_once"
FREQUENCIES = (AT_ONCE,)
"""How often a reader can have mail: what the program honours today, and settings may offer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A reader's choice at one newsroom, as it stands.

    Attributes:
        languages: BCP 47 tags in order of preference; they pick the edition and leave nobody out.
        topics: keys of the topics wanted; None for everything, topics that come later included.
        paused_until: nothing is wanted before this aware moment; None for no pause.
    """

    languages: tuple[str, ...]
    topics: tuple[str, ...] | None = None
    frequency: str = AT_ONCE
    paused_until: datetime | None = None


def wants(choice: Choice | None, *, topics: Collection[str], at: datetime) -> bool:
    """Whether a release that is mailed at once belongs to this reader.

    A release without topics is for everybody: nobody has been able to choose against it.

    Args:
        choice: the last one on record; None where none is, which is everything.
        topics: of the release, those among them that its newsroom offers its readers.
        at: the moment at which the audience is frozen, aware.
    """
    if choice is None:
        return True
    if choice.frequency != AT_ONCE:
        return False
    if choice.paused_until is not None and at < choice.paused_until:
        return False
    return choice.topics is None or not topics or not set(choice.topics).isdisjoint(topics)


def differences(before: Choice, after: Choice) -> tuple[str, ...]:
    """Which parts changed, by their names in `Choice`."""
    return tuple(
        name
        for name in ("languages", "topics", "frequency", "paused_until")
        if getattr(before, name) != getattr(after, name)
    )


def to_plain(choice: Choice) -> dict[str, Any]:
    """A choice as it is kept with a consent entry: JSON-ready."""
    until = choice.paused_until
    return {
        "languages": list(choice.languages),
        "topics": None if choice.topics is None else list(choice.topics),
        "frequency": choice.frequency,
        "paused_until": None if until is None else until.astimezone(UTC).isoformat(),
    }


def from_plain(kept: Mapping[str, Any]) -> Choice:
    """A choice from what `to_plain` made of it."""
    topics, until = kept["topics"], kept["paused_until"]
    return Choice(
        languages=tuple(kept["languages"]),
        topics=None if topics is None else tuple(topics),
        frequency=kept["frequency"],
        paused_until=None if until is None else datetime.fromisoformat(until),
    )


def joined(one: Choice, other: Choice) -> Choice:
    """What two choices of one reader come to: whatever either wanted, languages in the order of `one`."""
    topics = (
        None
        if one.topics is None or other.topics is None
        else tuple(dict.fromkeys((*one.topics, *other.topics)))
    )
    pauses = [choice.paused_until for choice in (one, other)]
    return Choice(
        languages=tuple(dict.fromkeys((*one.languages, *other.languages))),
        topics=topics,
        frequency=one.frequency,
        paused_until=None if None in pauses else min(until for until in pauses if until),
    )
