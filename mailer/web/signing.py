"""Takes a sign-up that came over the threshold, whichever door it came by."""

from dataclasses import dataclass, replace

from starlette.requests import Request

from mailer.core.address import Address
from mailer.core.choice import EVERYTHING, Interests
from mailer.core.newsroom import Newsroom
from mailer.services import signup
from mailer.texts.wording import subscribe_wording
from mailer.web.origin import origin_of
from mailer.web.pages import Pages
from mailer.web.threshold import Verdict, proved


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visitor asks for.

    Attributes:
        language: of the words of consent that were shown.
        proof: the work that the browser did; empty for none.
        interests: what the visitor wants to hear about.
    """

    newsroom: Newsroom
    address: Address
    language: str
    proof: str = ""
    interests: Interests = EVERYTHING


async def take(pages: Pages, request: Request, asked: Asked, *, form: str, verdict: Verdict) -> str:
    """Take a sign-up, or do nothing where a program sent it; nobody can tell the two apart.

    Args:
        form: the name of the form, for the evidence.

    Returns:
        The token of the page that answers it.
    """
    office = pages.office
    if verdict is Verdict.PROGRAM:
        return signup.turned_away(office)
    origin = replace(origin_of(request, form), proved=await proved(office, asked.proof))
    wanted = signup.wish(
        newsroom=asked.newsroom,
        address=asked.address,
        language=asked.language,
        wording=subscribe_wording(asked.newsroom, asked.language),
        origin=origin,
        interests=asked.interests,
    )
    await pages.signups.do(wanted)
    return signup.page_of(office, wanted)
