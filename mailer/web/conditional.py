"""Answers that are asked for again and again: the whole once, then "unchanged" (RFC 9110 section 13)."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response


def conditional(
    request: Request,
    body: bytes,
    *,
    media_type: str,
    changed: datetime | None,
    headers: Mapping[str, str],
) -> Response:
    """The body, or 304 where the asker has it already.

    The tag is a digest of the bytes, so that whatever changes them (a text, a template, a setting, a
    release that was withdrawn) is a new tag. A date counts only when it is exactly the one we gave:
    what was withdrawn makes the newest date older again (section 13.1.3 lets a server pass over it).

    Args:
        changed: when the newest thing in it changed; None gives no Last-Modified.
    """
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {**headers, "ETag": tag}
    if changed is not None:
        told["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
    if _has_it(request, tag, told.get("Last-Modified")):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media_type, headers=told)


def _has_it(request: Request, tag: str, date: str | None) -> bool:
    """If-None-Match decides alone where it is given (section 13.2.2)."""
    asked = request.headers.getlist("if-none-match")
    if asked:
        known = {part.strip().removeprefix("W/") for part in ",".join(asked).split(",")}
        return "*" in known or tag in known
    return date is not None and request.headers.get("if-modified-since") == date
