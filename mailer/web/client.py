"""Puts the client's own address in the place of a trusted proxy's, for everything that comes after."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.core.forwarded import Proxies


class TrueClient:
    """ASGI middleware.

    Args:
        proxies: those whose word is believed; with none of them nothing changes.
    """

    def __init__(self, app: ASGIApp, *, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as its client's."""
        if self._proxies and scope["type"] == "http" and scope.get("client"):
            peer, _ = scope["client"]
            sent = Headers(scope=scope).getlist(self._proxies.header)
            found = self._proxies.client(peer, sent)
            if found != peer:
                scope = {**scope, "client": (found, 0)}
        await self._app(scope, receive, send)
