"""Tells whose request it is behind proxies: the right-most address that no trusted proxy vouches for.

Each proxy adds at the right whom it was talking to. So the list is read from the right, beginning
with whom we talk to ourselves; the first who is not one of our own proxies is the client, and what
stands further left is anybody's invention. What cannot be read ends the reading: the client is
then the last proxy that made sense. Only the header that the operator named is read, for a proxy that
writes one of them passes the other on as it came.

Sources: RFC 7239 (Forwarded) and the usage of X-Forwarded-For.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

ProxyHeader = Literal["x-forwarded-for", "forwarded"]

_MOST_HOPS = 20
_MOST_LETTERS = 4096
_PAIR = re.compile(r"""\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*""")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")


class Proxies:
    """The proxies whose word about their clients is believed.

    Args:
        networks: such as "10.0.0.0/8" or "127.0.0.1".
        header: the one that they write.

    Raises:
        ValueError: a network is none.
    """

    def __init__(self, networks: Iterable[str], header: ProxyHeader = "x-forwarded-for") -> None:
        self.header = header
        self._networks = tuple(ip_network(each, strict=False) for each in networks)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._networks)

    def client(self, peer: str, sent: Sequence[str]) -> str:
        """The client's address.

        Args:
            peer: whom we talk to; comes back as it is where it is no trusted proxy.
            sent: the values of the header, in their order.
        """
        nearest = _address(peer)
        if nearest is None or not self._trusts(nearest):
            return peer
        for hop in self._hops(sent):
            found = _address(hop)
            if found is None:
                break
            nearest = found
            if not self._trusts(found):
                break
        return str(nearest)

    def _hops(self, sent: Sequence[str]) -> list[str]:
        """What the proxies say, the nearest first."""
        whole = ",".join(sent)[-_MOST_LETTERS:]
        split = _forwarded if self.header == "forwarded" else _listed
        return split(whole)[::-1][:_MOST_HOPS]

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(
            address in network for network in self._networks if network.version == address.version
        )


def network_fault(text: str) -> str | None:
    """What is wrong with a network in the settings, and the cure; None for a good one."""
    cure = "write it like 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32"
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return f"is not an address or a network; {cure}"
    if network.prefixlen == 0:
        return f"trusts the whole world, so that everybody could pretend to be anybody; {cure}"
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        return "is an IPv4 network in disguise; write it in its plain form"
    return None


def _listed(whole: str) -> list[str]:
    return [part.strip() for part in whole.split(",")]


def _forwarded(whole: str) -> list[str]:
    """The `for` of each element; an element that cannot be read, or has none, gives an empty text."""
    elements, quoted = [""], False
    for letter in whole:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            elements.append("")
        else:
            elements[-1] += letter
    return [_for(element) for element in elements]


def _for(element: str) -> str:
    found = ""
    for part in element.split(";"):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            return ""
        if pair[1].lower() == "for":
            if found:
                return ""
            found = pair[2].strip('"')
    return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; an IPv4 address in IPv6's clothes is the IPv4 address."""
    ported = _WITH_PORT.fullmatch(text)
    bare = (ported[1] or ported[2]) if ported else text
    if "%" in bare:
        return None  # a zone says something on its own machine alone
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
