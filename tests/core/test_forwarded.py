"""Behind proxies the client is the right-most address that no trusted proxy vouches for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.forwarded import Proxies, network_fault

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "sent", "client"),
    [
        ("198.51.100.9", ["203.0.113.5"], "198.51.100.9"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["1.1.1.1, 203.0.113.5, 10.1.2.3"], "203.0.113.5"),
        ("127.0.0.1", ["1.1.1.1", "203.0.113.5", "10.1.2.3"], "203.0.113.5"),
        ("127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        ("::1", ["203.0.113.5"], "::1"),
        ("2001:db8::7", ["2a00::1"], "2a00::1"),
        ("::ffff:127.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"),
        ("127.0.0.1", ["[2a00::1]:4711"], "2a00::1"),
        ("127.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.5, nonsense, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["203.0.113.5,"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["fe80::1%eth0"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.5\r\nX: y"], "127.0.0.1"),
        ("127.0.0.1", ["1.1.1.1, " * 100_000 + "203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["10.0.0.1, " * 100_000], "127.0.0.1"),
        ("testclient", ["203.0.113.5"], "testclient"),
        ("", ["203.0.113.5"], ""),
    ],
)
def test_x_forwarded_for(peer: str, sent: list[str], client: str) -> None:
    assert Proxies(TRUSTED).client(peer, sent) == client


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        (["for=203.0.113.5"], "203.0.113.5"),
        (["For=203.0.113.5;proto=https;by=10.0.0.1"], "203.0.113.5"),
        (['for="[2a00::1]:4711"'], "2a00::1"),
        (['for=1.1.1.1, for="[2a00::1]", for=10.1.2.3'], "2a00::1"),
        (["for=203.0.113.5, for=10.1.2.3;host=a"], "203.0.113.5"),
        (["for=_hidden"], "127.0.0.1"),
        (["for=unknown, for=10.1.2.3"], "10.1.2.3"),
        (["proto=https"], "127.0.0.1"),
        (["for=1.1.1.1;for=2.2.2.2"], "127.0.0.1"),
        (['for="1.1.1.1'], "127.0.0.1"),
        (['for="', "for=203.0.113.5"], "127.0.0.1"),
        (['for="', 'for="[2a00::1]"'], "127.0.0.1"),
        (['for="1.1.1.1, for=203.0.113.5"'], "127.0.0.1"),
        (["203.0.113.5"], "127.0.0.1"),
        ([";;;,,,"], "127.0.0.1"),
    ],
)
def test_forwarded(sent: list[str], client: str) -> None:
    assert Proxies(TRUSTED, "forwarded").client("127.0.0.1", sent) == client


@given(
    st.lists(st.text(max_size=60), max_size=4), st.sampled_from(["x-forwarded-for", "forwarded"])
)
def test_whatever_is_sent_a_stranger_is_himself(sent: list[str], header: str) -> None:
    proxies = Proxies(TRUSTED, "forwarded" if header == "forwarded" else "x-forwarded-for")
    assert proxies.client("198.51.100.9", sent) == "198.51.100.9"


@given(st.lists(st.text(max_size=60), max_size=4))
def test_what_a_client_makes_up_never_stands_in_for_him(made_up: list[str]) -> None:
    assert Proxies(TRUSTED).client("127.0.0.1", [*made_up, "203.0.113.5"]) == "203.0.113.5"


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.0/8", None),
        ("10.1.2.3/8", None),
        ("::1", None),
        ("0.0.0.0/0", "whole world"),
        ("::/0", "whole world"),
        ("::ffff:10.0.0.0/104", "disguise"),
        ("proxy.example", "not an address"),
        ("10.0.0.0/40", "not an address"),
    ],
)
def test_a_network_in_the_settings_is_one(network: str, words: str | None) -> None:
    fault = network_fault(network)
    assert fault is None if words is None else fault is not None and words in fault
