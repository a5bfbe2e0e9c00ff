"""Says when a reader's digest is due and which releases come in it: pure, whatever the clocks do.

A release that waits is reckoned from a moment: when its audience was frozen, or when its reader last changed
how often they have mail. The next digest after that moment takes it; who has changed to having each release
at once gets what still waits without delay; during a break nothing comes, and what waited before the break
comes with the first digest after it.

Local hours are those of the newsroom. An hour that the clocks skip is kept at the next minute that there
is; one that comes twice is kept the first time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import TypeVar

from mailer.core.choice import AT_ONCE, DAILY, DIGESTS, WEEKLY, Choice
from mailer.core.language import primary

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

Edition = TypeVar("Edition")


class Occasion(StrEnum):
    """Why a digest comes: by the reader's choice, or as the last ones at once."""

    DAILY = "daily"
    WEEKLY = "weekly"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Owed:
    """A release that waits for a reader's digest.

    Attributes:
        since: the moment from which the next digest is reckoned, aware.
        catch_up: it was published before its reader subscribed, and comes at once.
        language: that waits; empty for what the digest finds, in the best or in every language of its reader.
        besides: languages in which its reader has it already, or is to have it otherwise.
    """

    subscription_id: int
    subscriber_id: int
    newsroom: str
    choice: Choice
    release_id: int
    since: datetime
    catch_up: bool = False
    language: str = ""
    besides: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parcel:
    """One digest for one mailbox.

    Attributes:
        carrier: the subscription whose delivery it is.
        newsroom: of that subscription; the mail comes from it.
        merged: what several newsrooms have is to come as one mail; perhaps one alone has something.
    """

    carrier: int
    newsroom: str
    occasion: Occasion
    languages: tuple[str, ...]
    owed: tuple[Owed, ...]
    merged: bool = False


def next_digest(choice: Choice, *, zone: tzinfo, after: datetime) -> datetime:
    """The first moment after `after` at which a digest is due by this choice; `after` itself for at once.

    Args:
        zone: the newsroom's.
        after: aware.

    Returns:
        In UTC.
    """
    if choice.frequency == AT_ONCE:
        return after.astimezone(UTC)
    day = after.astimezone(zone).date() - _DAY
    while True:
        if choice.frequency != WEEKLY or day.weekday() == choice.weekday:
            moment = _existing(datetime.combine(day, time(choice.hour)), zone)
            if moment > after:
                return moment
        day += _DAY


def due_at(owed: Owed, *, zone: tzinfo) -> datetime:
    """When a release that waits is due to its reader, in UTC."""
    since, until = owed.since, owed.choice.paused_until
    if until is not None and until > since:
        since = until
    if owed.catch_up:
        return since.astimezone(UTC)
    return next_digest(owed.choice, zone=zone, after=since)


def parcels(
    waiting: Iterable[Owed], *, zones: Mapping[str, tzinfo], now: datetime
) -> tuple[list[Parcel], dict[int, datetime]]:
    """What goes out now of what waits, and when the rest does.

    Args:
        waiting: all that waits for each of some mailboxes, as far as it may be due.
        zones: of the newsrooms.

    Returns:
        The digests that are due, one for a subscription or for those of a mailbox that are to come as one;
        and by subscription when what is not due yet will be.
    """
    due: dict[int, list[Owed]] = {}
    later: dict[int, datetime] = {}
    for one in waiting:
        moment = due_at(one, zone=zones[one.newsroom])
        if moment <= now:
            due.setdefault(one.subscription_id, []).append(one)
        else:
            known = later.get(one.subscription_id, moment)
            later[one.subscription_id] = min(known, moment)
    return [_parcel(together) for together in _together(due.values())], later


def is_merged(owed: Owed) -> bool:
    """Whether a release is to come in one mail with what other newsrooms have for the same mailbox."""
    return owed.choice.merged and owed.choice.frequency in DIGESTS and not owed.catch_up


def texts_shown(
    owed: Owed, editions: Mapping[str, Edition], otherwise: Sequence[str]
) -> tuple[Edition, ...]:
    """The texts in which a digest shows a release that waits, the one its reader likes best first.

    Who wants every language is shown each of theirs that there is and that they do not have otherwise.

    Args:
        editions: by language.
        otherwise: languages that stand in where there is none of its reader's, in order.

    Returns:
        Nothing where there is none of these, or its reader has them all.
    """
    if owed.language:
        return tuple(text for tag, text in editions.items() if tag == owed.language)
    left = {tag: text for tag, text in editions.items() if tag not in owed.besides}
    liked = list(_liked(owed.choice.languages, left))
    if not liked and not owed.besides:
        liked = list(_liked(otherwise, left))[:1]
    return tuple(liked if owed.choice.every_language else liked[:1])


def in_order(wanted: Iterable[str], editions: Mapping[str, Edition]) -> tuple[Edition, ...]:
    """All of these editions, those in a reader's languages first, as they like them."""
    return tuple(_liked((*wanted, *editions), editions))


def _liked(wanted: Iterable[str], editions: Mapping[str, Edition]) -> Iterator[Edition]:
    """The editions in these languages, the best first: exact tags before primary ones."""
    left = dict(editions)
    for tag in wanted:
        exact = [language for language in left if language.lower() == tag.lower()]
        near = [language for language in left if primary(language) == primary(tag)]
        for language in dict.fromkeys((*exact, *near)):
            yield left.pop(language)


def _existing(wall: datetime, zone: tzinfo) -> datetime:
    """The first moment at which clocks in `zone` show `wall`, or the next minute that they show."""
    while True:
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
        wall += _MINUTE


def _together(due: Iterable[list[Owed]]) -> Iterator[list[Owed]]:
    """What comes as one mail: of each subscription, or of those of a mailbox that want it so."""
    alone: list[list[Owed]] = []
    merging: list[list[Owed]] = []
    for of_one in due:
        (merging if all(map(is_merged, of_one)) else alone).append(of_one)
    yield from alone
    merging.sort(key=lambda of_one: (of_one[0].subscriber_id, of_one[0].subscription_id))
    for _, several in groupby(merging, key=lambda of_one: of_one[0].subscriber_id):
        yield [one for of_one in several for one in of_one]


def _parcel(together: Sequence[Owed]) -> Parcel:
    first = together[0]
    return Parcel(
        carrier=first.subscription_id,
        newsroom=first.newsroom,
        occasion=_occasion(together),
        languages=first.choice.languages,
        owed=tuple(together),
        merged=all(map(is_merged, together)),
    )


def _occasion(together: Sequence[Owed]) -> Occasion:
    frequencies = {AT_ONCE if one.catch_up else one.choice.frequency for one in together}
    if AT_ONCE in frequencies:
        return Occasion.LATEST
    return Occasion.DAILY if DAILY in frequencies else Occasion.WEEKLY
