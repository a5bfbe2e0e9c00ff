"""Says to browsers which other sites' scripts may use the JSON endpoints (the Fetch standard's CORS).

No answer depends on cookies, for there are none: credentials are never allowed. Without an Origin
a request comes from no script of another site, and is judged like any other.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from mailer.core.newsroom import Site

_MAX_AGE = "600"


class Neighbours:
    """The sites whose scripts may come.

    Args:
        site: our own address, which may always, and those that the settings allow.
    """

    def __init__(self, site: Site) -> None:
        own = urlsplit(site.base_url)
        self._allowed = frozenset({f"{own.scheme}://{own.netloc}".lower(), *site.allowed_origins})

    def may_come(self, request: Request) -> bool:
        """Whether a request comes from no other site's script, or from one that may."""
        origin = request.headers.get("origin")
        return origin is None or origin in self._allowed

    def mark(self, request: Request, answer: Response) -> Response:
        """The answer, made readable for the scripts that may come."""
        answer.headers.add_vary_header("Origin")
        origin = request.headers.get("origin")
        if origin in self._allowed:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    def preflight(self, request: Request, *methods: str) -> Response:
        """The answer to a browser that asks before it sends."""
        answer = self.mark(request, Response(status_code=204))
        answer.headers["Allow"] = ", ".join((*methods, "OPTIONS"))
        if "access-control-allow-origin" in answer.headers:
            answer.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
            answer.headers["Access-Control-Max-Age"] = _MAX_AGE
        return answer
