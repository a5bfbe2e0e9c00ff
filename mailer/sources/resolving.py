"""Turns an address of the web into the machines that it may be fetched from, each checked by its number.

A name is resolved once and the connection goes to the number that was checked: a name that means another
machine a moment later (DNS rebinding) leads nowhere.
"""

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from mailer.core.reach import refusal

MAX_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Target:
    """Where an address leads.

    Attributes:
        host: as it is written, for Host and certificate.
        addresses: numbers that were checked; never empty.
    """

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """As the Host field has it (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What tells servers apart (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port


class Unreachable(Exception):
    """It leads nowhere that we go; the text is what, and `cure` what to do."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Where an address leads.

    Raises:
        Unreachable: no web address, nobody of that name, or only machines that we do not fetch from.
    """
    scheme, host, port = _parts(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(
            f"{host} is not known to the name service", "check the address, or try again later"
        ) from error
    numbers = list(dict.fromkeys(str(each[4][0]) for each in found))
    refused = {number: refusal(number, allow_private=allow_private) for number in numbers}
    allowed = [number for number, words in refused.items() if words is None]
    if not allowed:
        number, words = next(iter(refused.items()), (host, "is no address"))
        cure = "if it is meant, say allow_private = true of the source"
        place = host if host == number else f"{host} is {number}, which"
        raise Unreachable(f"{place} {words}: it is not fetched", cure)
    return Target(scheme, host, port, tuple(allowed[:MAX_ADDRESSES]))


def _parts(url: str) -> tuple[str, str, int]:
    cure = "an address begins with https:// or http://"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unreachable(f"“{url[:100]}” is not a web address", cure) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unreachable(f"“{url[:100]}” is not a web address", cure)
    if "@" in parts.netloc:
        raise Unreachable("The address holds a name or password", "leave them out")
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError as error:
        raise Unreachable(f"“{parts.hostname[:100]}” is no name of a machine", cure) from error
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


def joined(url: str, reference: str) -> str:
    """The address that a reference in an answer from `url` means (RFC 3986 section 5).

    Raises:
        Unreachable: it means none.
    """
    try:
        return urljoin(url, reference.strip())
    except ValueError as error:
        cure = "its server has a fault; tell those who run it"
        raise Unreachable(f"{url} leads to “{reference[:100]}”, no web address", cure) from error
