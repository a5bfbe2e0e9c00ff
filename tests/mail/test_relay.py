"""A relay that would leak cannot be described by accident."""

import contextlib
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.core.errors import ConfigFault
from mailer.mail.relay import Relay, Timeouts, is_local

GOOD = Relay("main", "smtp.example.org", 587, username="press", password="hush-hush")


def test_secrets_are_never_shown() -> None:
    assert "hush-hush" not in repr(GOOD)
    assert "token" not in repr(replace(GOOD, password="", token=lambda: "hush-hush"))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "unix:/run/smtp"]
)
def test_plain_is_for_this_machine(host: str) -> None:
    assert is_local(host)
    assert Relay("main", host, 25, security="none").security == "none"


@pytest.mark.parametrize("host", ["smtp.example.org", "10.0.0.1", "localhost.example.org", "::2"])
def test_plain_over_a_network_must_be_meant(host: str) -> None:
    with pytest.raises(ConfigFault, match="insecure = true"):
        Relay("main", host, 25, security="none")
    assert Relay("main", host, 25, security="none", insecure=True).insecure


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"host": ""}, "host: "),
        ({"host": "smtp.example.org\r\nX"}, "host: "),
        ({"host": "x" * 64 + ".example"}, "host: "),
        ({"host": "unix:relative", "security": "none"}, "host: "),
        ({"host": "unix:/run/smtp"}, "security: "),
        ({"port": 0}, "port: "),
        ({"port": 65536}, "port: "),
        ({"security": "opportunistic"}, "security: "),
        ({"host": "localhost", "security": "none", "ca_file": Path("ca.pem")}, "security: "),
        ({"password": ""}, "password: "),
        ({"username": ""}, "password: "),
        ({"helo": "press office"}, "helo: "),
        ({"connections": 0}, "connections: "),
        ({"messages_per_connection": 0}, "messages_per_connection: "),
        ({"connection_seconds": 0}, "connection_seconds: "),
        ({"connection_seconds": math.inf}, "connection_seconds: "),
        ({"messages_per_second": -0.5}, "messages_per_second: "),
        ({"messages_per_second": math.nan}, "messages_per_second: "),
        ({"order": 0}, "order: "),
        ({"weight": 0}, "weight: "),
        ({"auth": "gssapi"}, "auth: "),
        ({"auth": "xoauth2"}, "auth: xoauth2 takes a token, not a password"),
        ({"auth": "plain", "password": "", "token": str}, "auth: plain takes a password, not"),
        ({"auth": "plain", "password": "", "username": ""}, "auth: plain needs somebody"),
        ({"token": str}, "password: "),
        ({"token": str, "password": "", "username": ""}, "password: "),
        ({"timeouts": Timeouts(mail=0)}, "timeouts: mail"),
    ],
)
def test_every_fault_names_its_key(change: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        replace(GOOD, **change)  # type: ignore[arg-type]  # wrong on purpose
    (only,) = caught.value.faults
    assert only.startswith(fault)
    assert "relay main" in str(caught.value)


@pytest.mark.parametrize(
    ("terms", "fit"),
    [
        ({}, True),
        ({"auth": "cram-md5"}, True),
        ({"auth": "plain"}, False),
        ({"auth": "login"}, False),
        ({"password": "", "token": str}, False),
        ({"username": "", "password": ""}, True),
        ({"auth": "plain", "security": "starttls"}, True),
        ({"auth": "plain", "host": "localhost"}, True),
    ],
)
def test_a_login_is_never_for_others_to_read(terms: dict[str, object], fit: bool) -> None:
    known: dict[str, object] = {"security": "none", "insecure": True} | terms
    with (
        contextlib.nullcontext()
        if fit
        else pytest.raises(ConfigFault, match="auth: the login would be for")
    ):
        replace(GOOD, **known)  # type: ignore[arg-type]  # of many kinds


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigFault) as caught:
        Relay("main", "", 0, password="hush-hush")
    assert len(caught.value.faults) == 3
    assert "hush-hush" not in str(caught.value)


def test_a_place_reads_well() -> None:
    assert GOOD.place == "smtp.example.org:587"
    assert Relay("six", "::1", 25, security="none").place == "[::1]:25"
    assert Relay("file", "unix:/run/smtp", security="none").place == "unix:/run/smtp"
