"""Puts the same guarding headers on every answer, whoever made it.

No script, frame or foreign resource is ever allowed. A link in a mail is a capability, so no page
tells another site where its reader came from.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
TOKEN_PAGE = "/check-mail/"  # noqa: S105 - where a token stands in a path, not one
TOKEN_DOORS = ("/confirm/", "/not-me/", "/leave/", "/leave-all/", "/manage/", "/rejoin/")
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_A_YEAR = "max-age=31536000"


class GuardingHeaders:
    """ASGI middleware.

    Args:
        https: whether the site's address is https; browsers are then told to come by https alone.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._always = {**_ALWAYS, "Strict-Transport-Security": _A_YEAR} if https else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and mark its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._always.items():
                    headers.setdefault(name, value)  # a picture brings a policy of its own
                if scope["path"].startswith(TOKEN_DOORS) or TOKEN_PAGE in scope["path"]:
                    headers["Cache-Control"] = "no-store"
                    headers["X-Robots-Tag"] = "noindex, nofollow"
            await send(message)

        await self._app(scope, receive, marked)
