"""What upkeep does with a sign-up that waits for its reader: reminds once, and forgets in the end.

    asked --- remind_after ---> one reminder, if the request is open and was mailed once
    asked --- 72 h -----------> its link expires (`core.token.LIFETIME`)
    asked --- keep -----------> what was never confirmed is deleted; a keyed hash is left

Who asks again within that time does not put it off, unless a mail answered him.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailer.core.consent import RequestState, SubscriptionState
from mailer.core.delivery import DeliveryState


class Step(StrEnum):
    """What is to be done with a request at the moment that was set for it."""

    REMIND = "remind"
    FORGET = "forget"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long upkeep waits.

    Attributes:
        remind_after: zero means that nobody is reminded.
        keep: how long what was never confirmed is kept; never shorter than a link to confirm lives.
        lapsed_keep: how long the keyed hash of an address that let a sign-up lapse is kept.
    """

    remind_after: timedelta = timedelta(hours=24)
    keep: timedelta = timedelta(days=7)
    lapsed_keep: timedelta = timedelta(days=90)

    def first_look(self, made_at: datetime, *, mailed: bool) -> datetime:
        """When upkeep first looks at a request; `mailed`: it was answered with a link to confirm."""
        return made_at + (self.remind_after if mailed and self.remind_after else self.keep)


def step(
    *,
    request: RequestState,
    subscription: SubscriptionState,
    made_at: datetime,
    terms: Terms,
    now: datetime,
) -> Step:
    """Decide what upkeep does with a request that it looks at."""
    if now >= made_at + terms.keep:
        waits = subscription is SubscriptionState.PENDING and request is not RequestState.OPEN
        return Step.FORGET if waits else Step.NOTHING
    may_remind = request is RequestState.OPEN and subscription is not SubscriptionState.ACTIVE
    return Step.REMIND if terms.remind_after and may_remind else Step.NOTHING


class Reminding(StrEnum):
    """Whether a request is reminded of."""

    YES = "yes"
    NOT_YET = "not_yet"
    NO = "no"


def remind(
    *,
    first: DeliveryState | None,
    mails: int,
    suppressed: bool,
    lapsed: bool,
    renewed: bool,
) -> Reminding:
    """Decide whether a reader is reminded; the request is open, and its time has come.

    Args:
        first: what became of the mail that asked for a confirmation; None where it is not kept.
        mails: confirmation mails to this subscription since its reader last answered one.
        suppressed: the address must not be mailed.
        lapsed: an earlier sign-up of this address was never confirmed: once ignored is an answer.
        renewed: its reader asked for this mail on the page of a link that had expired.
    """
    if suppressed or lapsed or renewed or mails != 1:
        return Reminding.NO
    if first is DeliveryState.DUE:  # it is still on its way, and no reminder overtakes it
        return Reminding.NOT_YET
    arrived = first in {DeliveryState.ACCEPTED, DeliveryState.UNKNOWN}
    return Reminding.YES if arrived else Reminding.NO
