"""The kinds of text a setting can be: each check says what is wrong and the cure, or nothing.

A kind rides on a field's type (`Annotated[str, Kind(...)]`), so that one bad value never hides
another.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from mailer.config.secret import DatabaseUrl, Pem, Secret, Token
from mailer.core.address import MAX_LENGTH, has_hidden
from mailer.core.pace import EVERY_OTHER

RESERVED_KEYS = frozenset(
    "api confirm desk healthz leave manage metrics readyz rejoin static websub".split()  # noqa: SIM905 - short
)
"""First words of the site's own pages, which no newsroom may take."""

MIN_KEY_BYTES = 16
MAX_RETURN_LOCAL = 34  # RFC 5321 section 4.5.3.1.1 grants 64; number and mark take 30
SOCKET_FILE = "unix:"

_NEWSROOM_KEY = re.compile(r"[a-z][a-z0-9-]{0,63}")
_LANGUAGE = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_SELECTOR = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text must be.

    Attributes:
        fault: gives "what is wrong; cure" for a text, None for a good one.
        example: a good value as TOML, for the cure of a missing key.
    """

    fault: Callable[[str], str | None]
    example: str


def shown(text: str) -> str:
    """A value in quotes for a fault, short and without what a terminal would obey."""
    visible = "".join(
        "\N{REPLACEMENT CHARACTER}" if has_hidden(letter) else letter for letter in text
    )
    return f"“{visible if len(visible) <= 60 else visible[:57] + '...'}”"


def is_loopback(host: str) -> bool:
    """Whether a connection to `host` stays on this machine."""
    if host.lower() == "localhost" or host.startswith(SOCKET_FILE):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def newsroom_key_fault(text: str) -> str | None:
    """A newsroom's key is the first word of its pages' addresses."""
    if text in RESERVED_KEYS:
        return "is a page of the site itself; choose another key"
    if not _NEWSROOM_KEY.fullmatch(text):
        return "is no key; use small letters, digits and hyphens, a letter first, 64 at most"
    return None


def topic_key_fault(text: str) -> str | None:
    """A topic's key is what releases name it by."""
    if not _NEWSROOM_KEY.fullmatch(text):
        return "is no key; use small letters, digits and hyphens, a letter first, 64 at most"
    return None


def mail_address_fault(text: str) -> str | None:
    """Plausible; the full validator would cost more than a tick of cron may take."""
    local, at, domain = text.rpartition("@")
    cure = "write it plainly, such as press@example.org, without a name"
    if not at or len(text) > MAX_LENGTH or len(local) > 64 or not _LOCAL.fullmatch(local):
        return f"{shown(text)} is not an e-mail address; {cure}"
    if not domain.isascii():
        return f"{shown(text)} has a domain outside ASCII; write the domain in its xn-- form"
    if not _HOST.fullmatch(domain) or ("." not in domain and domain != "localhost"):
        return f"{shown(text)} is not an e-mail address: its domain is none; {cure}"
    return None


def base_url_fault(text: str) -> str | None:
    """Every link in every mail begins with it."""
    cure = "write it like https://press.example.org"
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"is not a web address; {cure}"
    if "@" in parts.netloc:
        return f"holds a user name or password, which every reader would see; {cure}"
    wrong = []
    if "?" in text or "#" in text:
        wrong.append("has a query or fragment")
    if parts.path.endswith("/"):
        wrong.append("ends in a slash")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        wrong.append("is not encrypted (http is for this machine alone)")
    if not wrong:
        return None
    scheme = "http" if is_loopback(parts.hostname) else "https"
    right = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return f"{shown(text)} {' and '.join(wrong)}; write {right}"


def web_link_fault(text: str) -> str | None:
    """A page that a form or mail links to; empty for none."""
    if not text:
        return None
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{shown(text)} is not a web address; write it like https://example.org/privacy"
    return None


def _split(text: str) -> SplitResult | None:
    if has_hidden(text) or " " in text or not text.isascii():
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port  # read for its check: a port that is no number raises here alone
    except ValueError:
        return None
    return parts


def database_url_fault(text: str) -> str | None:
    """Never quotes the address: it may hold a password."""
    scheme, separator, rest = text.partition("://")
    cure = "write it like sqlite:///mailer.sqlite or postgresql://user@host/name"
    if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        return f"names no database we speak to; {cure}"
    if scheme.startswith("sqlite") and rest in {"", "/", "/:memory:"}:
        return f"names a database in memory, which is gone when a command ends; {cure}"
    return None


def language_fault(text: str) -> str | None:
    """A well-formed language tag (RFC 5646 section 2.1, without extensions)."""
    if _LANGUAGE.fullmatch(text):
        return None
    return f"{shown(text)} is not a language tag; write it like da, en or pt-BR"


