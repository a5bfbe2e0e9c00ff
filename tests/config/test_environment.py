"""The environment wins over the file, key by key, and its faults name the variable."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from mailer.config import load
from mailer.config.environment import FromEnvironment, parse_value
from mailer.config.read import settle
from mailer.core.errors import ConfigFault

Write = Callable[..., Path]

ALL_FROM_ENVIRONMENT = {
    "MAILER_SITE__BASE_URL": "https://press.example.org",
    "MAILER_KEYS__TOKENS": '["token-key-0123456789"]',
    "MAILER_KEYS__RETURNS": '["returns-key-0123456789"]',
    "MAILER_KEYS__SUPPRESSION": "suppression-key-0123456789",
    "MAILER_RELAY__0__FOLDER": "outbox",
    "MAILER_NEWSROOM__UM__NAME": "Udenrigsministeriet",
    "MAILER_NEWSROOM__UM__LANGUAGES": '["da"]',
    "MAILER_NEWSROOM__UM__TIME_ZONE": "Europe/Copenhagen",
    "MAILER_NEWSROOM__UM__SENDER": "presse@um.example",
}


def test_any_key_can_come_from_the_environment(write: Write) -> None:
    found = load(
        write(),
        {
            "MAILER_DATABASE__URL": "postgresql://mailer:hush@db.example/mailer",
            "MAILER_NEWSROOM__UM__SENDER": "desk@um.example",
            "MAILER_NEWSROOM__UM__ISSUERS": '["Folketinget", "Slottet"]',
            "MAILER_RELAY__0__CONNECTIONS": "3",
            "MAILER_DISPATCH__POLL_SECONDS": "2.5",
            "MAILER_LOG__FORMAT": "json",
        },
    )

    assert found.database.url.reveal() == "postgresql://mailer:hush@db.example/mailer"
    newsroom = found.newsrooms()["um"]
    assert (newsroom.sender, newsroom.issuers) == ("desk@um.example", ("Folketinget", "Slottet"))
    assert found.relay[0].connections == 3
    assert found.dispatch.poll_seconds == 2.5
    assert found.log.format == "json"
    assert type(newsroom.sender) is str


def test_the_environment_may_say_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = load(None, ALL_FROM_ENVIRONMENT)

    assert found.relay[0].folder == tmp_path / "outbox"
    assert list(found.newsrooms()) == ["um"]


def test_without_any_setting_the_missing_file_is_the_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigFault, match="mailer init"):
        load(None, {"MAILER_PORT": "tcp://10.0.0.1:80"})


def test_mailer_config_names_the_file(write: Write) -> None:
    assert load(None, {"MAILER_CONFIG": str(write())}).web.port == 8080


def test_a_relay_beyond_the_last_is_added_in_counting_order(write: Write) -> None:
    environ = {f"MAILER_RELAY__{number}__HOST": "127.0.0.1" for number in range(1, 12)}
    environ |= {f"MAILER_RELAY__{number}__NAME": f"r{number}" for number in range(12)}

    names = [relay.name for relay in load(write(), environ).relay]

    assert names == [f"r{number}" for number in range(12)]


def test_a_hyphen_in_a_newsroom_is_an_underscore_in_a_variable(write: Write) -> None:
    path = write(("[newsroom.um]", "[newsroom.um-en]"))

    newsrooms = load(path, {"MAILER_NEWSROOM__UM_EN__POSTAL": "Asiatisk Plads 2"}).newsrooms()

    assert newsrooms["um-en"].postal == "Asiatisk Plads 2"


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("MAILER_WEB__PORT", "eighty", "web.port (from MAILER_WEB__PORT): “eighty” is not"),
        ("MAILER_WEB__PORT", "1\nhost = 'x'", "web.port (from MAILER_WEB__PORT): "),
        ("MAILER_WEB__PROT", "80", "web.prot (from MAILER_WEB__PROT): is not a known key"),
        ("MAILER_WEB__PORT__X", "80", "web.port (from MAILER_WEB__PORT__X): a table is not"),
        ("MAILER_WEB__", "80", "MAILER_WEB__: names no setting; "),
        ("MAILER_DATABASE_URL", "x", "write it with two underscores, MAILER_DATABASE__URL"),
        ("MAILER_RELAY__7__HOST", "x", "the next one is MAILER_RELAY__1__"),
        ("MAILER_RELAY__MAIN__HOST", "x", "MAILER_RELAY__MAIN__HOST: names no relay"),
        ("MAILER_NEWSROOM__UM__KINDS", "news", "from MAILER_NEWSROOM__UM__KINDS): cannot be read"),
        (
            "MAILER_NEWSROOM__KEFM__NAME",
            "KEFM",
            "newsroom.kefm.sender (from MAILER_NEWSROOM__KEFM__NAME): is missing",
        ),
        ("MAILER_KEYS__TOKENS", "hush-hush-hush-hush", "keys.tokens (from MAILER_KEYS__TOKENS): "),
    ],
)
def test_a_fault_names_its_variable(write: Write, variable: str, text: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        load(write(), {variable: text})

    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


def test_names_that_containers_set_are_none_of_ours(write: Write) -> None:
    environ = {
        "MAILER_PORT": "tcp://10.0.0.1:80",
        "MAILER_SERVICE_HOST": "10.0.0.1",
        "MAILER_PORT_80_TCP_ADDR": "10.0.0.1",
        "OTHER__WEB__PORT": "x",
    }

    assert load(write(), environ) == load(write(), {})


@given(strategies.lists(strategies.text(strategies.characters(exclude_categories=["Cs"]))))
@settings(max_examples=40)
def test_lists_written_as_json_are_read_back(texts: list[str]) -> None:
    found = parse_value(json.dumps(texts), otherwise=None)

    assert found == texts
    assert all(isinstance(text, FromEnvironment) for text in found)


_NAMES = strategies.from_regex(
    r"MAILER_(SITE|WEB|RELAY|NEWSROOM|KEYS|X)(_{1,3}[A-Z0-9]{0,4}){0,4}", fullmatch=True
)
_TEXTS = strategies.text(max_size=8) | strategies.sampled_from(
    ["{}", "[]", "[{}]", "{file = 'x'}", "1"]
)


@given(strategies.dictionaries(_NAMES, _TEXTS, max_size=6))
@settings(max_examples=40)
def test_no_environment_whatever_breaks_the_reading(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigFault):
        settle({}, environ, folder=Path("/nowhere"), where="a test")
