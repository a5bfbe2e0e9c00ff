"""Reads what a form sends, bounded and strict: too much, a wrong kind or a field given twice is refused."""

from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

FORM_LIMIT = 8 * 1024
BUTTON_LIMIT = 1024
DRAIN_LIMIT = 64 * 1024
_MAX_FIELDS = 20
MOST_FIELDS = 200  # where a newsroom's topics are a field each


async def read_form(request: Request, *, most: int = _MAX_FIELDS) -> dict[str, str]:
    """The fields of a form, each once.

    Args:
        most: how many fields there may be.

    Raises:
        HTTPException: 413 for more than `FORM_LIMIT` bytes, 415 for anything but a URL-encoded form,
            400 for what is not UTF-8, a field given twice, or too many fields.
    """
    body = await read_body(request, "application/x-www-form-urlencoded", FORM_LIMIT)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise HTTPException(400) from error
    if len({name for name, _ in fields}) < len(fields):
        raise HTTPException(400)
    return dict(fields)


async def read_body(request: Request, wanted: str, limit: int) -> bytes:
    """A body of the media type that is wanted.

    Raises:
        HTTPException: 413 for more than `limit` bytes, 415 for any other type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted:
        raise HTTPException(415, headers={"Accept": wanted})
    return await read_raw(request, limit)


async def read_raw(request: Request, limit: int) -> bytes:
    """A body of any media type.

    Raises:
        HTTPException: 413 for more than `limit` bytes.
    """
    body = await _read(request, limit)
    if len(body) > limit:
        raise HTTPException(413, headers={"Connection": "close"})  # the rest is not waited for
    return body


async def pass_over_body(request: Request) -> None:
    """Take in what a button press sends, up to `BUTTON_LIMIT` bytes, and look at none of it.

    RFC 8058 section 3.1 lets a mail reader send `List-Unsubscribe=One-Click` URL-encoded or as
    multipart. The address says all, so that no spelling of the body can keep anybody subscribed.
    """
    await _read(request, BUTTON_LIMIT)


async def drain(request: Request) -> None:
    """Let the rest of a body go by, up to `DRAIN_LIMIT` bytes, so that its sender hears our answer.

    Whoever hangs up meanwhile has been served: what was asked is done before.
    """
    left = DRAIN_LIMIT
    with suppress(ClientDisconnect):
        async for piece in request.stream():
            left -= len(piece)
            if left <= 0:
                break


async def _read(request: Request, limit: int) -> bytes:
    """The body, or a little more than `limit` bytes of it when there is more."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        return b"\0" * (limit + 1)
    body = bytearray()
    async for piece in request.stream():
        body += piece[: limit + 1 - len(body)]
        if len(body) > limit:
            break
    return bytes(body)
