"""Shows what the post office keeps in a browser: every mailbox, every mail, without a script anywhere.

A mail is a stranger's work. Its HTML stands in a sandboxed frame under a policy of its own: it runs no
script, sends no form, fetches nothing and leads nowhere but to a new window. Only what really lies in
the post office's folder can be asked for, and only by this machine's own name.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailer.demo.letters import Letter, mailboxes, read_letter

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
_LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_IN_NEW_WINDOW = '<base target="_blank">'
_WEB_ADDRESS = re.compile(r"(https?://[^\s<>\"]+)")
_SHOWN_FIELDS = ("From", "To", "Date")


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a mail."""

    key: str
    name: str


_VIEWS = (
    View("html", "As the reader sees it"),
    View("text", "Plain text"),
    View("source", "Source"),
)


def create_inbox(folder: Path, *, newsroom: str) -> Starlette:
    """The pages over a post office's folder, as an ASGI application.

    Args:
        folder: the post office's.
        newsroom: the address of the page to sign up at.
    """
    inbox = _Inbox(folder, newsroom)
    return Starlette(
        routes=[
            Route("/", inbox.overview),
            Route("/style.css", inbox.style),
            Route("/{mailbox}/{number:int}", inbox.letter),
            Route("/{mailbox}/{number:int}/html", inbox.html),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(_Guarded),
        ],
        exception_handlers={HTTPException: inbox.fault},
    )


class _Inbox:
    def __init__(self, folder: Path, newsroom: str) -> None:
        self._folder = folder
        self._newsroom = newsroom
        self._templates = Environment(
            loader=PackageLoader("mailer.demo"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"segment": _segment, "linked": _linked, "moment": _moment}

    def overview(self, _request: Request) -> Response:
        latest_first = sorted(
            mailboxes(self._folder).items(), key=lambda box: _arrival(box[1]), reverse=True
        )
        boxes = {
            box: [read_letter(box, path) for path in reversed(paths)] for box, paths in latest_first
        }
        return self._page("overview", boxes=boxes)

    def letter(self, request: Request) -> Response:
        letter, older, newer = self._find(request)
        offered = [view for view in _VIEWS if view.key == "source" or getattr(letter, view.key)]
        wanted = request.query_params.get("view", offered[0].key)
        if wanted not in {view.key for view in offered}:
            raise HTTPException(404)
        fields = [(name, letter.field(name)) for name in _SHOWN_FIELDS if letter.field(name)]
        return self._page(
            "letter",
            letter=letter,
            fields=fields,
            view=wanted,
            views=offered,
            older=older,
            newer=newer,
        )

    def html(self, request: Request) -> Response:
        letter, _, _ = self._find(request)
        if letter.html is None:
            raise HTTPException(404)
        headers = {"Content-Security-Policy": _LETTER_POLICY}
        return HTMLResponse(_for_frame(letter.html), headers=headers)

    def style(self, _request: Request) -> Response:
        sheet = self._templates.get_template("inbox.css").render()
        return Response(sheet, media_type="text/css")

    def fault(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self._page("fault", status=error.status_code, code=error.status_code)

    def _find(self, request: Request) -> tuple[Letter, int | None, int | None]:
        """The mail that is asked for, and the numbers of the one before and after it."""
        mailbox, number = request.path_params["mailbox"], request.path_params["number"]
        found = [read_letter(mailbox, path) for path in mailboxes(self._folder).get(mailbox, [])]
        at = next((place for place, each in enumerate(found) if each.number == number), None)
        if at is None:
            raise HTTPException(404)
        older = found[at - 1].number if at else None
        newer = found[at + 1].number if at + 1 < len(found) else None
        return found[at], older, newer

    def _page(self, name: str, *, status: int = 200, **values: object) -> Response:
        text = self._templates.get_template(f"{name}.html").render(
            newsroom=self._newsroom, folder=self._folder, **values
        )
        return HTMLResponse(text, status)


class _Guarded:
    """ASGI middleware: the guarding headers on every answer that does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
                headers.update(_HEADERS)
            await send(message)

        await self._app(scope, receive, marked)


def _for_frame(html: str) -> str:
    """The mail's page, its links leading to new windows; the doctype stays first, where it counts."""
    doctype = re.match(r"\s*<!doctype[^>]*>", html, re.IGNORECASE)
    cut = doctype.end() if doctype else 0
    return f"{html[:cut]}{_IN_NEW_WINDOW}{html[cut:]}"


def _linked(text: str) -> Markup:
    """Plain text, escaped, with its web addresses as links to new windows."""
    return Markup("").join(
        Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(piece)
        if place % 2
        else piece
        for place, piece in enumerate(_WEB_ADDRESS.split(text))
    )


def _arrival(paths: list[Path]) -> float:
    return paths[-1].stat().st_mtime


def _moment(date: str) -> str:
    """A Date field as people read it, in this machine's time zone."""
    try:
        return f"{parsedate_to_datetime(date).astimezone():%-d %B %Y, %H:%M}"
    except (ValueError, OverflowError):
        return date


def _segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="@+")
