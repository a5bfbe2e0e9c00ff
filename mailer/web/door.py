"""One route of the site: calls its handler, and leaves whatever that raises to `web.watch`."""

from collections.abc import Awaitable, Callable, Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class Door(Route):
    """A path and the methods that are allowed there."""

    def __init__(self, path: str, handler: Handler, *, methods: Collection[str]) -> None:
        super().__init__(path, handler, methods=methods)
        self._handler = handler

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for this path.

        Raises:
            HTTPException: 405 for another method.
        """
        allowed = self.methods or ()
        if scope["method"] not in allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        answer = await self._handler(Request(scope, receive, send))
        await answer(scope, receive, send)


async def nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Where no path leads to.

    Raises:
        HTTPException: 404.
    """
    raise HTTPException(404)
