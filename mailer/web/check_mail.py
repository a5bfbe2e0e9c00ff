"""The page that says what to do next, and takes the code from the mail: the same for everybody.

Its address holds a token of one length for every sign-up. Whatever stands behind it, known or unknown or
nothing, a wrong code gets the same status, headers and body.
"""

from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.codes import WINDOW
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import codes
from mailer.services.codes import CodePage, Entry
from mailer.web.forms import read_form
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, see_other, segment

_STATUS = {
    Entry.WRONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    Entry.MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Entry.USED_UP: HTTPStatus.TOO_MANY_REQUESTS,
    Entry.LATE: HTTPStatus.GONE,
}


def page_path(newsroom: Newsroom, token: str) -> str:
    """The path of the page that answers a sign-up."""
    return f"/{newsroom.key}/check-mail/{segment(token)}"


class CheckMailPages:
    """The page, with the code's field and without.

    Args:
        pages: renders it.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def plain(self, request: Request) -> Response:
        """GET `/{newsroom}/check-mail`: what to do next, where no sign-up is known."""
        newsroom = self._pages.newsroom(request)
        return self._page(request, newsroom, f"/{newsroom.key}/check-mail", CodePage(Entry.LATE))

    async def page(self, request: Request) -> Response:
        """GET `/{newsroom}/check-mail/{token}`: what to do next, and the code's field."""
        newsroom, token = self._pages.newsroom(request), request.path_params["token"]
        shown = await run_in_threadpool(codes.read_page, self._office, token=token)
        return self._page(request, newsroom, page_path(newsroom, token), shown)

    async def enter(self, request: Request) -> Response:
        """POST `/{newsroom}/check-mail/{token}`: the code; the right one confirms."""
        newsroom, token = self._pages.newsroom(request), request.path_params["token"]
        here = page_path(newsroom, token)
        came_of_it = await run_in_threadpool(
            codes.enter,
            self._office,
            newsroom=newsroom,
            token=token,
            typed=(await read_form(request)).get("code", ""),
            origin=origin_of(request, f"web:/{newsroom.key}/check-mail"),
        )
        if came_of_it.entry is Entry.RIGHT:
            visit = self._pages.visit(request, newsroom)
            return see_other(visit.link(f"/{newsroom.key}/confirmed", lang=visit.language))
        status = _STATUS[came_of_it.entry]
        return self._page(request, newsroom, here, came_of_it, status=status)

    def _page(
        self,
        request: Request,
        newsroom: Newsroom,
        here: str,
        shown: CodePage,
        *,
        status: int = HTTPStatus.OK,
    ) -> Response:
        return self._pages.page(
            self._pages.visit(request, newsroom, here=here),
            "check_mail",
            status=status,
            hours=hours(),
            minutes=int(WINDOW.total_seconds() // 60),
            answered=request.method == "POST",
            entry=shown.entry,
            left=shown.left,
        )


def hours() -> int:
    """How long a link to confirm is good for."""
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # only links to leave live for ever
    return int(lifetime.total_seconds() // 3600)
