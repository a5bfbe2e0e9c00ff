"""The server's side of AUTH for the scripted server: five mechanisms, each verified by the book."""

import base64
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge, and gives what is answered, both plain."""

REFUSED_TOKEN = {"status": "401", "schemes": "bearer", "scope": "https://mail.example/"}


async def who_logs_in(
    mechanism: str, first: bytes | None, ask: Ask, users: Mapping[str, str]
) -> str:
    """The name of a user who proved the secret that `users` has; empty for anybody else."""
    match mechanism:
        case "PLAIN":
            return _known(*_pair(first if first is not None else await ask(b"")), users)
        case "LOGIN":
            name = first if first is not None else await ask(b"Username:")
            return _known(name.decode(), (await ask(b"Password:")).decode(), users)
        case "CRAM-MD5":
            return await _challenged(first, ask, users)
        case "XOAUTH2" | "OAUTHBEARER":
            return await _with_token(mechanism, first, ask, users)
    return ""


def _pair(answer: bytes) -> tuple[str, str]:
    _, name, secret = answer.decode().split("\0")
    return name, secret


def _known(name: str, secret: str, users: Mapping[str, str]) -> str:
    return name if users.get(name) == secret else ""


async def _challenged(first: bytes | None, ask: Ask, users: Mapping[str, str]) -> str:
    """RFC 2195."""
    assert first is None, "CRAM-MD5 begins with the server"
    challenge = f"<{secrets.token_hex(8)}@scripted.test>".encode()
    name, _, digest = (await ask(challenge)).decode().rpartition(" ")
    secret = users.get(name, "").encode()
    return name if hmac.new(secret, challenge, "md5").hexdigest() == digest else ""


async def _with_token(
    mechanism: str, first: bytes | None, ask: Ask, users: Mapping[str, str]
) -> str:
    """Google's XOAUTH2, and RFC 7628."""
    assert first is not None, "a token comes with the first word"
    head, *pairs = first.decode().split("\1")
    assert pairs[-2:] == ["", ""], "the message ends in two control-As"
    if mechanism == "XOAUTH2":
        name, given = head.removeprefix("user="), pairs[:-2]
    else:
        channel, name, empty = head.split(",")
        assert (channel, empty) == ("n", "")
        name, given = name.removeprefix("a=").replace("=2C", ",").replace("=3D", "="), pairs[:-2]
    values = dict(pair.split("=", 1) for pair in given)
    if values["auth"] == f"Bearer {users.get(name)}":
        return name
    farewell = await ask(json.dumps(REFUSED_TOKEN).encode())
    assert farewell == (b"" if mechanism == "XOAUTH2" else b"\1")
    return ""


def plain(encoded: str) -> bytes:
    """What a word in base64 says; `=` is the empty word (RFC 4954 section 4)."""
    return b"" if encoded == "=" else base64.b64decode(encoded, validate=True)
