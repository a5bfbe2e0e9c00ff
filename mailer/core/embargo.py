"""When a release may be published, and when that has become so late that somebody must decide."""

from collections.abc import Iterable
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


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
