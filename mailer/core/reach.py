"""Says which addresses of the net we may fetch from: those of everybody, never what only we can reach.

A feed, a redirect or a name in the DNS could lead us to our own machines, or to the service that hands a
cloud machine its secrets. So each address is looked at after its name was resolved, and what it carries
inside (IPv4 within IPv6) too.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

# Where cloud providers tell a machine its secrets, whatever the address looks like otherwise.
_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)
_SHARED = ip_network("100.64.0.0/10")  # RFC 6598: between a provider and its customers
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, deprecated


def refusal(address: str, *, allow_private: bool = False) -> str | None:
    """Why we do not fetch from an address, in words; None where we do.

    Args:
        address: a number, as the resolver gave it; a zone (`%eth0`) may follow.
        allow_private: what lies within the own net is allowed: never metadata, link-local or multicast.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "is no address"
    return _refused(_inner(found), allow_private)


def _inner(found: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that packets would go to in the end."""
    if isinstance(found, IPv4Address):
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    if found.sixtofour is not None:
        return found.sixtofour
    if found.teredo is not None:
        return found.teredo[1]
    if found in _NAT64 or (found in _COMPATIBLE and int(found) > 1):
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _refused(found: IPv4Address | IPv6Address, allow_private: bool) -> str | None:
    never = (
        (found in _METADATA, "is where a cloud machine is told its secrets"),
        (found.is_unspecified, "is nobody's"),
        (found.is_multicast, "is many machines' at once"),
        (found.is_link_local, "is this net segment's alone"),
    )
    private = (
        (found.is_loopback, "is this machine itself"),
        (isinstance(found, IPv4Address) and found in _SHARED, "is a provider's inner net"),
        (found.is_private or found.is_reserved or not found.is_global, "is of a private net"),
    )
    checks = never if allow_private else (*never, *private)
    return next((words for wrong, words in checks if wrong), None)
