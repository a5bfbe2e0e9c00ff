"""Opens a connection to a relay on exactly the terms of its description, or says which step failed.

    connect and greeting -> EHLO [-> STARTTLS -> EHLO] [-> AUTH]

aiosmtplib takes each step, one at a time, so that a failure names its phase. Nothing is ever said over
a connection weaker than the description asks for. The open connection is then taken from aiosmtplib's
client, which is forgotten: whoever speaks next sets a protocol of its own.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.core.reply import judge, lost
from mailer.mail.login import log_in
from mailer.mail.relay import Relay
from mailer.mail.transport import RelayMissing

_DOING = {
    Phase.CONNECT: "connecting",
    Phase.EHLO: "EHLO",
    Phase.STARTTLS: "STARTTLS",
    Phase.AUTH: "AUTH",
}

_Step = tuple[Phase, Callable[[], Awaitable[object]]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection ready for its first MAIL.

    Attributes:
        pipelining: it takes commands in groups (RFC 2920).
        size_limit: the largest message the relay takes, in bytes; 0 where it names no limit, None
            where it does not offer SIZE (RFC 1870).
        utf8: it takes mailboxes with letters beyond ASCII before the @ (SMTPUTF8, RFC 6531).
    """

    transport: asyncio.Transport
    pipelining: bool
    size_limit: int | None
    utf8: bool


async def open_connection(relay: Relay, context: ssl.SSLContext | None) -> Opened:
    """Connect, greet, encrypt and log in as `relay` says.

    Args:
        context: from `tls_context`; needed unless security is none.

    Raises:
        RelayMissing: with the phase that failed, the reply and the cure.
    """
    secret = await _secret(relay)
    client = SMTP(
        hostname=None if relay.socket_file else relay.host,
        port=None if relay.socket_file else relay.port,
        socket_path=relay.socket_file,
        local_hostname=relay.helo or None,
        timeout=relay.timeouts.ehlo,
        use_tls=relay.security == "tls",
        start_tls=False,  # a step of its own: None would be opportunistic
        tls_context=context,
    )
    phase = Phase.CONNECT
    try:
        for phase, step in _steps(client, relay, secret):
            with _telling(relay, phase):
                await step()
        with _telling(relay, phase):
            return _opened(client)
    finally:
        client.close()  # does nothing to a connection that has been adopted


def tls_context(relay: Relay) -> ssl.SSLContext:
    """What we trust: the authorities of `ca_file` alone, or the system's. Reads files.

    Raises:
        ServiceMissing: `ca_file` cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=relay.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ServiceMissing(
            f"Relay {relay.name}: the authorities in {relay.ca_file} cannot be read: {error}",
            "let ca_file name a PEM file of certificates, or remove it to trust the system's",
        ) from error


async def _secret(relay: Relay) -> str:
    """What we log in with: a token is fetched first, so that without one nobody is disturbed."""
    if relay.token is None:
        return relay.password
    try:
        return await asyncio.to_thread(relay.token)
    except ServiceMissing as error:
        outcome = lost(Phase.AUTH, error.what, relay=relay.name)
        raise RelayMissing(error.what, error.cure, outcome=outcome) from error


def _steps(client: SMTP, relay: Relay, secret: str) -> Iterator[_Step]:
    yield Phase.CONNECT, partial(client.connect, timeout=relay.timeouts.connect)
    yield Phase.EHLO, client.ehlo
    if relay.security == "starttls":
        yield Phase.STARTTLS, client.starttls
        yield Phase.EHLO, client.ehlo  # RFC 3207 section 4.2: forget what was said before
    if relay.username:
        yield Phase.AUTH, partial(log_in, client, relay, secret)


def _opened(client: SMTP) -> Opened:
    return Opened(
        transport=_adopted(client),
        pipelining=client.supports_extension("pipelining"),
        size_limit=_size_limit(client),
        utf8=client.supports_extension("smtputf8"),
    )


def _adopted(client: SMTP) -> asyncio.Transport:
    """Take the connection over, so that `client` no longer knows it."""
    transport = client.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        raise SMTPServerDisconnected("the connection was closed at once")
    client.transport = None
    return transport


def _size_limit(client: SMTP) -> int | None:
    offered = client.esmtp_extensions.get("size")
    if offered is None:
        return None
    return int(offered) if offered.isascii() and offered.isdigit() else 0


@contextmanager
def _telling(relay: Relay, phase: Phase) -> Iterator[None]:
    """Turn whatever stops a step into `RelayMissing`."""
    try:
        yield
    except (OSError, SMTPException, ValueError) as error:
        outcome = _outcome_of(relay, phase, error)
        said = " ".join(filter(None, (str(outcome.code or ""), outcome.enhanced, outcome.text)))
        raise RelayMissing(
            f"Relay {relay.name} ({relay.place}) is not there for us, {_DOING[phase]} failed: {said}",
            _cure(relay, error, outcome),
            outcome=outcome,
        ) from error


def _outcome_of(relay: Relay, phase: Phase, error: Exception) -> Outcome:
    if isinstance(error, SMTPResponseException) and error.code > 0:
        outcome = judge(phase, error.code, error.message, relay=relay.name)
        if phase is Phase.AUTH and relay.token is not None and outcome.result is Result.REFUSED:
            return outcome._replace(result=Result.DEFERRED)  # a fresh token may be taken
        return outcome
    said = error.message if isinstance(error, SMTPException) else str(error)
    outcome = lost(phase, said or type(error).__name__, relay=relay.name)
    if _is_distrust(error) or type(error) is SMTPException:  # STARTTLS or AUTH not offered
        return outcome._replace(result=Result.REFUSED, blame=Blame.SENDER)
    return outcome


def _is_distrust(error: Exception) -> bool:
    return isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)


def _cure(relay: Relay, error: Exception, outcome: Outcome) -> str:
    if _is_distrust(error):
        return (
            "the certificate or protocol is not what we trust: check host and port, "
            "or name the issuing authority in ca_file; nothing was sent unprotected"
        )
    if outcome.code // 100 == 4:
        return "the relay asks us to come back: the next dispatch tries again"
    if outcome.phase is Phase.STARTTLS:
        return (
            'the relay must offer STARTTLS: ask its administrator, or set security = "tls" '
            "with the port for it (often 465); nothing was sent unprotected"
        )
    if outcome.phase is Phase.AUTH:
        return _login_cure(relay)
    if outcome.phase is Phase.EHLO:
        return "check helo, and whether this machine may use the relay at all"
    return "check host, port and security, and that the relay runs and lets this machine in"


def _login_cure(relay: Relay) -> str:
    if relay.token is None:
        return f"check username and password of relay {relay.name} with its administrator"
    return (
        f"see that the token of relay {relay.name} is renewed in time and is meant for sending mail, "
        "and that username is the mailbox it belongs to"
    )
