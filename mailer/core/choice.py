"""What a reader chose, and the definition of whom a release is for: pure values and one predicate.

A choice is kept whole with each consent entry that makes or changes it. So who belonged to an audience
can be recomputed from the history alone: the last choice on record up to that moment, and `wants`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

AT_ONCE = "at_once"
DAILY = "daily"
WEEKLY = "weekly"
FREQUENCIES = (AT_ONCE, DAILY, WEEKLY)
"""How often a reader can have mail: each release by itself, or what there is as a digest."""

DIGESTS = (DAILY, WEEKLY)
MORNING = 8
MONDAY = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A reader's choice at one newsroom, as it stands.

    Attributes:
        languages: BCP 47 tags in order of preference; they pick the edition and leave nobody out.
        topics: keys of the topics wanted; None for everything, topics that come later included.
        kinds, places: the same for kinds of release, and for what places it is about.
        every_language: each release in every one of the languages, not in the first there is alone.
        paused_until: nothing is wanted before this aware moment; None for no pause.
        hour: of the day at which a digest comes, 0-23, where the newsroom is.
        weekday: on which a weekly one comes, 0 for Monday.
        urgent_at_once: who has digests wants what is urgent at once all the same.
        merged: digests of several newsrooms that are due at one moment come as one mail.
    """

    languages: tuple[str, ...]
    topics: tuple[str, ...] | None = None
    frequency: str = AT_ONCE
    paused_until: datetime | None = None
    hour: int = MORNING
    weekday: int = MONDAY
    urgent_at_once: bool = True
    merged: bool = False
    kinds: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None
    every_language: bool = False


class Interests(NamedTuple):
    """The parts of a choice that say what releases are to be about; None for everything.

    And how often they are to come, as far as a sign-up says so; None for as it is without a word.
    """

    topics: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None
    frequency: str | None = None

    def over(self, choice: Choice) -> Choice:
        """A choice with these interests, and all else as it was."""
        often = self.frequency or choice.frequency
        about = replace(choice, topics=self.topics, kinds=self.kinds, places=self.places)
        return replace(about, frequency=often)


EVERYTHING = Interests()


def wants(
    choice: Choice | None,
    *,
    topics: Collection[str],
    at: datetime,
    urgent: bool = False,
    kinds: Collection[str] = (),
    places: Collection[str] = (),
) -> bool:
    """Whether a release that is mailed at once belongs to this reader.

    A release without topics is for everybody: nobody has been able to choose against it. So is one
    without a kind, or without a place, as far as kinds or places are concerned.

    Args:
        choice: the last one on record; None where none is, which is everything.
        topics, kinds, places: of the release, those among them that its newsroom offers its readers.
        at: the moment at which the audience is frozen, aware.
        urgent: it goes at once to those who have digests and agreed to that.
    """
    if choice is None:
        return True
    about = (topics, kinds, places)
    return _at_once(choice, urgent) and _reads_at(choice, at) and _interested(choice, *about)


def wants_in_digest(
    choice: Choice | None,
    *,
    topics: Collection[str],
    at: datetime,
    urgent: bool = False,
    kinds: Collection[str] = (),
    places: Collection[str] = (),
) -> bool:
    """Whether a release is kept for this reader's next digest; arguments as of `wants`.

    Nobody wants one release both ways.
    """
    if choice is None or _at_once(choice, urgent):
        return False
    return _reads_at(choice, at) and _interested(choice, topics, kinds, places)


def _at_once(choice: Choice, urgent: bool) -> bool:
    return choice.frequency == AT_ONCE or (urgent and choice.urgent_at_once)


def _reads_at(choice: Choice, at: datetime) -> bool:
    return choice.paused_until is None or at >= choice.paused_until


def _interested(
    choice: Choice, topics: Collection[str], kinds: Collection[str], places: Collection[str]
) -> bool:
    groups = ((choice.topics, topics), (choice.kinds, kinds), (choice.places, places))
    return all(wanted is None or not of or not set(wanted).isdisjoint(of) for wanted, of in groups)


def differences(before: Choice, after: Choice) -> tuple[str, ...]:
    """Which parts changed, by their names in `Choice`."""
    names = (field.name for field in fields(Choice))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def to_plain(choice: Choice) -> dict[str, Any]:
    """A choice as it is kept with a consent entry: JSON-ready."""
    until = choice.paused_until
    return {
        "languages": list(choice.languages),
        "topics": _listed(choice.topics),
        "frequency": choice.frequency,
        "paused_until": None if until is None else until.astimezone(UTC).isoformat(),
        "hour": choice.hour,
        "weekday": choice.weekday,
        "urgent_at_once": choice.urgent_at_once,
        "merged": choice.merged,
        "kinds": _listed(choice.kinds),
        "places": _listed(choice.places),
        "every_language": choice.every_language,
    }


def from_plain(kept: Mapping[str, Any]) -> Choice:
    """A choice from what `to_plain` made of it; what an entry does not name is as nobody chose it."""
    until = kept.get("paused_until")
    return Choice(
        languages=tuple(kept["languages"]),
        topics=_kept(kept.get("topics")),
        frequency=kept.get("frequency", AT_ONCE),
        paused_until=None if until is None else datetime.fromisoformat(until),
        hour=kept.get("hour", MORNING),
        weekday=kept.get("weekday", MONDAY),
        urgent_at_once=kept.get("urgent_at_once", True),
        merged=kept.get("merged", False),
        kinds=_kept(kept.get("kinds")),
        places=_kept(kept.get("places")),
        every_language=kept.get("every_language", False),
    )


def languages_alone(*languages: str) -> dict[str, Any]:
    """As `to_plain`, of a choice that names languages and is everything else by default."""
    return {"languages": list(languages)}


def signup_to_plain(language: str, interests: Interests) -> dict[str, Any]:
    """What a sign-up asks for, as it is kept with its request: `from_plain` reads it back."""
    named = {
        name: list(words) if isinstance(words, tuple) else words
        for name, words in interests._asdict().items()
        if words is not None
    }
    return {**languages_alone(language), **named}


def joined(one: Choice, other: Choice) -> Choice:
    """What two choices of one reader come to: whatever either wanted, languages in the order of `one`."""
    pauses = [choice.paused_until for choice in (one, other)]
    return replace(
        one,
        languages=tuple(dict.fromkeys((*one.languages, *other.languages))),
        topics=_either(one.topics, other.topics),
        kinds=_either(one.kinds, other.kinds),
        places=_either(one.places, other.places),
        every_language=one.every_language or other.every_language,
        paused_until=None if None in pauses else min(until for until in pauses if until),
    )


def _either(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


def _listed(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


def _kept(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)
