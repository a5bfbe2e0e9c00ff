"""Describes a relay: where it is, on which terms we speak to it, and how patient we are.

A description that would send mail or a password unprotected over a network cannot be constructed
without saying so in as many words.
"""

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from mailer.core.errors import ConfigFault

Security = Literal["tls", "starttls", "none"]
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
        helo: our name in EHLO; empty for the machine's own.
        connections: lines to keep open at most.
        messages_per_connection: after so many a line asks to be replaced.
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
    helo: str = ""
    connections: int = 8
    messages_per_connection: int = 1000
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
                ("helo", _helo_fault(self.helo)),
                ("connections", _count_fault(self.connections)),
                ("messages_per_connection", _count_fault(self.messages_per_connection)),
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
    if relay.security == "none" and not relay.insecure and not is_local(relay.host):
        return (
            f"none would send mail to {relay.host} for anybody on the way to read; "
            "choose tls or starttls, or set insecure = true if you mean it"
        )
    if relay.security == "none" and relay.ca_file is not None:
        return "none uses no certificate; remove ca_file or choose tls or starttls"
    return ""


def _login_fault(relay: Relay) -> str:
    if bool(relay.username) == bool(relay.password):
        return ""
    return "username and password go together; set both or neither"


def _helo_fault(helo: str) -> str:
    if all("!" <= letter <= "~" for letter in helo):
        return ""
    return "is no host name; give this machine's full name in ASCII, or nothing"


def _count_fault(count: int) -> str:
    return "" if count >= 1 else f"{count} is too few; give 1 or more"


def _patience_fault(timeouts: Timeouts) -> str:
    wrong = [each.name for each in fields(timeouts) if getattr(timeouts, each.name) <= 0]
    return f"{', '.join(wrong)}: give seconds above 0" if wrong else ""
