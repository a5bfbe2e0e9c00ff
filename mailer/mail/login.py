"""Logs in to a relay with one mechanism and one try, and tells its own words where it says no (RFC 4954).

    with a password, under TLS        PLAIN LOGIN CRAM-MD5, the first that is offered
    on this machine, without TLS      CRAM-MD5 PLAIN LOGIN
    where others can read along       CRAM-MD5
    with a token                      XOAUTH2 OAUTHBEARER (RFC 7628)
    `auth` is set                     that one

Another mechanism is tried only where the relay says that it does not know the first: a wrong password
tried in every way it could be locks accounts. A relay that does not take a token says why in a
challenge (JSON in base64), waits for an empty word, and only then refuses; both are told.
"""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponse

from mailer.mail.relay import BEARERS, Relay

_PASSED = 235
_CHALLENGE = 334
_TRY_ANOTHER_MECHANISM = {504, 534}  # RFC 4954 section 6
_TOKEN = re.compile(
    r"[!-~]+"
)  # wider than RFC 6750 section 2.1: not all that is issued keeps to it
_FAREWELLS = {"xoauth2": b"", "oauthbearer": b"AQ=="}  # the latter: RFC 7628 section 3.2.3

_Mechanism = Callable[[SMTP, Relay, str], Awaitable[object]]


async def log_in(client: SMTP, relay: Relay, secret: str) -> None:
    """AUTH, as the relay's description says.

    Args:
        client: connected, and greeted on the terms of the description.
        secret: the password, or the token of this hour.

    Raises:
        SMTPAuthenticationError: with the reply that refused us.
        SMTPException: it offers no way that we may take.
        ValueError: the secret cannot be a token.
    """
    if relay.token is not None and not _TOKEN.fullmatch(secret):
        raise ValueError("the token is empty, or holds blanks or letters that no token has")
    offered = [name for name in _preferred(relay) if name in client.server_auth_methods]
    if not offered:
        raise SMTPException(_nothing_fits(client, relay))
    for name in offered:
        try:
            await _MECHANISMS[name](client, relay, secret)
        except SMTPAuthenticationError as error:
            if error.code not in _TRY_ANOTHER_MECHANISM or name is offered[-1]:
                raise
        else:
            return


def _preferred(relay: Relay) -> tuple[str, ...]:
    if relay.auth != "auto":
        return (relay.auth,)
    if relay.token is not None:
        return BEARERS
    if relay.overheard:
        return ("cram-md5",)
    if relay.security == "none":
        return ("cram-md5", "plain", "login")
    return ("plain", "login", "cram-md5")


def _nothing_fits(client: SMTP, relay: Relay) -> str:
    ours = ", ".join(name.upper() for name in _preferred(relay))
    theirs = ", ".join(dict.fromkeys(name.upper() for name in client.server_auth_methods))
    return f"it offers {theirs or 'no login at all'}, and we would log in with {ours}"


async def _plain(client: SMTP, relay: Relay, secret: str) -> None:
    await client.auth_plain(relay.username, secret)


async def _cram_md5(client: SMTP, relay: Relay, secret: str) -> None:
    await client.auth_crammd5(relay.username, secret)


async def _login(client: SMTP, relay: Relay, secret: str) -> None:
    """Word by word: a relay that asks for the name again must not be told the password as one."""
    reply = await client.execute_command(b"AUTH", b"LOGIN")
    for word in (relay.username, secret):
        _expect(reply, _CHALLENGE)
        reply = await client.execute_command(base64.b64encode(word.encode()))
    _expect(reply, _PASSED)


async def _bearer(client: SMTP, relay: Relay, secret: str, *, name: str, words: str) -> None:
    initial = base64.b64encode(words.encode())
    reply = await client.execute_command(b"AUTH", name.upper().encode(), initial)
    if reply.code == _CHALLENGE:
        reason = _reason(reply.message)
        reply = await client.execute_command(_FAREWELLS[name])
        reply = SMTPResponse(
            reply.code, f"{reply.message}\n({reason})" if reason else reply.message
        )
    _expect(reply, _PASSED)


async def _xoauth2(client: SMTP, relay: Relay, secret: str) -> None:
    words = f"user={relay.username}\1auth=Bearer {secret}\1\1"
    await _bearer(client, relay, secret, name="xoauth2", words=words)


async def _oauthbearer(client: SMTP, relay: Relay, secret: str) -> None:
    name = relay.username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
    place = "" if relay.socket_file else f"host={relay.host}\1port={relay.port}\1"
    words = f"n,a={name},\1{place}auth=Bearer {secret}\1\1"
    await _bearer(client, relay, secret, name="oauthbearer", words=words)


_MECHANISMS: dict[str, _Mechanism] = {
    "plain": _plain,
    "login": _login,
    "cram-md5": _cram_md5,
    "xoauth2": _xoauth2,
    "oauthbearer": _oauthbearer,
}


def _expect(reply: SMTPResponse, code: int) -> None:
    if reply.code != code:
        raise SMTPAuthenticationError(reply.code, reply.message)


def _reason(challenge: str) -> str:
    """Why a token was refused, in words: the members of the JSON in the challenge."""
    try:
        text = base64.b64decode(challenge, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return challenge
    try:
        members = json.loads(text)
    except ValueError:
        return text
    if not isinstance(members, dict):
        return text
    return ", ".join(f"{name} {value}" for name, value in members.items())
