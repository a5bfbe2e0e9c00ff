"""What a program is told that sent something wrong (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

_MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer of that status.

    Args:
        detail: what was wrong, for the programmer who reads it.
        errors: one for each member that was wrong: "pointer" (RFC 6901), "reason" (a word), "detail".
    """
    told: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    told |= {"detail": detail} if detail else {}
    told |= {"errors": list(errors)} if errors else {}
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(told, status, kept, media_type=_MEDIA_TYPE)
