"""Whom a sign-up counts against: one mailbox whatever its spelling, one network whatever its host."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.address import parse_address
from mailer.core.limits import Kind, Limit, SignupTerms, canonical, pace_limit, surge_limit
from mailer.core.limits import volume_limits as limits_of

ALL = SignupTerms(1, 2, 3, 4, 5, 6, 7, 8, surge=9, unproved=2)
ANNA = parse_address("Anna.Jensen+press@Gmail.com")


@pytest.mark.parametrize(
    ("lookup", "mailbox"),
    [
        ("anna@example.org", "anna@example.org"),
        ("anna+a@example.org", "anna@example.org"),
        ("anna+a+b@example.org", "anna@example.org"),
        ("an.na@example.org", "an.na@example.org"),
        ("a.n.n.a+x@gmail.com", "anna@gmail.com"),
        ("anna@googlemail.com", "anna@gmail.com"),
        ("an.na-x_y@protonmail.com", "annaxy@proton.me"),
        ("an_na@pm.me", "anna@proton.me"),
        ("an-na@gmail.com", "an-na@gmail.com"),
        ("+all@example.org", "+all@example.org"),
        ("-_-@pm.me", "-_-@proton.me"),
    ],
)
def test_one_mailbox_has_one_canonical_form(lookup: str, mailbox: str) -> None:
    assert canonical(lookup) == mailbox
    assert canonical(mailbox) == mailbox


@given(st.from_regex(r"[a-z.+_-]{1,12}", fullmatch=True), st.sampled_from(["gmail.com", "x.org"]))
def test_a_canonical_form_is_its_own(local: str, domain: str) -> None:
    once = canonical(f"{local}@{domain}")
    assert canonical(once) == once or once.startswith("+")
    assert once.partition("@")[0]


def counted(ip: str | None) -> dict[str, tuple[str, int]]:
    return {limit.kind: (limit.name, limit.count) for limit in limits_of(ALL, ANNA, ip)}


def test_a_sign_up_counts_against_everybody_it_concerns() -> None:
    found = counted("192.0.2.7")
    assert found == {
        "address": ("anna.jensen+press@gmail.com", 1),
        "mailbox": ("annajensen@gmail.com", 2),
        "ipv4": ("c0000207", 3),
        "ipv4_24": ("c00002", 4),
        "domain": ("gmail.com/0", 7),
        "overall": ("/0", 8),
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.200", {"ipv4_24"}),
        ("192.0.2.7", "192.0.3.7", set()),
        ("192.0.2.7", "::ffff:192.0.2.7", {"ipv4", "ipv4_24"}),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", {"ipv6_64", "ipv6_48"}),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", {"ipv6_48"}),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", set()),
    ],
)
def test_networks_are_told_apart_by_their_prefix(one: str, other: str, same: set[str]) -> None:
    networks = {"ipv4", "ipv4_24", "ipv6_64", "ipv6_48"}
    first, second = counted(one), counted(other)
    assert {
        kind for kind in networks & first.keys() & second.keys() if first[kind] == second[kind]
    } == same


@pytest.mark.parametrize("ip", [None, "", "testclient", "unix:", "300.0.0.1", "fe80::1%eth0"])
def test_what_is_no_address_counts_against_no_network(ip: str | None) -> None:
    wanted = {"address", "mailbox", "domain", "overall"}
    assert set(counted(ip)) - {"ipv6_64", "ipv6_48"} == wanted


def test_a_count_of_nought_is_no_limit() -> None:
    assert limits_of(SignupTerms(), ANNA, "192.0.2.7") == []


def test_a_large_limit_is_spread_and_loses_nothing() -> None:
    names: dict[str, int] = {}
    for number in range(2000):
        address = parse_address(f"reader{number}@example.org")
        (limit,) = limits_of(SignupTerms(overall_an_hour=3000), address, None)
        names[limit.name] = limit.count
    assert len(names) == 16
    assert 3000 <= sum(names.values()) < 3016


def test_the_pace_of_a_mailbox_is_the_same_for_every_spelling() -> None:
    ten = timedelta(minutes=10)
    plain = pace_limit(parse_address("annajensen@googlemail.com"), ten)
    assert plain == pace_limit(ANNA, ten)
    assert plain.period / plain.count == ten


def test_browsers_that_did_their_work_explode_by_themselves() -> None:
    always = SignupTerms(surge=9, unproved=2, proof="always")
    assert surge_limit(ALL, ANNA, proved=False) == Limit(Kind.SURGE, "plain/0", 9, ALL.calm)
    assert surge_limit(always, ANNA, proved=False).count == 2
    assert surge_limit(always, ANNA, proved=True) == Limit(Kind.SURGE, "proved/0", 9, ALL.calm)
