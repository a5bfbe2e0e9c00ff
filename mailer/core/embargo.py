"""When a release may be published, and when that has become so late that somebody must decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


def moment_of(publish_at: datetime | None, embargo_until: datetime | None) -> datetime | None:
    """The first moment at which a release may be published; None for any time."""
    return _latest((publish_at, embargo_until))


def has_come(now: datetime, *, publish_at: datetime | None, embargo_until: datetime | None) -> bool:
    """Whether a release may be published: never a moment before."""
    moment = moment_of(publish_at, embargo_until)
    return moment is None or moment <= now


def late_by(
    now: datetime,
    *,
    publish_at: datetime | None,
    embargo_until: datetime | None,
    approved_at: datetime | None,
) -> timedelta:
    """How long a release has been waiting for somebody to publish it.

    Who approves one whose moment has passed wants it out now: it is late from then on.
    """
    since = _latest((publish_at, embargo_until, approved_at))
    return timedelta(0) if since is None else max(now - since, timedelta(0))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a source's new word on an embargo comes to.

    Attributes:
        until: the embargo that the release is under by it; None for none.
        later: that is later than before.
        asks: it would end the embargo earlier, and may not: the desk decides.
    """

    until: datetime | None
    later: bool = False
    asks: bool = False


def heard(
    said: datetime | None,
    *,
    before: datetime | None,
    until: datetime | None,
    own: bool,
    trusted: bool,
    now: datetime,
) -> Heard | None:
    """What a source's word on the embargo of a release that is not public comes to; None for nothing new.

    A later moment always counts, for nothing may be too early. An earlier one, or none any more, counts
    from the source that the release came from, if it needs nobody's word and the embargo is by its own.

    Args:
        said: what it says now; None for no embargo.
        before: what it said last.
        until: the embargo that the release is under.
        own: the release came from that source.
        trusted: what that source has needs nobody's word.
    """
    if said == before:
        return None
    ahead = said if said is not None and said > now else None
    if ahead is not None and (until is None or ahead > until):
        return Heard(ahead, later=True)
    if not own:
        return None
    if until is None or until <= now or ahead == until:
        return Heard(until)
    if trusted and until == before:
        return Heard(ahead)
    return Heard(until, asks=True)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
