"""The site: which address leads to which page, and which fault to which answer."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp

from mailer.core.errors import (
    MailerError,
    NotFound,
    SchemaOutdated,
    ServiceMissing,
    TokenRefused,
    TryLater,
)
from mailer.core.forwarded import Proxies
from mailer.services.office import Office
from mailer.web.api import AREA, SignupEndpoints
from mailer.web.check_mail import CheckMailPages
from mailer.web.client import TrueClient
from mailer.web.confirming import ConfirmingPages
from mailer.web.door import Door, Handler, nowhere
from mailer.web.entrances import entrances
from mailer.web.feeds import FeedPages
from mailer.web.files import FilePages
from mailer.web.headers import GuardingHeaders
from mailer.web.leaving import LeavingPages
from mailer.web.leaving_all import LeavingAllPages
from mailer.web.link import LinkPages
from mailer.web.manage import ManagePages
from mailer.web.moving import MovingPages
from mailer.web.newsroom import NewsroomPages
from mailer.web.pages import Pages
from mailer.web.privacy import PrivacyPages
from mailer.web.probes import Probes
from mailer.web.release import ReleasePages
from mailer.web.signup import SignupPages
from mailer.web.sitemap import SitemapPages
from mailer.web.watch import Watch
from mailer.web.websub import HubDoor

RETRY_SECONDS = 30
_STATUS: dict[type, int] = {
    NotFound: 404,
    TokenRefused: 404,
    SchemaOutdated: 503,
    ServiceMissing: 503,
    TryLater: 503,
}

_log = logging.getLogger(__name__)


def create_app(office: Office) -> ASGIApp:
    """The pages of an office as an ASGI application: no cookies, nothing from elsewhere.

    Args:
        office: newsrooms, database, keys and templates, settled.

    Raises:
        MailerError: a stylesheet of the operator's cannot be used.
    """
    pages = Pages(office)
    endpoints = SignupEndpoints(pages)
    faults = _Faults(pages, endpoints)
    proxies = Proxies(office.site.trusted_proxies, office.site.proxy_header)
    site = Router(
        [*_busiest(pages), *entrances(pages, endpoints), *_routes(pages)],
        redirect_slashes=False,  # it would build its address from the Host header
        default=nowhere,
    )
    watched = Watch(site, known=faults.known, failed=faults.ours)
    https = office.site.base_url.startswith("https:")
    return TrueClient(GuardingHeaders(watched, https=https), proxies=proxies)


def _routes(pages: Pages) -> list[Door]:
    return [*_site(pages), *_mailed(pages), *_newsroom(pages)]


def _busiest(pages: Pages) -> list[Door]:
    """Where most come who press a button, asked for before thirty others."""
    leaving, people = LeavingPages(pages), SignupPages(pages)
    return [
        _door("/leave/{token}", leaving.leave_page, leaving.leave),
        _door("/{newsroom}/subscribe", people.form, people.subscribe),
    ]


def _site(pages: Pages) -> list[Door]:
    """What is there once for all newsrooms, and what machines ask for."""
    probes, rooms, maps = Probes(pages.office), NewsroomPages(pages), SitemapPages(pages)
    hubs = HubDoor(pages.office)
    return [
        Door("/", rooms.index, methods=["GET"]),
        Door("/healthz", probes.alive, methods=["GET"]),
        Door("/readyz", probes.ready, methods=["GET"]),
        Door("/robots.txt", maps.robots, methods=["GET"]),
        Door("/sitemap.xml", maps.sitemap, methods=["GET"]),
        Door("/sitemap-{number}.xml", maps.part, methods=["GET"]),
        Door("/favicon.ico", probes.icon, methods=["GET"]),
        Door("/static/site.css", rooms.stylesheet, methods=["GET"]),
        _door("/websub/{source}/{token}", hubs.verify, hubs.take),
    ]


def _mailed(pages: Pages) -> list[Door]:
    """What links in mails lead to."""
    confirming, manage = ConfirmingPages(pages), ManagePages(pages)
    moving = MovingPages(pages, manage, confirming)
    leaving, leaving_all = LeavingPages(pages), LeavingAllPages(pages)
    return [
        _door("/confirm/{token}", moving.confirm_page, moving.confirm),
        _door("/confirm/{token}/again", confirming.renew_page, confirming.renew),
        _door("/not-me/{token}", confirming.not_me_page, confirming.not_me),
        _door("/not-me/{token}/undo", confirming.undo_page, confirming.undo),
        _door("/leave-all/{token}", leaving_all.page, leaving_all.leave),
        _door("/rejoin/{token}", leaving.rejoin_page, leaving.rejoin),
        _door("/manage/{token}", manage.page, manage.act),
        _door("/manage/{token}/move", moving.ask_page, moving.ask),
        _door("/manage/{token}/erase", manage.erase_page, manage.erase),
        Door("/manage/{token}/everything.json", manage.take_out, methods=["GET"]),
        Door("/{newsroom}/moved", moving.moved, methods=["GET"]),
        Door("/{newsroom}/confirmed", confirming.confirmed, methods=["GET"]),
    ]


def _newsroom(pages: Pages) -> list[Door]:
    rooms, check_mail = NewsroomPages(pages), CheckMailPages(pages)
    links, feeds, releases = LinkPages(pages), FeedPages(pages), ReleasePages(pages)
    file = "/{newsroom}/releases/{release}/files/{place}/{name}"
    return [
        Door("/{newsroom}", rooms.newsroom, methods=["GET"]),
        Door("/{newsroom}/", rooms.without_slash, methods=["GET"]),
        Door("/{newsroom}/privacy", PrivacyPages(pages).notice, methods=["GET"]),
        Door("/{newsroom}/theme.css", rooms.theme, methods=["GET"]),
        Door("/{newsroom}/check-mail", check_mail.plain, methods=["GET"]),
        _door("/{newsroom}/check-mail/{token}", check_mail.page, check_mail.enter),
        _door("/{newsroom}/manage", links.ask_page, links.ask),
        Door("/{newsroom}/link-sent", links.sent, methods=["GET"]),
        Door("/{newsroom}/logo/{name}", rooms.logo, methods=["GET"]),
        Door("/{newsroom}/feed.{form}", feeds.feed, methods=["GET"]),
        Door("/{newsroom}/releases/{name}", releases.release, methods=["GET"]),
        Door(file, FilePages(pages).file, methods=["GET"]),
    ]


def _door(path: str, show: Handler, act: Handler) -> Door:
    """One route for both, so that an answer 405 names all methods that are allowed."""

    async def answer(request: Request) -> Response:
        return await (act if request.method == "POST" else show)(request)

    return Door(path, answer, methods=["GET", "POST"])


class _Faults:
    """Pages for what cannot be answered; none says more than its reader can use."""

    def __init__(self, pages: Pages, endpoints: SignupEndpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints

    def known(self, request: Request, error: Exception) -> Response | None:
        """The answer to what a handler raised; None to a surprise."""
        if isinstance(error, HTTPException):
            return self._answer(request, error.status_code, error.headers)
        status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
        if status is None:
            return None
        if isinstance(error, MailerError) and status == HTTPStatus.SERVICE_UNAVAILABLE:
            _log.warning("page_unavailable reason=%r cure=%r", error.what, error.cure)
            return self._answer(request, status, {"Retry-After": str(RETRY_SECONDS)})
        return self._answer(request, status)

    def ours(self, request: Request) -> Response:
        """The answer where we failed."""
        return self._answer(request, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(
        self, request: Request, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page for people; for scripts, what they can read."""
        to_script = request.scope["path"].startswith(AREA)
        return (self._endpoints if to_script else self._pages).fault(request, status, headers)
