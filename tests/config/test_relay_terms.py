"""A relay's terms: what goes together, and what nobody may set by accident."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.config import Settings, load
from mailer.config.agreement import relay_agrees
from mailer.config.secret import Token
from mailer.core.errors import ConfigFault
from mailer.mail.transport import RelayMissing
from mailer.wiring import transports

OVERHEARD = {"host": "postfix", "security": "none", "insecure": True}
LOGIN = {"host": "mail.example.org", "security": "starttls", "username": "um"}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"host": "mail.example.org", "security": "none"}, "security"),
        ({"host": "mail.example.org", "security": "tls", "ca_file": Path("/nowhere")}, "ca_file"),
        ({"host": "127.0.0.1", "security": "none", "ca_file": Path(__file__)}, "ca_file"),
        (OVERHEARD | {"username": "um", "token": "t"}, "security"),
        (OVERHEARD | {"username": "um", "password": "p", "auth": "plain"}, "security"),
        (LOGIN | {"password": None, "token": None}, "password"),
        (LOGIN | {"username": None, "password": "p"}, "username"),
        (LOGIN | {"username": None, "token": "t"}, "username"),
        (LOGIN | {"password": "p", "token": "t"}, "token"),
        (LOGIN | {"password": "p", "auth": "xoauth2"}, "auth"),
        (LOGIN | {"token": "t", "auth": "cram-md5"}, "auth"),
        ({"host": "127.0.0.1", "username": None, "auth": "plain"}, "auth"),
        ({"host": None, "folder": Path("out"), "token": "t", "username": "um"}, None),
    ],
)
def test_a_relay_on_unsafe_terms_is_a_fault(values: dict[str, object], key: str | None) -> None:
    found = [place for place, _ in relay_agrees(values)]
    assert found == ([key] if key else ["username", "token"])


@pytest.mark.parametrize(
    "values",
    [
        {"host": "postfix", "security": "none", "insecure": True},
        {"host": "mail.example.org", "security": "tls", "ca_file": Path(__file__)},
        OVERHEARD | {"username": "um", "password": "p", "auth": "cram-md5"},
        OVERHEARD | {"username": "um", "password": "p"},
        LOGIN | {"password": "p", "auth": "login"},
        LOGIN | {"token": "t", "auth": "oauthbearer"},
        LOGIN | {"token": "t"},
    ],
)
def test_what_an_operator_says_in_as_many_words_is_allowed(values: dict[str, object]) -> None:
    assert list(relay_agrees(values)) == []


# From the settings to the way out.

TERMS = """
order = 2
weight = 3
connections = 4
messages_per_second = 2.5
messages_per_connection = 50
connection_seconds = 60
"""


def _loaded(path: Path, environ: dict[str, str] | None = None) -> Settings:
    return load(path, environ or {})


@pytest.mark.parametrize("way_out", ['host = "127.0.0.1"\nsecurity = "none"', 'folder = "outbox"'])
def test_the_terms_reach_the_transport(write: Callable[..., Path], way_out: str) -> None:
    path = write(('host = "127.0.0.1"\nsecurity = "none"', f"{way_out}{TERMS}"))
    (transport,) = transports(_loaded(path))
    found = (transport.order, transport.weight, transport.messages_per_second)
    assert found == (2, 3, 2.5)


def test_without_terms_there_is_one_relay_of_the_first_order_and_no_limit(
    write: Callable[..., Path],
) -> None:
    (transport,) = transports(_loaded(write()))
    found = (transport.order, transport.weight, transport.messages_per_second)
    assert found == (1, 1, 0)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("order = 0", "relay.0.order: 0 is not a whole number of at least 1; write order = 1"),
        ("weight = 0", "a whole number from 1 to 1000; write weight = 1"),
        ("messages_per_second = -1", "a number from 0 to 100000; write messages_per_second = 0"),
        ("messages_per_second = nan", "a number from 0 to 100000; write messages_per_second = 0"),
        ("connection_seconds = 0.5", "a number from 1 to 86400; write connection_seconds = 300"),
        ("messages_per_connection = 0", "at least 1; write messages_per_connection = 1000"),
        ('auth = "gssapi"', "is not one of auto, plain, login, cram-md5, xoauth2, oauthbearer"),
        ('token = ""', "relay.0.token: is empty"),
        ("token = 7", "is a number, not a text or a file's name; write token = { file = \"keys/"),
        ("token = { path = 'x' }", "relay.0.token: is a table without a file"),
    ],
)
def test_a_term_out_of_bounds_is_told(write: Callable[..., Path], term: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        _loaded(write(('host = "127.0.0.1"', f'host = "127.0.0.1"\n{term}')))
    (only,) = caught.value.faults
    assert words in only


def _token_of(settings: Settings) -> Token:
    token = settings.relay[0].token
    assert token is not None
    return token


def _with_token(write: Callable[..., Path], token: str) -> Path:
    return write(('host = "127.0.0.1"', f'host = "127.0.0.1"\nusername = "um"\ntoken = {token}'))


def test_a_token_in_a_file_is_read_anew_each_time(write: Callable[..., Path]) -> None:
    path = _with_token(write, '{ file = "token" }')
    token = _token_of(_loaded(path))  # the tool that fetches it need not have run yet
    place = path.parent / "token"
    place.touch(0o600)
    for written in ("first\n", "second"):
        place.write_text(written)
        assert token.fresh() == written.strip()


@pytest.mark.parametrize("environ", [False, True])
def test_a_token_may_be_a_text(write: Callable[..., Path], environ: bool) -> None:
    if environ:
        path = write(('host = "127.0.0.1"', 'host = "127.0.0.1"\nusername = "um"'))
        settings = _loaded(path, {"MAILER_RELAY__0__TOKEN": "hush-hush"})
    else:
        settings = _loaded(_with_token(write, '"hush-hush"'))
    assert _token_of(settings).fresh() == "hush-hush"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o600, "cannot be read (no such file or directory)"),
        ("", 0o600, "is empty"),
        ("one\ntwo\n", 0o600, "holds 2 lines"),
        ("one\n", 0o644, "is open to everybody on this machine"),
    ],
)
def test_a_token_that_is_not_there_is_told_with_its_cure(
    write: Callable[..., Path], content: str | None, mode: int, words: str
) -> None:
    path = _with_token(write, '{ file = "token" }')
    if content is not None:
        (path.parent / "token").write_text(content)
        (path.parent / "token").chmod(mode)
    (transport,) = transports(_loaded(path))
    with pytest.raises(RelayMissing) as caught:
        asyncio.run(transport.connect())
    assert "Relay relay cannot be used without its token: " in caught.value.what
    assert words in caught.value.what
    assert str(path.parent / "token") in str(caught.value)
    assert caught.value.cure
