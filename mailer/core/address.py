"""Reads a mailbox as a visitor or a file gives it, and keeps its three forms apart.

Sources: RFC 5321 section 4.1.2 (Mailbox), RFC 5890 (IDNA), RFC 6531 (letters beyond ASCII before the
@), UTS #39 for what must not be shown.
"""

import re
import unicodedata
from dataclasses import dataclass

from mailer.core.errors import AddressRefused

MAX_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
MAX_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
_ENCODED = re.compile(r"[%=]0[ad]|=\?", re.IGNORECASE)
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})  # RFC 6761, 6762


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox.

    Attributes:
        typed: as it was typed, trimmed: what evidence shows.
        mailbox: what the envelope and To carry: domain in lower case and ASCII (IDNA), letters beyond
            ASCII before the @ in Unicode's form NFC.
        lookup: what finds it again: the mailbox in lower case.
    """

    typed: str
    mailbox: str
    lookup: str

    @property
    def domain(self) -> str:
        """The mailbox's domain in ASCII."""
        return self.mailbox.rpartition("@")[2]


def parse_address(text: str, *, smtputf8: bool = False) -> Address:
    """Read one mailbox, without asking the network.

    Args:
        text: what somebody typed, without a display name.
        smtputf8: take letters beyond ASCII before the @, which not every relay can (RFC 6531).

    Raises:
        AddressRefused: with `reason` one of "empty", "long", "control", "encoded", "dash", "syntax",
            "nonascii".
    """
    typed = text.strip()
    return parse_common(typed) or _parse_visible(typed, smtputf8=smtputf8)


def parse_common(text: str) -> Address | None:
    """The same for the common form alone, in some microseconds; None where the full reading has to decide.

    Raises:
        AddressRefused: as `parse_address` does, but for the reasons "syntax" and "nonascii".
    """
    typed = text.strip()
    if not typed:
        raise AddressRefused("No address was given", "type an e-mail address", reason="empty")
    _refuse_tricks(typed)
    return _parse_plain(typed)


def _refuse_tricks(typed: str) -> None:
    """Refuse what may be an address by the letter, and is an accident or an attack all the same."""
    if has_hidden(typed) or _BLANK.search(typed):
        raise AddressRefused(
            "The address holds control, direction or blank characters",
            "type it by hand",
            reason="control",
        )
    if len(typed) > MAX_LENGTH:
        raise _too_long()
    if _ENCODED.search(typed.rpartition("@")[0]):
        raise AddressRefused(
            "The address holds an encoded line break or word",
            "type it as it is read aloud",
            reason="encoded",
        )
    if typed.startswith("-"):
        # Postfix refuses such recipients (allow_min_user): programs would take them for an option.
        raise AddressRefused(
            f"“{typed}” begins with a hyphen, which most mail servers refuse",
            "check its beginning, or use another address",
            reason="dash",
        )


def _parse_plain(typed: str) -> Address | None:
    """The common form, in a twentieth of the time; None where the full reading has to decide.

    It never accepts what the full reading would refuse, nor gives another mailbox: a property test
    holds the two against each other.
    """
    found = _PLAIN.fullmatch(typed)
    if found is None:
        return None
    local, domain = found[1], found[2].lower()
    if len(local) > MAX_LOCAL:
        return None
    if "--" in domain or not domain[-1].isalpha() or domain.rpartition(".")[2] in _RESERVED:
        return None
    if local != local.lower() and "." not in local:
        return None  # RFC 2142 mailboxes (“Postmaster”) are the same in any case
    mailbox = f"{local}@{domain}"
    return Address(typed=typed, mailbox=mailbox, lookup=mailbox.lower())


def _parse_visible(typed: str, *, smtputf8: bool = False) -> Address:
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
    mailbox = f"{found.local_part}@{found.ascii_domain}"
    if found.smtputf8 and not smtputf8:
        raise AddressRefused(
            f"“{typed}” has letters before the @ that most mail servers cannot take",
            "use an address with plain letters before the @",
            reason="nonascii",
        )
    if len(mailbox.encode()) > MAX_LENGTH or len(found.local_part.encode()) > MAX_LOCAL:
        raise _too_long()
    return Address(typed=typed, mailbox=mailbox, lookup=mailbox.lower())


def _too_long() -> AddressRefused:
    return AddressRefused(
        f"The address is longer than {MAX_LENGTH} octets, or {MAX_LOCAL} before the @",
        "check that only one address is there",
        reason="long",
    )


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
