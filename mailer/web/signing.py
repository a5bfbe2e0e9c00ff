"""Takes a sign-up that came over the threshold, whichever door it came by."""

from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from mailer.core.address import Address
from mailer.core.choice import EVERYTHING, Interests
from mailer.core.newsroom import Newsroom
from mailer.services import signup
from mailer.services.office import Office
from mailer.texts.wording import subscribe_wording
from mailer.web.origin import origin_of
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


async def take(
    office: Office, request: Request, asked: Asked, *, form: str, verdict: Verdict
) -> str:
    """Take a sign-up, or do nothing where a program sent it; nobody can tell the two apart.

    Args:
        form: the name of the form, for the evidence.

    Returns:
        The token of the page that answers it.
    """
    if verdict is Verdict.PROGRAM:
        return signup.turned_away(office)
    origin = replace(origin_of(request, form), proved=await proved(office, asked.proof))
    return await run_in_threadpool(
        signup.subscribe,
        office,
        newsroom=asked.newsroom,
        address=asked.address,
        language=asked.language,
        wording=subscribe_wording(asked.newsroom, asked.language),
        origin=origin,
        interests=asked.interests,
    )
