"""The words of WebSub that a subscriber speaks (W3C Recommendation, 23 January 2018), without their wires."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

LEASE = timedelta(days=7)
"""What is asked of a hub; it says what it grants."""
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=90)
ASK_AGAIN = timedelta(hours=1)
"""After a request that no verification followed."""
DENIED_FOR = timedelta(days=1)

_METHODS = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Verification:
    """A hub's question whether we meant what somebody asked it for (section 5.3), or its refusal (5.2).

    Attributes:
        challenge: to be said back; empty for a refusal.
        lease: what it grants.
    """

    mode: Literal["subscribe", "unsubscribe", "denied"]
    topic: str
    challenge: str = ""
    lease: timedelta | None = None
    reason: str = ""


def read_verification(query: Mapping[str, str]) -> Verification | None:
    """What a hub says in a query; None for what is no hub's."""
    mode, topic = query.get("hub.mode", ""), query.get("hub.topic", "")
    challenge, seconds = query.get("hub.challenge", ""), query.get("hub.lease_seconds", "")
    if mode == "denied" and topic:
        return Verification("denied", topic, reason=query.get("hub.reason", "")[:300])
    if mode not in {"subscribe", "unsubscribe"} or not topic or not challenge:
        return None
    granted = LEASE
    if seconds.isascii() and seconds.isdigit():
        granted = min(max(timedelta(seconds=min(int(seconds), 10**9)), SHORTEST), LONGEST)
    return Verification(
        "subscribe" if mode == "subscribe" else "unsubscribe", topic, challenge, granted
    )


def genuine(signature: str, payload: bytes, secrets: Iterable[str]) -> bool:
    """Whether whoever sent this knows one of these secrets (section 7.1): compared in constant time.

    Args:
        signature: the X-Hub-Signature field, `sha256=...`; empty for none, which is never genuine.
    """
    method, _, digest = signature.strip().partition("=")
    if method.lower() not in _METHODS:
        return False
    given = digest.strip().lower().encode("ascii", "replace")
    found = False
    for secret in secrets:
        made = hmac.new(secret.encode(), payload, method.lower()).hexdigest().encode()
        found = hmac.compare_digest(made, given) or found
    return found


def asks_again(
    state: str, *, asked_at: datetime | None, until: datetime | None, now: datetime
) -> bool:
    """Whether a hub is asked now: never asked, no answer, refused a day ago, or half of its time gone."""
    if asked_at is None or not state:
        return True
    if state == "active" and until is not None:
        return now >= asked_at + (until - asked_at) / 2
    return now >= asked_at + (DENIED_FOR if state == "denied" else ASK_AGAIN)
