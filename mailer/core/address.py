"""Reads a mailbox as a visitor or a file gives it, and keeps its three forms apart.

Sources: RFC 5321 section 4.1.2 (Mailbox), RFC 5890 (IDNA), UTS #39 for what must not be shown.
"""

import re
import unicodedata
from dataclasses import dataclass

from mailer.core.errors import AddressRefused

MAX_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
_RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})  # RFC 6761, 6762


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox.

    Attributes:
        typed: as it was typed, trimmed: what evidence shows.
        mailbox: what the envelope and To carry: domain in lower case and ASCII (IDNA).
        lookup: what finds it again: the mailbox in lower case.
    """

    typed: str
    mailbox: str
    lookup: str

    @property
    def domain(self) -> str:
        """The mailbox's domain in ASCII."""
        return self.mailbox.rpartition("@")[2]


def parse_address(text: str) -> Address:
    """Read one mailbox, without asking the network.

    Args:
        text: what somebody typed, without a display name.

    Raises:
        AddressRefused: with `reason` one of "empty", "long", "control", "syntax", "nonascii".
    """
    typed = text.strip()
    if not typed:
        raise AddressRefused("No address was given", "type an e-mail address", reason="empty")
    if has_hidden(typed):
        raise AddressRefused(
            "The address holds control or direction characters", "type it by hand", reason="control"
        )
    if len(typed) > MAX_LENGTH:
        raise AddressRefused(
            f"The address is longer than {MAX_LENGTH} characters", "check it", reason="long"
        )
    return _parse_plain(typed) or _parse_visible(typed)


def _parse_plain(typed: str) -> Address | None:
    """The common form, in a twentieth of the time; None where the full reading has to decide.

    It never accepts what the full reading would refuse, nor gives another mailbox: a property test
    holds the two against each other.
    """
    found = _PLAIN.fullmatch(typed)
    if found is None:
        return None
    local, domain = found[1], found[2].lower()
    if "--" in domain or not domain[-1].isalpha() or domain.rpartition(".")[2] in _RESERVED:
        return None
    if local != local.lower() and "." not in local:
        return None  # RFC 2142 mailboxes (“Postmaster”) are the same in any case
    mailbox = f"{local}@{domain}"
    return Address(typed=typed, mailbox=mailbox, lookup=mailbox.lower())


def _parse_visible(typed: str) -> Address:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - 90 ms

    try:
        found = validate_email(
            typed, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise AddressRefused(
            f"“{typed}” is not an e-mail address: {str(error).rstrip('.')}",
            "check it for a missing part or a stray character",
            reason="syntax",
        ) from error
    mailbox = found.ascii_email
    if mailbox is None:
        raise AddressRefused(
            f"“{typed}” has letters before the @ that most mail servers cannot take",
            "use an address with plain letters before the @",
            reason="nonascii",
        )
    if len(mailbox) > MAX_LENGTH:
        raise AddressRefused(
            f"The address is longer than {MAX_LENGTH} characters", "check it", reason="long"
        )
    return Address(typed=typed, mailbox=mailbox, lookup=mailbox.lower())


def has_hidden(text: str) -> bool:
    """Whether `text` holds a character that a reader cannot see or that turns the direction of what follows.

    Such characters never enter a header, a display name or an address: decoded line breaks inject
    headers, and direction marks make one name look like another.
    """
    if text.isascii():
        return not text.isprintable()
    return any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text
    )


def masked(address: str) -> str:
    """An address for logs: `j***@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"
