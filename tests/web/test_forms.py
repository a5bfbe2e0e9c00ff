"""A form's fields are read as they were typed, in whatever pieces they arrive."""

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from mailer.web.forms import FORM_LIMIT, read_form


def sent(pieces: Sequence[bytes], length: int | None = None) -> Request:
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    waiting = list(pieces) or [b""]

    async def receive() -> Message:
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return Request({"type": "http", "headers": headers}, receive)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.dictionaries(texts, texts, max_size=8), st.integers(1, 40))
def test_what_was_typed_is_what_is_read(fields: dict[str, str], size: int) -> None:
    body = urlencode(fields).encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert asyncio.run(read_form(sent(pieces))) == fields


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        answer = asyncio.run(read_form(sent([body])))
    except HTTPException as refused:
        answer = {"status": str(refused.status_code)}
        body = b"status=400"
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    assert answer == dict(pairs)


@pytest.mark.parametrize(
    ("size", "length", "taken"),
    [
        (FORM_LIMIT, None, True),
        (FORM_LIMIT, FORM_LIMIT, True),
        (FORM_LIMIT + 1, None, False),
        (FORM_LIMIT + 1, FORM_LIMIT + 1, False),
    ],
)
def test_a_form_of_eight_kibibytes_is_the_largest(
    size: int, length: int | None, taken: bool
) -> None:
    body = b"a=" + b"b" * (size - 2)
    if taken:
        assert len(asyncio.run(read_form(sent([body], length)))["a"]) == size - 2
    else:
        with pytest.raises(HTTPException, match="413"):
            asyncio.run(read_form(sent([body], length)))
