"""The form that mails a reader a link to their choices, alike for every address, in bytes and in time."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import parse_address
from mailer.core.errors import AddressRefused
from mailer.core.newsroom import Newsroom
from mailer.services import links
from mailer.web.forms import read_form
from mailer.web.manage import link_hours
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, see_other
from mailer.web.threshold import evenly


class LinkPages:
    """The pages on which a link is asked for.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def ask_page(self, request: Request) -> Response:
        """GET `/{newsroom}/manage`: asks for the address that a link is to be mailed to."""
        return self._ask(request, self._pages.newsroom(request))

    async def ask(self, request: Request) -> Response:
        """POST `/{newsroom}/manage`: mail a link to who is known; the same answer for everybody."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom)
        typed = (await read_form(request)).get("email", "").strip()
        try:
            address = await run_in_threadpool(parse_address, typed)
        except AddressRefused as refused:
            return self._ask(request, newsroom, problem=refused.reason, typed=typed)
        async with evenly(self._office):
            await run_in_threadpool(
                links.ask,
                self._office,
                newsroom=newsroom,
                address=address,
                language=visit.language,
                origin=origin_of(request, f"web:/{newsroom.key}/manage"),
            )
        return see_other(visit.link(f"/{newsroom.key}/link-sent", lang=visit.language))

    async def sent(self, request: Request) -> Response:
        """GET `/{newsroom}/link-sent`: what to do next, the same for everybody."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/link-sent")
        return self._pages.page(visit, "manage_sent", hours=link_hours())

    def _ask(
        self, request: Request, newsroom: Newsroom, *, problem: str = "", typed: str = ""
    ) -> Response:
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/manage")
        status = 422 if problem else 200
        return self._pages.page(
            visit, "manage_ask", status=status, problem=problem, typed=typed, hours=link_hours()
        )
