"""Leaving and coming back: a GET only shows, a POST acts once however often it comes.

The pages mask the address. A link to leave lives for ever and travels with every mail that somebody
passes on; so the page it opens never offers a way back itself, which is for the mailbox's reader alone.
"""

import secrets
from dataclasses import replace
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import masked
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import leaving, rejoining
from mailer.services.leaving import LeaveView
from mailer.services.rejoining import RejoinView
from mailer.texts.wording import subscribe_wording
from mailer.web.forms import drain, pass_over_body
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, Visit, see_other, segment

_BODIES = 1000
_PLACE = secrets.token_hex(16)  # where a token stands in a page that is kept; nobody can ask for it


class _Shown(NamedTuple):
    """What a page says of a subscription; `name` is its template's."""

    name: str
    mailbox: str
    issuer: str
    way_back: bool


class LeavingPages:
    """The pages on which a subscription ends, and on which it is taken up again.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office
        self._bodies: dict[object, str] = {}

    async def leave_page(self, request: Request) -> Response:
        """GET `/leave/{token}`: what will end, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(leaving.read_leave, self._office, token=token)
        gone = view is None or view.state == "ended"
        return self._left(request, token, view, "left" if gone else "leave")

    async def leave(self, request: Request) -> Response:
        """POST `/leave/{token}`: by the button or by a mail reader's one click (RFC 8058).

        Never a redirect, for section 3.1 forbids it; granted without cookies, Origin or a known
        browser, as often as it is asked, and before the body is looked at: the address says all.
        """
        token = request.path_params["token"]
        origin = origin_of(request, "web:/leave")
        view = await self._pages.leaves.do(leaving.press(self._office, token=token, origin=origin))
        await drain(request)
        return self._left(request, token, view, "left")

    async def rejoin_page(self, request: Request) -> Response:
        """GET `/rejoin/{token}`: what will be taken up again, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(rejoining.read_rejoin, self._office, token=token)
        return self._back(self._visit(request, token, view), view)

    async def rejoin(self, request: Request) -> Response:
        """POST `/rejoin/{token}`: the button; pressed twice it says the same."""
        await pass_over_body(request)
        token = request.path_params["token"]
        seen = await run_in_threadpool(rejoining.read_rejoin, self._office, token=token)
        visit = self._visit(request, token, seen)
        view = await run_in_threadpool(
            rejoining.rejoin,
            self._office,
            token=token,
            language=visit.language,
            origin=origin_of(request, "web:/rejoin"),
        )
        if view.state == "active":
            return see_other(visit.link(f"/{view.newsroom_key}/confirmed", lang=visit.language))
        return self._back(visit, view)

    def _left(self, request: Request, token: str, view: LeaveView | None, name: str) -> Response:
        """A newsroom that the settings no longer know can still be left, and so can what is gone."""
        newsroom = self._office.newsrooms.get(view.newsroom_key) if view else None
        visit = self._pages.visit(
            request,
            newsroom,
            here=f"/leave/{segment(token)}",
            stated=view.language if view else "",
        )
        if view is None:
            return self._pages.page(visit, name, issuer="", way_back=False)
        issuer = newsroom.name if newsroom else view.newsroom_key
        shown = _Shown(name, masked(view.mailbox), issuer, view.way_back)
        body = self._body(replace(visit, here=f"/leave/{_PLACE}"), shown)
        return self._pages.answer(visit, body.replace(_PLACE, segment(token)))

    def _body(self, visit: Visit, shown: _Shown) -> str:
        """A page for whoever sees the same, with `_PLACE` for the token: to render it takes longest."""
        key = (visit.newsroom and visit.newsroom.key, visit.language, visit.chosen, shown)
        body = self._bodies.get(key)
        if body is None:
            body = self._pages.body(
                visit,
                shown.name,
                mailbox=shown.mailbox,
                issuer=shown.issuer,
                way_back=shown.way_back,
                days=_days(),
            )
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            self._bodies[key] = body
        return body

    def _back(self, visit: Visit, view: RejoinView) -> Response:
        if view.state == "active":
            return self._pages.page(visit, "confirmed")
        if view.state == "expired":
            return self._pages.page(visit, "rejoin_expired", status=410, days=_days())
        assert visit.newsroom is not None  # or there would be no view of it
        return self._pages.page(
            visit,
            "rejoin",
            mailbox=masked(view.mailbox),
            wording=subscribe_wording(visit.newsroom, visit.language),
        )

    def _visit(self, request: Request, token: str, view: RejoinView) -> Visit:
        return self._pages.visit(
            request,
            self._office.newsroom(view.newsroom_key),
            here=f"/rejoin/{segment(token)}",
            stated=view.language,
        )


def _days() -> int:
    """How long a link to come back is good for."""
    lifetime = LIFETIME[LinkPurpose.REJOIN]
    assert lifetime is not None  # only links to leave live for ever
    return lifetime.days
