"""A change of address on pages: asked for behind a reader's link, confirmed by the new mailbox's reader.

A link to confirm comes to `/confirm/{token}` whatever it confirms: these pages answer for a change of
address, and hand everything else on.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import parse_address
from mailer.core.errors import AddressRefused, NotAllowed
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import confirmation, moving
from mailer.services.links import Opened
from mailer.services.moving import MoveView, Wish
from mailer.texts.wording import move_wording
from mailer.web.confirming import ConfirmingPages
from mailer.web.forms import pass_over_body, read_form
from mailer.web.manage import FORM, ManagePages, Said, token_of
from mailer.web.origin import origin_of
from mailer.web.pages import Pages, Visit, see_other, segment


class MovingPages:
    """The pages of a change of address.

    Args:
        pages: renders them.
        manage: shows the page on which it is asked for.
        confirming: answers for links that confirm a sign-up.
    """

    def __init__(self, pages: Pages, manage: ManagePages, confirming: ConfirmingPages) -> None:
        self._pages = pages
        self._office = pages.office
        self._manage = manage
        self._confirming = confirming

    async def ask_page(self, request: Request) -> Response:
        """GET `/manage/{token}/move`: the form stands on the page of choices."""
        return await self._manage.opened(request, lambda link: self._manage.show(request, link))

    async def ask(self, request: Request) -> Response:
        """POST `/manage/{token}/move`: mail a link to the new address; what is wrong stands beside it."""
        typed = (await read_form(request)).get("email", "").strip()

        async def answer(link: Opened) -> Response:
            newsroom = self._office.newsrooms.get(link.newsroom_key)
            words = self._pages.visit(request, newsroom, stated=link.language).words
            try:
                address = await run_in_threadpool(parse_address, typed)
                wish = Wish(address, move_wording(words), origin_of(request, FORM))
                await run_in_threadpool(
                    moving.ask, self._office, token=token_of(request), wish=wish
                )
            except AddressRefused as refused:
                return await self._manage.show(request, link, problem=refused.reason, typed=typed)
            except NotAllowed:
                return await self._manage.show(request, link, problem="often", typed=typed)
            return await self._manage.show(request, link, Said("moving", typed))

        return await self._manage.opened(request, answer)

    async def confirm_page(self, request: Request) -> Response:
        """GET `/confirm/{token}`: what will move, and one button; or what another link confirms."""
        view = await self._read(request)
        if view is None:
            return await self._confirming.confirm_page(request)
        return self._answer(request, view)

    async def confirm(self, request: Request) -> Response:
        """POST `/confirm/{token}`: the button; pressed twice it says the same."""
        if await self._read(request) is None:
            return await self._confirming.confirm(request)
        await pass_over_body(request)
        request_id = confirmation.request_named(self._office, token_of(request))
        view = await run_in_threadpool(
            moving.confirm,
            self._office,
            request_id=request_id,
            origin=origin_of(request, "web:/confirm"),
        )
        assert view is not None  # a request never changes its kind
        if view.state == "confirmed":
            visit = self._visit(request, view)
            return see_other(visit.link(f"/{view.newsroom_key}/moved", lang=visit.language))
        return self._answer(request, view)

    async def moved(self, request: Request) -> Response:
        """GET `/{newsroom}/moved`: done."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/moved")
        return self._pages.page(visit, "moved")

    async def _read(self, request: Request) -> MoveView | None:
        request_id = confirmation.request_named(self._office, token_of(request))
        return await run_in_threadpool(moving.read, self._office, request_id=request_id)

    def _answer(self, request: Request, view: MoveView) -> Response:
        visit = self._visit(request, view)
        if view.state == "open":
            rooms = [self._office.newsrooms.get(key) for key in view.newsroom_keys]
            names = [
                room.name if room else key
                for room, key in zip(rooms, view.newsroom_keys, strict=True)
            ]
            return self._pages.page(visit, "move", mailbox=view.mailbox, names=names)
        if view.state == "confirmed":
            return self._pages.page(visit, "moved")
        return self._pages.page(visit, "move_over", status=410, hours=_hours())

    def _visit(self, request: Request, view: MoveView) -> Visit:
        here = f"/confirm/{segment(token_of(request))}"
        newsroom = self._office.newsroom(view.newsroom_key)
        return self._pages.visit(request, newsroom, here=here, stated=view.language)


def _hours() -> int:
    """How long a link to confirm is good for."""
    lifetime = LIFETIME[LinkPurpose.CONFIRM]
    assert lifetime is not None  # what anybody may ask for in anybody's name has to lapse
    return int(lifetime.total_seconds() // 3600)
