"""The site: which address leads to which page, and which fault to which answer."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailer.core.errors import (
    MailerError,
    NotFound,
    SchemaOutdated,
    ServiceMissing,
    TokenRefused,
    TryLater,
)
from mailer.services.office import Office
from mailer.web.headers import GuardingHeaders
from mailer.web.newsroom import NewsroomPages
from mailer.web.pages import Pages
from mailer.web.probes import Probes
from mailer.web.signup import SignupPages
from mailer.web.watch import Watch

RETRY_SECONDS = 30
_STATUS: dict[type[MailerError], int] = {
    NotFound: 404,
    TokenRefused: 404,
    SchemaOutdated: 503,
    ServiceMissing: 503,
    TryLater: 503,
}

_Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


def create_app(office: Office) -> Starlette:
    """The pages of an office as an ASGI application: no cookies, no scripts, nothing from elsewhere.

    Args:
        office: newsrooms, database, keys and templates, settled.

    Raises:
        MailerError: a stylesheet of the operator's cannot be used.
    """
    pages = Pages(office)
    faults = _Faults(pages)
    app = Starlette(
        routes=_routes(pages),
        middleware=[
            Middleware(GuardingHeaders, https=office.site.base_url.startswith("https:")),
            Middleware(Watch, failed=faults.ours),
        ],
        exception_handlers={HTTPException: faults.http, MailerError: faults.mailer},
    )
    app.router.redirect_slashes = False  # it would build its address from the Host header
    return app


def _routes(pages: Pages) -> list[Route]:
    probes, rooms, people = Probes(pages.office), NewsroomPages(pages), SignupPages(pages)
    return [
        Route("/", rooms.index, methods=["GET"]),
        Route("/healthz", probes.alive, methods=["GET"]),
        Route("/readyz", probes.ready, methods=["GET"]),
        Route("/robots.txt", probes.robots, methods=["GET"]),
        Route("/favicon.ico", probes.icon, methods=["GET"]),
        Route("/static/site.css", rooms.stylesheet, methods=["GET"]),
        _door("/confirm/{token}", people.confirm_page, people.confirm),
        _door("/leave/{token}", people.leave_page, people.leave),
        Route("/{newsroom}", rooms.newsroom, methods=["GET"]),
        Route("/{newsroom}/", rooms.without_slash, methods=["GET"]),
        Route("/{newsroom}/theme.css", rooms.theme, methods=["GET"]),
        _door("/{newsroom}/subscribe", people.form, people.subscribe),
        Route("/{newsroom}/check-mail", people.check_mail, methods=["GET"]),
        Route("/{newsroom}/confirmed", people.confirmed, methods=["GET"]),
        Route("/{newsroom}/releases/{name}", rooms.release, methods=["GET"]),
    ]


def _door(path: str, show: _Handler, act: _Handler) -> Route:
    """One route for both, so that an answer 405 names all methods that are allowed."""

    async def answer(request: Request) -> Response:
        return await (act if request.method == "POST" else show)(request)

    return Route(path, answer, methods=["GET", "POST"])


class _Faults:
    """Pages for what cannot be answered; none says more than its reader can use."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self._pages.fault(request, error.status_code, error.headers)

    async def mailer(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, MailerError)
        status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
        if status is None:
            raise error
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            _log.warning("page_unavailable reason=%r cure=%r", error.what, error.cure)
            return self._pages.fault(request, status, {"Retry-After": str(RETRY_SECONDS)})
        return self._pages.fault(request, status)

    def ours(self, request: Request) -> Response:
        return self._pages.fault(request, 500)
