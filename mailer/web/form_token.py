"""A mark in the sign-up form that says when it was shown: who sends it back has seen our page.

A token is signed like the links in mails, for a purpose of its own and for one newsroom. It is no
secret and good for more than one sign-up, since pages are shared by caches. What it is worth:

    none, bent, another's, ahead of our clock    the visitor has not seen our form: one more click
    younger than `form_min_age`                  nobody types so fast
    older than `form_max_age`                    a page that was left open: shown again, filled in
    else                                         good
"""

from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from mailer.core.errors import TokenRefused
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services.office import Office

FIELD = "form"
TRAP = "homepage"
"""A field that people do not see; who fills it in is a program."""

AHEAD = timedelta(seconds=5)
"""How far another machine's clock may be ahead of ours."""


class Freshness(StrEnum):
    """What a form's token is worth."""

    GOOD = "good"
    TOO_FAST = "too_fast"
    TOO_OLD = "too_old"
    NONE = "none"


def issue(office: Office, newsroom: Newsroom) -> str:
    """A token for a form that is shown now."""
    return office.keys.tokens.sign(LinkPurpose.FORM, subject(newsroom), office.clock())


def freshness(office: Office, newsroom: Newsroom, token: str) -> Freshness:
    """What a token is worth that came back with a form."""
    now, terms = office.clock(), office.limits.signups
    try:
        claim = office.keys.tokens.read(LinkPurpose.FORM, token, now)
    except (TokenRefused, ValueError, OverflowError):
        return Freshness.NONE
    age = now - claim.signed_at
    if claim.subject != subject(newsroom) or age < -AHEAD:
        return Freshness.NONE
    if age < terms.form_min_age:
        return Freshness.TOO_FAST
    return Freshness.GOOD if age <= terms.form_max_age else Freshness.TOO_OLD


def subject(newsroom: Newsroom) -> int:
    """The number that the tokens of a newsroom's forms name."""
    return int.from_bytes(sha256(newsroom.key.encode()).digest()[:6], "big")
