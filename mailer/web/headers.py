"""Puts the same guarding headers on every answer, whoever made it.

No script, frame or foreign resource is ever allowed. A link in a mail is a capability, so no page
tells another site where its reader came from.
"""

from collections.abc import Iterable

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
_OF_TOKEN_PAGES = {b"cache-control": b"no-store", b"x-robots-tag": b"noindex, nofollow"}
_Header = tuple[bytes, bytes]
_A_YEAR = "max-age=31536000"


class GuardingHeaders:
    """ASGI middleware.

    Args:
        https: whether the site's address is https; browsers are then told to come by https alone.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        always = {**_ALWAYS, "Strict-Transport-Security": _A_YEAR} if https else _ALWAYS
        self._always = [(name.lower().encode(), value.encode()) for name, value in always.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and mark its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                token_page = scope["path"].startswith(TOKEN_DOORS) or TOKEN_PAGE in scope["path"]
                message["headers"] = self._guarded(message["headers"], token_page=token_page)
            await send(message)

        await self._app(scope, receive, marked)

    def _guarded(self, headers: Iterable[_Header], *, token_page: bool) -> list[_Header]:
        """The headers with ours; a picture brings a policy of its own."""
        kept = [one for one in headers if not (token_page and one[0] in _OF_TOKEN_PAGES)]
        there = {name for name, _ in kept}
        kept += [one for one in self._always if one[0] not in there]
        return kept + list(_OF_TOKEN_PAGES.items()) if token_page else kept
