"""Describes a relay: where it is, on which terms we speak to it, and how patient we are.

A description that would send mail or a password unprotected over a network cannot be constructed
without saying so in as many words.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Literal, get_args

from mailer.core.errors import ConfigFault

Security = Literal["tls", "starttls", "none"]
Auth = Literal["auto", "plain", "login", "cram-md5", "xoauth2", "oauthbearer"]

BEARERS = ("xoauth2", "oauthbearer")
"""Mechanisms that take a token in place of a password."""

UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait in each phase: RFC 5321 section 4.5.3.2, but shorter before the first MAIL.

    Attributes:
        connect: for the connection, and again for the greeting. The RFC grants a stranger five
            minutes; a relay of our own that says nothing for half a minute is not there.
        ehlo: for each reply to EHLO, STARTTLS and AUTH.
        mail: for the reply to MAIL; RSET too.
        rcpt: for the reply to RCPT.
        data: for the reply to DATA.
        block: until the network has taken all of the content.
        final: for the reply to the final dot. To give up early here makes duplicates.
        quit: for the reply to QUIT, which nothing depends on.
    """

    connect: float = 30
    ehlo: float = 60
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    final: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True)
class Relay:
    """An SMTP server that takes our mail.

    Attributes:
        name: the word for it in settings, logs and the ledger.
        host: name or IP address; `unix:/path` is a socket file on this machine.
        port: 465 is usual for tls, 587 for starttls, 25 for none; not used by a socket file.
        security: "tls" from the first byte (RFC 8314), "starttls" required before anything else
            is said (RFC 3207), or "none", for this machine only unless `insecure`. There is
            no falling back from one to the other.
        username: for AUTH (RFC 4954); empty for none.
        password: never shown.
        token: gives an access token (RFC 6750) in place of a password; asked anew at every login,
            since tokens live an hour. It may read a file; it raises `ServiceMissing` where there is
            no token.
        auth: how to log in; "auto" takes the best that the relay offers. Where others can read along
            only "cram-md5" keeps a password to itself, and nothing keeps a token.
        helo: our name in EHLO; empty for the machine's own.
        connections: lines to keep open at most.
        order: lower is used first, a higher one only while none of the lower is usable.
        weight: its share among the relays of one order.
        messages_per_second: for the whole relay; 0 for no limit.
        messages_per_connection: after so many a line asks to be replaced.
        connection_seconds: after so long too, between two messages.
        ca_file: PEM file of the only authorities to trust; None trusts those of the system.
        insecure: "none" is meant, even over a network.

    Raises:
        ConfigFault: all that is wrong with the description, each with its cure.
    """

    name: str
    host: str
    port: int = 0
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    auth: Auth = "auto"
    helo: str = ""
    connections: int = 8
    order: int = 1
    weight: int = 1
    messages_per_second: float = 0
    messages_per_connection: int = 1000
    connection_seconds: float = 300
    timeouts: Timeouts = field(default_factory=Timeouts)
    ca_file: Path | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        faults = [
            f"{key}: {fault}"
            for key, fault in (
                ("host", _host_fault(self.host)),
                ("port", _port_fault(self)),
                ("security", _security_fault(self)),
                ("password", _login_fault(self)),
                ("auth", _auth_fault(self)),
                ("helo", _helo_fault(self.helo)),
                ("connections", _count_fault(self.connections)),
                ("order", _count_fault(self.order)),
                ("weight", _count_fault(self.weight)),
                ("messages_per_second", _pace_fault(self.messages_per_second)),
                ("messages_per_connection", _count_fault(self.messages_per_connection)),
                ("connection_seconds", _life_fault(self.connection_seconds)),
                ("timeouts", _patience_fault(self.timeouts)),
            )
            if fault
        ]
        if faults:
            raise ConfigFault(faults, f"relay {self.name}")

    @property
    def socket_file(self) -> str | None:
        """The path of its socket file, None for a relay reached over a network."""
        return self.host.removeprefix(UNIX) if self.host.startswith(UNIX) else None

    @property
    def overheard(self) -> bool:
        """Whether others can read along what is said to it."""
        return self.security == "none" and not is_local(self.host)

    @property
    def place(self) -> str:
        """Where it is, in words: host:port."""
        if self.socket_file is not None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_local(host: str) -> bool:
    """Whether what is sent to `host` never leaves this machine."""
    if host.startswith(UNIX) or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_fault(host: str) -> str:
    if host.startswith(UNIX):
        path = host.removeprefix(UNIX)
        return "" if path.startswith("/") else f"{host} has no absolute path; write unix:/path"
    if not host or any(letter.isspace() or not letter.isprintable() for letter in host):
        return "names no host; give a host name or an IP address"
    try:
        host.encode("idna")
    except UnicodeError:
        return f"{host} is no host name; give a host name or an IP address"
    return ""


def _port_fault(relay: Relay) -> str:
    if relay.socket_file is not None or 0 < relay.port < 65536:
        return ""
    return f"{relay.port} is no port; give 465 for tls, 587 for starttls or 25 for none"


def _security_fault(relay: Relay) -> str:
    if relay.security not in get_args(Security):
        return f"“{relay.security}” is unknown; choose tls, starttls or none"
    if relay.socket_file is not None and relay.security != "none":
        return "a socket file needs no TLS; set security to none"
    if relay.overheard and not relay.insecure:
        return (
            f"none would send mail to {relay.host} for anybody on the way to read; "
            "choose tls or starttls, or set insecure = true if you mean it"
        )
    if relay.security == "none" and relay.ca_file is not None:
        return "none uses no certificate; remove ca_file or choose tls or starttls"
    return ""


def _login_fault(relay: Relay) -> str:
    secrets = bool(relay.password) + (relay.token is not None)
    if secrets > 1:
        return "a password and a token are one too many; set one of them"
    if bool(relay.username) == bool(secrets):
        return ""
    return "username goes together with a password or a token; set both or neither"


def _auth_fault(relay: Relay) -> str:
    auth, bearer = relay.auth, relay.token is not None
    if auth not in get_args(Auth):
        return f"“{auth}” is unknown; choose {', '.join(get_args(Auth))}"
    if auth != "auto" and not relay.username:
        return f"{auth} needs somebody to log in; set username, or leave auth at auto"
    if auth != "auto" and bearer != (auth in BEARERS):
        wanted, given = ("a password", "a token") if bearer else ("a token", "a password")
        return f"{auth} takes {wanted}, not {given}; set the one that goes with it"
    if relay.username and relay.overheard and (bearer or auth not in {"auto", "cram-md5"}):
        return (
            "the login would be for anybody on the way to read; "
            "choose tls or starttls for security, or a password with cram-md5"
        )
    return ""


def _helo_fault(helo: str) -> str:
    if all("!" <= letter <= "~" for letter in helo):
        return ""
    return "is no host name; give this machine's full name in ASCII, or nothing"


def _count_fault(count: int) -> str:
    return "" if count >= 1 else f"{count} is too few; give 1 or more"


def _pace_fault(pace: float) -> str:
    return "" if 0 <= pace < inf else f"{pace:g} is no pace; give a number, or 0 for no limit"


def _life_fault(seconds: float) -> str:
    return "" if 0 < seconds < inf else f"{seconds:g} is no time; give seconds above 0"


def _patience_fault(timeouts: Timeouts) -> str:
    wrong = [each.name for each in fields(timeouts) if getattr(timeouts, each.name) <= 0]
    return f"{', '.join(wrong)}: give seconds above 0" if wrong else ""
