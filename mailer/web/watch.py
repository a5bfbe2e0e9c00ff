"""Logs each request as one line in which no token can be read, and answers what went wrong with a page."""

import logging
import re
import time
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

_DOOR = re.compile(
    r"(/(?:confirm|not-me|check-mail|leave|leave-all|rejoin)/).+", re.IGNORECASE | re.DOTALL
)
# The shape of a token, wherever somebody pasted it: two numbers, and a signature of 43 characters.
_TOKEN = re.compile(r"[0-9a-z]+\.[0-9a-z]+\.[A-Za-z0-9_-]{20,}")
_PROBES = frozenset({"/healthz", "/readyz"})
_MAX_PATH = 200


class Watch:
    """ASGI middleware.

    Args:
        known: makes the answer to what a handler raised; None to a surprise.
        failed: makes the page for a request that met a fault of ours.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        known: Callable[[Request, Exception], Response | None],
        failed: Callable[[Request], Response],
    ) -> None:
        self._app = app
        self._known = known
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:
            if status:  # half an answer is out; the server breaks the connection off
                _log.exception(
                    "page_failed method=%s path=%s", scope["method"], shown(scope["path"])
                )
                raise
            await self._answer(scope, error)(scope, receive, seen)
        finally:
            _tell(scope, status, time.perf_counter() - began)

    def _answer(self, scope: Scope, error: Exception) -> Response:
        try:
            if answer := self._known(Request(scope), error):
                return answer
        except Exception as broken:  # noqa: BLE001 - an operator's template can be broken in any way
            error = broken
        place = shown(scope["path"])
        _log.error("page_failed method=%s path=%s", scope["method"], place, exc_info=error)
        try:
            return self._failed(Request(scope))
        except Exception:  # noqa: BLE001 - as above
            _log.exception("error_page_failed path=%s", place)
            return PlainTextResponse("Something went wrong here. Try again in a minute.\n", 500)


def shown(path: str) -> str:
    """A path for the log: tokens masked, nothing in it that could start a line of its own."""
    masked = _TOKEN.sub("***", _DOOR.sub(r"\1***", path))
    return quote(masked, safe="/*:@!$&'()+,;=~-._")[:_MAX_PATH]


def _tell(scope: Scope, status: int, seconds: float) -> None:
    _log.log(
        logging.DEBUG if scope["path"] in _PROBES else logging.INFO,
        "page method=%s path=%s status=%d ms=%d",
        scope["method"],
        shown(scope["path"]),
        status,
        seconds * 1000,
    )
