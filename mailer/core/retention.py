"""How long each kind of knowledge about readers is kept: durations, and the moments they end at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Rule(StrEnum):
    """What is let go of once its time has passed."""

    IP = "ip"
    USER_AGENT = "user_agent"
    PENDING = "pending"
    REPLIES = "replies"
    ENDED = "ended"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept.

    Attributes:
        ip: the client's address in a consent entry.
        user_agent: its browser there.
        pending: a sign-up that nobody confirmed, with its mailbox.
        replies: a relay's words about a release's mail. The outcome itself stays; so do the words about
            a confirmation, which prove it, until its reader is forgotten.
        ended: the mailbox of a reader whose every subscription has ended; then a hash is left.
        audit: what operators did.
    """

    ip: timedelta = timedelta(days=30)
    user_agent: timedelta = timedelta(days=30)
    pending: timedelta = timedelta(days=7)
    replies: timedelta = timedelta(days=90)
    ended: timedelta = timedelta(days=730)
    audit: timedelta = timedelta(days=730)

    def until(self, rule: Rule, now: datetime) -> datetime:
        """Up to which moment the rule lets go."""
        kept: timedelta = getattr(self, rule)
        return now - kept
