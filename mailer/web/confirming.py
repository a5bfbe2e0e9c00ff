"""The links in a confirmation mail: a GET only shows, a POST acts once however often it comes.

So a scanner that follows links, or runs every script it meets, confirms nothing and spoils nothing: the
pages hold no script, nothing sends itself, and what was fetched a thousand times is still open for its
reader, who presses one button. The confirm page shows the address in full, since a slip of the pen is to
be seen before it is confirmed.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.consent import LinkState
from mailer.core.errors import NotAllowed, NotFound
from mailer.services import confirmation, not_me, signup
from mailer.services.confirmation import NoLongerKept, RequestView
from mailer.services.not_me import NotMeView, Standing
from mailer.web import interests
from mailer.web.check_mail import hours, page_path
from mailer.web.forms import pass_over_body
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, Visit, see_other, segment


class ConfirmingPages:
    """What the links lead to.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def confirm_page(self, request: Request) -> Response:
        """GET `/confirm/{token}`: what will be confirmed, and one button."""
        token = request.path_params["token"]
        try:
            view = await run_in_threadpool(confirmation.read_request, self._office, token=token)
        except NoLongerKept:
            return self._forgotten(request, token)
        visit = self._visit(request, view, token)
        if view.state == "open":
            newsroom = self._office.newsrooms.get(view.newsroom_key)
            chosen = interests.labels(newsroom, view.interests, language=visit.words)
            return self._pages.page(visit, "confirm", mailbox=view.mailbox, chosen=chosen)
        return self._settled(visit, view)

    async def confirm(self, request: Request) -> Response:
        """POST `/confirm/{token}`: the button; pressed twice it says the same."""
        await pass_over_body(request)
        token = request.path_params["token"]
        origin = origin_of(request, "web:/confirm")
        try:
            view = await run_in_threadpool(
                confirmation.confirm, self._office, token=token, origin=origin
            )
        except NoLongerKept:
            return self._forgotten(request, token)
        visit = self._visit(request, view, token)
        if view.state == "expired":
            return self._settled(visit, view)
        return see_other(visit.link(f"/{view.newsroom_key}/confirmed", lang=visit.language))

    async def confirmed(self, request: Request) -> Response:
        """GET `/{newsroom}/confirmed`: done."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/confirmed")
        return self._pages.page(visit, "confirmed")

    async def renew_page(self, request: Request) -> Response:
        """GET `/confirm/{token}/again`: the button stands on the page of the link."""
        visit = self._pages.visit(request)
        return see_other(visit.link(f"/confirm/{segment(request.path_params['token'])}"))

    async def renew(self, request: Request) -> Response:
        """POST `/confirm/{token}/again`: a fresh mail for a link that has expired."""
        await pass_over_body(request)
        token = request.path_params["token"]
        origin = origin_of(request, "web:/confirm/again")
        try:
            key, page = await run_in_threadpool(
                signup.renew, self._office, token=token, origin=origin
            )
        except NotAllowed:
            return await self.renew_page(request)
        except NoLongerKept:
            return self._forgotten(request, token)
        newsroom = self._office.newsroom(key)
        visit = self._pages.visit(request, newsroom)
        return see_other(visit.link(page_path(newsroom, page), lang=visit.language))

    async def not_me_page(self, request: Request) -> Response:
        """GET `/not-me/{token}`: what will be stopped, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(not_me.read, self._office, token=token)
        return self._not_me(request, token, view)

    async def not_me(self, request: Request) -> Response:
        """POST `/not-me/{token}`: the button; pressed twice it says the same."""
        await pass_over_body(request)
        token = request.path_params["token"]
        origin = origin_of(request, "web:/not-me")
        view = await run_in_threadpool(not_me.refuse, self._office, token=token, origin=origin)
        return self._not_me(request, token, view)

    async def undo_page(self, request: Request) -> Response:
        """GET `/not-me/{token}/undo`: the button stands on the page of the link."""
        visit = self._pages.visit(request)
        return see_other(visit.link(f"/not-me/{segment(request.path_params['token'])}"))

    async def undo(self, request: Request) -> Response:
        """POST `/not-me/{token}/undo`: take it back."""
        await pass_over_body(request)
        token = request.path_params["token"]
        origin = origin_of(request, "web:/not-me/undo")
        view = await run_in_threadpool(not_me.undo, self._office, token=token, origin=origin)
        return self._not_me(request, token, view, undone=view.state is Standing.OPEN)

    def _not_me(
        self, request: Request, token: str, view: NotMeView, *, undone: bool = False
    ) -> Response:
        """A newsroom that the settings no longer know can still be kept out."""
        newsroom = self._office.newsrooms.get(view.newsroom_key)
        visit = self._pages.visit(
            request, newsroom, here=f"/not-me/{segment(token)}", stated=view.language
        )
        return self._pages.page(
            visit,
            "not_me",
            status=410 if view.state is Standing.GONE else 200,
            state="undone" if undone else view.state,
            mailbox=view.mailbox,
            issuer=newsroom.name if newsroom else view.newsroom_key,
            leave=visit.link(f"/leave/{view.leave_token}"),
        )

    def _settled(self, visit: Visit, view: RequestView) -> Response:
        if view.state is LinkState.CONFIRMED:
            return self._pages.page(visit, "confirmed")
        return self._pages.page(visit, "expired", status=410, hours=hours(), renewable=True)

    def _forgotten(self, request: Request, token: str) -> Response:
        """What was never confirmed is not kept for long; nothing says any more whose it was."""
        visit = self._pages.visit(request, here=f"/confirm/{segment(token)}")
        return self._pages.page(visit, "expired", status=410, hours=hours(), renewable=False)

    def _visit(self, request: Request, view: RequestView, token: str) -> Visit:
        newsroom = self._office.newsrooms.get(view.newsroom_key)
        if newsroom is None:
            raise NotFound(f"There is no newsroom “{view.newsroom_key}” any more")
        here = f"/confirm/{segment(token)}"
        return self._pages.visit(request, newsroom, here=here, stated=view.language)
