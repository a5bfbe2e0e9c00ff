"""Leaving all that comes in one mail: the same pages and the same one click as for one newsroom."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import masked
from mailer.services import leaving_all
from mailer.services.leaving_all import LeaveAllView
from mailer.texts.dates import listed
from mailer.web.forms import drain
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, segment


class LeavingAllPages:
    """The pages on which everything that comes in a merged digest ends.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def page(self, request: Request) -> Response:
        """GET `/leave-all/{token}`: what will end, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(leaving_all.read, self._office, token=token)
        return self._shown(request, token, view, "leave" if view and view.newsrooms else "left")

    async def leave(self, request: Request) -> Response:
        """POST `/leave-all/{token}`: by the button or by a mail reader's one click (RFC 8058)."""
        token = request.path_params["token"]
        view = await run_in_threadpool(
            leaving_all.leave,
            self._office,
            token=token,
            origin=origin_of(request, "web:/leave-all"),
        )
        await drain(request)
        return self._shown(request, token, view, "left")

    def _shown(
        self, request: Request, token: str, view: LeaveAllView | None, name: str
    ) -> Response:
        newsroom = self._office.newsrooms.get(view.newsroom_key) if view else None
        visit = self._pages.visit(
            request,
            newsroom,
            here=f"/leave-all/{segment(token)}",
            stated=view.language if view else "",
        )
        if view is None:
            return self._pages.page(visit, name, issuer="", way_back=False)
        names = [self._name(key) for key in view.newsrooms or (view.newsroom_key,)]
        return self._pages.page(
            visit,
            name,
            mailbox=masked(view.mailbox),
            issuer=listed(names, visit.words),
            way_back=False,
        )

    def _name(self, key: str) -> str:
        newsroom = self._office.newsrooms.get(key)
        return newsroom.name if newsroom else key
