"""Only what everybody can reach is fetched, however its number is dressed."""

import pytest

from mailer.core.reach import refusal


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "193.163.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_what_is_everybodys_is_fetched(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1",
        "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
        "2002:c0a8:101::", "::127.0.0.1", "240.0.0.1", "192.0.2.7", "198.18.0.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_ours_is_fetched_only_where_that_is_allowed(address: str) -> None:
    assert refusal(address)
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "169.254.1.1", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1",
        "0.0.0.0", "::", "nonsense", "",
    ],
)  # fmt: skip
def test_some_is_never_fetched(address: str) -> None:
    assert refusal(address)
    assert refusal(address, allow_private=True)
