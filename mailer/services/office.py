"""The press office at work: everything a service is handed, settled once by the wiring."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.core.errors import NotFound
from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Newsroom, Site
from mailer.core.pace import DomainLimit
from mailer.core.retention import Retention
from mailer.core.source import Source
from mailer.core.token import Marks, Tokens
from mailer.mail.sign import Signer
from mailer.store.database import Database
from mailer.texts.templates import Templates


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets, each for one use.

    Attributes:
        suppression: the key of the hash under which addresses that must not be mailed are remembered.
        signers: sign mail (DKIM), by the sender's domain in lower case.
    """

    tokens: Tokens
    marks: Marks
    suppression: str = field(repr=False)
    signers: Mapping[str, Signer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that an operator may set.

    Attributes:
        signup_mail_interval: at most one mail to a mailbox for sign-ups within it.
        retry_horizon: how long a deferred delivery is tried before it expires.
        lease: how long a dispatcher may keep what it took without saying that it lives.
        portion: subscriptions looked at in one transaction as an audience is written; some 40 ms of work.
        domains: how fast readers of one domain may be written to; "*" is every other domain.
        signups: what visitors may do.
        reminder_after: when who has not confirmed is reminded, once; zero for never.
        attachments: octets of the files that a mail carries, all together; 0 for none.
        late: a release whose moment passed longer ago waits for somebody's word.
        lapsed_kept: how long the keyed hash of who never confirmed is kept, so as not to remind again.
    """

    signup_mail_interval: timedelta = timedelta(minutes=10)
    retry_horizon: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(seconds=60)
    portion: int = 2500
    domains: Mapping[str, DomainLimit] = field(default_factory=dict)
    signups: SignupTerms = field(default_factory=SignupTerms)
    reminder_after: timedelta = timedelta(hours=24)
    late: timedelta = timedelta(hours=24)
    lapsed_kept: timedelta = timedelta(days=90)
    attachments: int = 300 * 1024


class Flood:
    """Whether sign-ups were turned away lately, as far as this process has seen.

    Args:
        seconds: what lately is.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until = -math.inf

    def note(self) -> None:
        """One was turned away now."""
        self._until = self._clock() + self._seconds

    @property
    def lately(self) -> bool:
        """Whether one was within that time."""
        return self._clock() < self._until


@dataclass(frozen=True, slots=True)
class Office:
    """What every service is handed.

    Attributes:
        clock: the present moment, aware UTC.
        wake: tells a dispatcher in the same process that something became due.
        shared_clock: the ends of leases are told by the database's clock where it has one.
        retention: how long what is kept of readers.
        sources: where releases come from, by key.
        flood: what turns sign-ups away, and what would rather know before it writes, share it.
    """

    database: Database
    site: Site
    newsrooms: Mapping[str, Newsroom]
    keys: Keys
    templates: Templates
    limits: Limits
    clock: Callable[[], datetime]
    wake: Callable[[], None] = lambda: None
    shared_clock: bool = False
    retention: Retention = field(default_factory=Retention)
    sources: Mapping[str, Source] = field(default_factory=dict)
    flood: Flood = field(default_factory=Flood)

    def newsroom(self, key: str) -> Newsroom:
        """The newsroom of that key.

        Raises:
            NotFound: there is none; names those there are.
        """
        found = self.newsrooms.get(key)
        if found is None:
            known = ", ".join(sorted(self.newsrooms)) or "none"
            raise NotFound(f"There is no newsroom “{key}”", f"the settings know: {known}")
        return found
