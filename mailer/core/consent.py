"""The life of a subscription and of the request that leads to it: pure transitions.

    request:       open -> confirmed | expired            (or `answered`: nothing to confirm)
    subscription:  pending -> active -> ended -> active ...

Only a confirmation (or an import with evidence) makes a subscription active. Confirming does what its
request asked and nothing else. Leaving is always granted, whatever the state, and takes back every
request that was still open: an old link in an old mail does not bring back who has left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class RequestState(StrEnum):
    """Where a request stands; `answered` means there was nothing to confirm."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    ANSWERED = "answered"


class Act(StrEnum):
    """What a consent entry is evidence of. `GRANTS` and `ENDS` alone decide who may be mailed."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    CHOSEN = "chosen"
    LEFT = "left"
    ENDED = "ended"
    SUPPRESSED = "suppressed"


NOT_ME = "not_me"
"""Why an address is suppressed, or a subscription ended, whose reader said: it was not me who asked."""

MOST_CONFIRMATION_MAILS = 2
"""To one pending subscription in all, reminder included, until its reader answers or it is forgotten."""

GRANTS = (Act.CONFIRMED, Act.IMPORTED)
ENDS = (Act.LEFT, Act.ENDED, Act.SUPPRESSED)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer came from: the form's name, and for the web the client's address and browser.

    Attributes:
        proved: the browser did the work that was asked of it (`core.puzzle`); no part of the evidence.
    """

    form: str
    ip: str | None = None
    user_agent: str | None = None
    proved: bool = False


class Reply(StrEnum):
    """What a sign-up is answered with, by mail; the page always shows the same."""

    CONFIRM = "confirm"
    ALREADY = "already"
    SILENCE = "silence"


def answer_signup(
    *,
    state: SubscriptionState | None,
    suppressed: bool,
    last_mailed: datetime | None,
    mails: int = 0,
    now: datetime,
    interval: timedelta,
) -> Reply:
    """Decide what a sign-up for a mailbox is answered with.

    Args:
        state: of the subscription to this newsroom, None if there is none.
        suppressed: the address must not be mailed, or its reader told this newsroom "not me".
        mails: confirmation mails to it since its reader last answered one.
        last_mailed: when a sign-up of this mailbox at this newsroom was last answered by mail, since
            its reader last confirmed or left: who answers our mail asked for the next one.
        interval: at most one such mail within it, so that nobody can fill a stranger's mailbox.
    """
    if suppressed:
        return Reply.SILENCE
    if last_mailed is not None and now - last_mailed < interval:
        return Reply.SILENCE
    if state is SubscriptionState.ACTIVE:
        return Reply.ALREADY
    return Reply.CONFIRM if mails < MOST_CONFIRMATION_MAILS else Reply.SILENCE


class LinkState(StrEnum):
    """What a confirm link is good for."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


def link_state(
    *, request: RequestState, subscription: SubscriptionState, expires_at: datetime, now: datetime
) -> LinkState:
    """Decide what a confirm link is good for.

    A link that was used says "confirmed" as long as that is still true; after its reader has left, it
    is as good as expired.
    """
    if request is RequestState.OPEN:
        return LinkState.OPEN if now < expires_at else LinkState.EXPIRED
    if request is RequestState.CONFIRMED and subscription is SubscriptionState.ACTIVE:
        return LinkState.CONFIRMED
    return LinkState.EXPIRED


class ImportAnswer(StrEnum):
    """What becomes of one imported address."""

    IMPORT = "import"
    ALREADY = "already"
    ENDED = "ended"
    SUPPRESSED = "suppressed"
    ERASED = "erased"


def answer_import(
    *, state: SubscriptionState | None, suppressed: bool, erased: bool = False
) -> ImportAnswer:
    """Decide what an import does with an address: who left stays left, whatever a list says.

    Args:
        state: of the subscription to this newsroom, None if there is none.
        suppressed: the address must not be mailed at all.
        erased: its reader asked to be forgotten, and has not signed up anew since.
    """
    if suppressed:
        return ImportAnswer.SUPPRESSED
    if erased:
        return ImportAnswer.ERASED
    if state is SubscriptionState.ACTIVE:
        return ImportAnswer.ALREADY
    if state is SubscriptionState.ENDED:
        return ImportAnswer.ENDED
    return ImportAnswer.IMPORT
