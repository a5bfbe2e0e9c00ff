"""What bounds sign-ups: whom a sign-up counts against, and how much each of them may take.

Every limit is a leaky bucket (the "generic cell rate algorithm"): a bucket holds a period, a sign-up
pours in its share of it (the period divided by the count), and time lets it out again. So one moment
says all there is to know of a bucket: when it will be empty. A bucket that is empty need not be kept,
and one that takes a single drop leaves exactly its period between two of them.

    level after a drop = max(empty at, now) + share - now;  it fits where that is at most the period

All that can say who somebody is becomes a keyed hash before it is kept (`services.gate`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from mailer.core.address import Address

ProofMode = Literal["off", "under_attack", "always"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MAILS_WAITING = 2
"""Sign-up mails to one mailbox that may wait for their turn; who subscribes to three newsrooms gets three."""

_WITHOUT_DOTS = {
    "gmail.com": (".", "gmail.com"),
    "googlemail.com": (".", "gmail.com"),
    "pm.me": ("._-", "proton.me"),
    "proton.me": ("._-", "proton.me"),
    "protonmail.com": ("._-", "proton.me"),
}
"""Providers that pass over some characters of a local part, and the one name for all their names."""

_MOST_SHARDS = 16
_WORTH_A_SHARD = 50


class Kind(StrEnum):
    """What a bucket counts."""

    ADDRESS = "address"
    MAILBOX = "mailbox"
    IPV4 = "ipv4"
    IPV4_24 = "ipv4_24"
    IPV6_64 = "ipv6_64"
    IPV6_48 = "ipv6_48"
    DOMAIN = "domain"
    OVERALL = "overall"
    PACE = "pace"
    SURGE = "surge"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class SignupTerms:
    """What an operator lets visitors do; a count of 0 sets no limit.

    Attributes:
        address_a_day: sign-ups of one address, as it finds its subscriber.
        mailbox_a_day: sign-ups of all addresses that one mailbox has (`canonical`).
        ipv4_an_hour, ipv4_24_an_hour, ipv6_64_an_hour, ipv6_48_an_hour: from one client or network.
        domain_an_hour: for addresses of one domain.
        overall_an_hour: of everybody together.
        surge: sign-ups within `calm`; more of them is an explosion, and mails are held.
        unproved: the same for those without proof of work, while it is asked for always.
        calm: how long it must be quiet until an explosion is over.
        form_min_age, form_max_age: between the form's coming and its going.
        proof: when visitors' browsers are asked for work.
        effort: how many tries that work takes at most.
        answer_after: a sign-up is answered after so long or a multiple of it, so that answers take the same
            time.
        smtputf8: the relays take local parts beyond ASCII (RFC 6531).
    """

    address_a_day: int = 0
    mailbox_a_day: int = 0
    ipv4_an_hour: int = 0
    ipv4_24_an_hour: int = 0
    ipv6_64_an_hour: int = 0
    ipv6_48_an_hour: int = 0
    domain_an_hour: int = 0
    overall_an_hour: int = 0
    surge: int = 0
    unproved: int = 0
    calm: timedelta = timedelta(minutes=10)
    form_min_age: timedelta = timedelta(seconds=2)
    form_max_age: timedelta = timedelta(hours=24)
    proof: ProofMode = "off"
    effort: int = 50_000
    answer_after: timedelta = timedelta(0)
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """One bucket that a sign-up pours into.

    Attributes:
        name: whom it counts, in the clear.
        count: how many drops fill it.
        period: how long a full one takes to run empty.
    """

    kind: Kind
    name: str
    count: int
    period: timedelta


def canonical(lookup: str) -> str:
    """The mailbox behind an address, for limits alone: no tag, and no dots where the provider ignores them.

    It may hold two people of a small provider for one, so no subscription ever depends on it.
    """
    local, _, domain = lookup.rpartition("@")
    bare = local.partition("+")[0] or local
    ignored, home = _WITHOUT_DOTS.get(domain, ("", domain))
    kept = "".join(letter for letter in bare if letter not in ignored) if ignored else bare
    return f"{kept or bare}@{home}"


def volume_limits(terms: SignupTerms, address: Address, ip: str | None) -> list[Limit]:
    """Everything that a visitor's sign-up counts against; those that the operator set.

    Args:
        ip: the client's address; what is none counts against no network.
    """
    mailbox = canonical(address.lookup)
    limits = [
        Limit(Kind.ADDRESS, address.lookup, terms.address_a_day, DAY),
        Limit(Kind.MAILBOX, mailbox, terms.mailbox_a_day, DAY),
        *_networks(terms, ip),
        _spread(Limit(Kind.DOMAIN, address.domain, terms.domain_an_hour, HOUR), mailbox),
        _spread(Limit(Kind.OVERALL, "", terms.overall_an_hour, HOUR), mailbox),
    ]
    return [limit for limit in limits if limit.count > 0]


def pace_limit(address: Address, interval: timedelta) -> Limit:
    """One mail to a mailbox at a time, `interval` apart, a few waiting for their turn."""
    waiting = MAILS_WAITING + 1
    return Limit(Kind.PACE, canonical(address.lookup), waiting, waiting * interval)


def surge_limit(terms: SignupTerms, address: Address, *, proved: bool) -> Limit:
    """What an explosion is told by; those who did the work that was asked of them count by themselves."""
    strict = terms.proof == "always" and not proved
    lane = surge_lane(proved=proved)
    count = terms.unproved if strict else terms.surge
    return _spread(Limit(Kind.SURGE, lane, count, terms.calm), canonical(address.lookup))


def surge_lane(*, proved: bool) -> str:
    """By whom sign-ups are counted that may explode."""
    return "proved" if proved else "plain"


def _networks(terms: SignupTerms, ip: str | None) -> Iterator[Limit]:
    try:
        found = ip_address(ip or "")
    except ValueError:
        return
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    number = int(found)
    if isinstance(found, IPv4Address):
        yield Limit(Kind.IPV4, f"{number:x}", terms.ipv4_an_hour, HOUR)
        yield Limit(Kind.IPV4_24, f"{number >> 8:x}", terms.ipv4_24_an_hour, HOUR)
    else:
        yield Limit(Kind.IPV6_64, f"{number >> 64:x}", terms.ipv6_64_an_hour, HOUR)
        yield Limit(Kind.IPV6_48, f"{number >> 80:x}", terms.ipv6_48_an_hour, HOUR)


def _spread(limit: Limit, by: str) -> Limit:
    """A large limit over several buckets, so that sign-ups of many do not queue up for one row.

    Each takes its part; chance fills one of them a little before the others.
    """
    shards = max(1, min(_MOST_SHARDS, limit.count // _WORTH_A_SHARD))
    shard = sum(by.encode()) % shards
    return Limit(limit.kind, f"{limit.name}/{shard}", -(-limit.count // shards), limit.period)