def time_zone_fault(text: str) -> str | None:
    """A zone that this machine's time zone database knows."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - read lazily

    try:
        ZoneInfo(text)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # a folder's name, such as Europe, is OSError
        return f"{shown(text)} is not a known time zone; {_nearest_zone(text)}"
    return None


def _nearest_zone(text: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only on a fault
    from zoneinfo import available_timezones  # noqa: PLC0415 - walks the whole zone folder

    zones = available_timezones()
    if not zones:
        return "this machine has no time zones at all: install the package tzdata"
    near = get_close_matches(text, zones, n=1)
    return f"did you mean {near[0]}?" if near else "write it like Europe/Copenhagen"


def one_line_fault(text: str) -> str | None:
    """A text that readers see in one line."""
    if not text.strip():
        return "is empty; write what readers shall see"
    if has_hidden(text):
        return f"{shown(text)} holds control or direction characters; type it by hand"
    return None


def lines_fault(text: str) -> str | None:
    """A text of one line or more; may be empty."""
    if any(has_hidden(line) for line in text.split("\n")):
        return f"{shown(text)} holds control or direction characters; type it by hand"
    return None


def colour_fault(text: str) -> str | None:
    """A colour as style sheets write it."""
    if _COLOUR.fullmatch(text):
        return None
    return f"{shown(text)} is not a colour; write it like #0b4f8a"


def relay_host_fault(text: str) -> str | None:
    """A machine, or a socket file on this one."""
    if not text.startswith(SOCKET_FILE):
        return host_fault(text)
    if text.startswith(f"{SOCKET_FILE}/") and not has_hidden(text):
        return None
    return f"{shown(text)} has no absolute path; write it like unix:/run/relay.sock"


def host_fault(text: str) -> str | None:
    """A machine's name or number."""
    try:
        ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text):
            return f"{shown(text)} is not a host; write its name or number alone, without a port"
    return None


def domain_fault(text: str) -> str | None:
    """A domain that the DNS may know."""
    if _HOST.fullmatch(text) and "." in text:
        return None
    return f"{shown(text)} is not a domain; write it like example.org, in its xn-- form"


def domain_key_fault(text: str) -> str | None:
    """What is set for a domain has its name as key, in its one spelling, or that of all others."""
    if text == EVERY_OTHER:
        return None
    if domain_fault(text) is not None:
        cure = f'write the section [domain."example.org"], with quotes, or [domain."{EVERY_OTHER}"]'
        return f"{shown(text)} is not a domain; {cure}"
    return None if text == text.lower() else f"is written with capitals; write {text.lower()}"


def selector_fault(text: str) -> str | None:
    """A selector (RFC 6376 section 3.1) in its one spelling: the DNS does not tell capitals apart."""
    if _SELECTOR.fullmatch(text):
        return None
    cure = "use small letters, digits and hyphens, such as rsa-202603"
    return f"{shown(text)} is not a selector; {cure}"


def dkim_key_fault(text: str) -> str | None:
    """A private key that can sign DKIM. Never quotes it."""
    from mailer.core.dkim import read_key  # noqa: PLC0415 - only who signs needs it

    try:
        read_key(text)
    except ValueError as error:
        return str(error)
    return None


def key_fault(text: str) -> str | None:
    """A key that cannot be guessed. Counts, never quotes."""
    length = len(text.encode())
    if length >= MIN_KEY_BYTES:
        return None
    return f"has {length} bytes, too few to be safe; use {MIN_KEY_BYTES} random bytes or more"


def filled_fault(text: str) -> str | None:
    """A secret of any length but none."""
    return None if text else "is empty; write it, or leave the key out"


BaseUrl = Annotated[str, Kind(base_url_fault, '"https://press.example.org"')]
WebLink = Annotated[str, Kind(web_link_fault, '"https://example.org/privacy"')]
MailAddress = Annotated[str, Kind(mail_address_fault, '"press@example.org"')]
Language = Annotated[str, Kind(language_fault, '"en"')]
TimeZone = Annotated[str, Kind(time_zone_fault, '"Europe/Copenhagen"')]
OneLine = Annotated[str, Kind(one_line_fault, '"Press office"')]
Lines = Annotated[str, Kind(lines_fault, '""')]
Colour = Annotated[str, Kind(colour_fault, '"#0b4f8a"')]
Host = Annotated[str, Kind(host_fault, '"127.0.0.1"')]
RelayHost = Annotated[str, Kind(relay_host_fault, '"127.0.0.1"')]
Key = Annotated[Secret, Kind(key_fault, '{ file = "keys/NAME" }')]
TopicKey = Annotated[str, Kind(topic_key_fault, '"climate"')]
NewsroomKey = Annotated[str, Kind(newsroom_key_fault, '"press"')]
DomainKey = Annotated[str, Kind(domain_key_fault, '"example.org"')]
Domain = Annotated[str, Kind(domain_fault, '"example.org"')]
Selector = Annotated[str, Kind(selector_fault, '"rsa-202603"')]
DkimPem = Annotated[Pem, Kind(dkim_key_fault, '{ file = "keys/dkim.pem" }')]
Password = Annotated[Secret, Kind(filled_fault, '{ file = "keys/relay" }')]
AccessToken = Annotated[Token, Kind(filled_fault, '{ file = "keys/relay-token" }')]
DatabasePlace = Annotated[DatabaseUrl, Kind(database_url_fault, '"sqlite:///mailer.sqlite"')]
