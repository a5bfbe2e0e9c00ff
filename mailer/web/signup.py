"""Signing up, confirming and leaving: every GET only shows, every POST acts once however often it comes.

The answer to a sign-up is the same bytes for every address, known or not. The confirm page shows the
address in full, since a slip of the pen is to be seen before it is confirmed; the page to leave masks
it, since its link lives for ever and travels with every mail that somebody passes on.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import masked, parse_address
from mailer.core.consent import Origin
from mailer.core.errors import AddressRefused, NotFound
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import signup
from mailer.services.signup import LeaveView, RequestView
from mailer.texts.wording import subscribe_wording
from mailer.web.forms import pass_over_body, read_form
from mailer.web.newsroom import show
from mailer.web.pages import Pages, Visit, see_other, segment

_MAX_AGENT = 500


class SignupPages:
    """The pages of a subscription's life.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def subscribe(self, request: Request) -> Response:
        """POST `/{newsroom}/subscribe`: ask for a mailbox; a wrong address gets the form again."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}")
        typed = (await read_form(request)).get("email", "")
        try:
            address = await run_in_threadpool(parse_address, typed)
        except AddressRefused as refused:
            return await show(
                self._pages, newsroom, visit, problem=refused.reason, typed=typed.strip()
            )
        await run_in_threadpool(
            signup.subscribe,
            self._office,
            newsroom=newsroom,
            address=address,
            language=visit.language,
            wording=subscribe_wording(newsroom, visit.language),
            origin=_origin(request, f"web:/{newsroom.key}/subscribe"),
        )
        return see_other(visit.link(f"/{newsroom.key}/check-mail", lang=visit.language))

    async def form(self, request: Request) -> Response:
        """GET `/{newsroom}/subscribe`: the form stands on the newsroom's page."""
        newsroom = self._pages.newsroom(request)
        return see_other(self._pages.visit(request, newsroom).link(f"/{newsroom.key}"))

    async def check_mail(self, request: Request) -> Response:
        """GET `/{newsroom}/check-mail`: what to do next, the same for everybody."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/check-mail")
        return self._pages.page(visit, "check_mail", hours=_hours())

    async def confirm_page(self, request: Request) -> Response:
        """GET `/confirm/{token}`: what will be confirmed, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(signup.read_request, self._office, token=token)
        visit = self._visit(request, view, f"/confirm/{segment(token)}")
        if view.state == "open":
            return self._pages.page(visit, "confirm", mailbox=view.mailbox)
        return self._settled(visit, view)

    async def confirm(self, request: Request) -> Response:
        """POST `/confirm/{token}`: the button; pressed twice it says the same."""
        await pass_over_body(request)
        token = request.path_params["token"]
        view = await run_in_threadpool(
            signup.confirm, self._office, token=token, origin=_origin(request, "web:/confirm")
        )
        visit = self._visit(request, view, f"/confirm/{segment(token)}")
        if view.state == "expired":
            return self._settled(visit, view)
        return see_other(visit.link(f"/{view.newsroom_key}/confirmed", lang=visit.language))

    async def confirmed(self, request: Request) -> Response:
        """GET `/{newsroom}/confirmed`: done."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/confirmed")
        return self._pages.page(visit, "confirmed")

    async def leave_page(self, request: Request) -> Response:
        """GET `/leave/{token}`: what will end, and one button."""
        token = request.path_params["token"]
        view = await run_in_threadpool(signup.read_leave, self._office, token=token)
        return self._left(request, token, view, "left" if view.state == "ended" else "leave")

    async def leave(self, request: Request) -> Response:
        """POST `/leave/{token}`: by the button or by a mail reader's one click (RFC 8058).

        Never a redirect, for section 3.1 forbids it; granted without cookies, Origin or a known
        browser, and again when it was granted before.
        """
        await pass_over_body(request)
        token = request.path_params["token"]
        view = await run_in_threadpool(
            signup.leave, self._office, token=token, origin=_origin(request, "web:/leave")
        )
        return self._left(request, token, view, "left")

    def _settled(self, visit: Visit, view: RequestView) -> Response:
        if view.state == "confirmed":
            return self._pages.page(visit, "confirmed")
        return self._pages.page(visit, "expired", status=410, hours=_hours())

    def _left(self, request: Request, token: str, view: LeaveView, name: str) -> Response:
        """A newsroom that the settings no longer know can still be left."""
        newsroom = self._office.newsrooms.get(view.newsroom_key)
        visit = self._pages.visit(
            request, newsroom, here=f"/leave/{segment(token)}", stated=view.language
        )
        return self._pages.page(
            visit,
            name,
            mailbox=masked(view.mailbox),
            issuer=newsroom.name if newsroom else view.newsroom_key,
        )

    def _visit(self, request: Request, view: RequestView, here: str) -> Visit:
        newsroom = self._office.newsrooms.get(view.newsroom_key)
        if newsroom is None:
            raise NotFound(f"There is no newsroom “{view.newsroom_key}” any more")
        return self._pages.visit(request, newsroom, here=here, stated=view.language)


def _hours() -> int:
    """How long a link to confirm is good for."""
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # only links to leave live for ever
    return int(lifetime.total_seconds() // 3600)


def _origin(request: Request, form: str) -> Origin:
    """Where an answer came from. A proxy's claims about the client are not believed here."""
    agent = "".join(
        letter for letter in request.headers.get("user-agent", "") if letter.isprintable()
    )
    return Origin(
        form=form,
        ip=request.client.host if request.client else None,
        user_agent=agent[:_MAX_AGENT] or None,
    )
