"""Settings are read whole or refused whole, with every fault named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.config import Settings, load
from mailer.core.errors import ConfigFault
from mailer.core.newsroom import Site

Write = Callable[..., Path]


def faults(path: Path | None, environ: dict[str, str] | None = None) -> dict[str, str]:
    """The faults by the place they name."""
    with pytest.raises(ConfigFault) as caught:
        load(path, environ or {})
    return dict(fault.split(": ", 1) for fault in caught.value.faults)


def test_good_settings_become_the_values_of_the_core(write: Write) -> None:
    settings = load(write(), {})

    newsroom = settings.newsrooms()["um"]
    assert (newsroom.key, newsroom.name, newsroom.language) == ("um", "Udenrigsministeriet", "da")
    assert (newsroom.reply_to, newsroom.envelope_base) == (None, "presse@um.example")
    assert settings.site_value() == Site("https://press.example.org")
    assert settings.relay[0].service_port == 25
    assert settings.dispatch.lease_seconds == 60


def test_every_fault_is_told_at_once(write: Write) -> None:
    path = write(
        ("https://press.example.org", "http://press.example.org/"),
        ('["token-key-0123456789"]', '["short"]'),
        ('suppression = "', 'supression = "'),
        ("127.0.0.1", "mail.example.org"),
        ("Europe/Copenhagen", "Europe/Copenhagn"),
        ('sender = "presse@um.example"', 'accent = "blue"'),
        more='[web]\nport = "eighty"\n',
    )

    found = faults(path, {"MAILER_LOG__LEVEL": "loud"})

    assert set(found) == {
        "site.base_url",
        "keys.tokens.0",
        "keys.supression",
        "keys.suppression",
        "relay.0.security",
        "newsroom.um.time_zone",
        "newsroom.um.sender",
        "newsroom.um.accent",
        "web.port",
        "log.level (from MAILER_LOG__LEVEL)",
    }
    assert all("; " in words for words in found.values()), "each fault brings its cure"
    assert found["site.base_url"].endswith("write https://press.example.org")
    assert "did you mean suppression?" in found["keys.supression"]
    assert "did you mean Europe/Copenhagen?" in found["newsroom.um.time_zone"]
    assert found["newsroom.um.sender"] == 'is missing; write sender = "press@example.org"'
    assert "whole number from 0 to 65535; write port = 8080" in found["web.port"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("https://press.example.org", "press.example.org", "site.base_url"),
        ("https://press.example.org", "https://press.example.org/?a=1", "site.base_url"),
        ("https://press.example.org", "https://me:secret@press.example.org", "site.base_url"),
        ("https://press.example.org", "https://press.example.org:http", "site.base_url"),
        ("https://press.example.org", "ftp://press.example.org", "site.base_url"),
        ("[newsroom.um]", "[newsroom.confirm]", "newsroom.confirm"),
        ("[newsroom.um]", "[newsroom.UM]", "newsroom.UM"),
        ("[newsroom.um]", "[newsroom.9um]", "newsroom.9um"),
        ("[newsroom.um]", "[newsroom]", "newsroom"),
        ("[[relay]]", "[relay]", "relay"),
        ('["da", "en"]', "[]", "newsroom.um.languages"),
        ('["da", "en"]', '"da"', "newsroom.um.languages"),
        ('["da", "en"]', '["da", "danish"]', "newsroom.um.languages.1"),
        ('["da", "en"]', '["da", "DA"]', "newsroom.um.languages"),
        ("Europe/Copenhagen", "Europe", "newsroom.um.time_zone"),
        ("Europe/Copenhagen", "../etc/passwd", "newsroom.um.time_zone"),
        ("presse@um.example", "presse", "newsroom.um.sender"),
        ("presse@um.example", "Presse <presse@um.example>", "newsroom.um.sender"),
        ("presse@um.example", "presse@um.example\\r\\nBcc: x@y.example", "newsroom.um.sender"),
        ("presse@um.example", "presse@sm\u00f8r.example", "newsroom.um.sender"),
        ("presse@um.example", f"{'p' * 35}@um.example", "newsroom.um.sender"),
        ("Udenrigsministeriet", "Uden\\u202erigs", "newsroom.um.name"),
        ("Udenrigsministeriet", " ", "newsroom.um.name"),
        ('host = "127.0.0.1"', "", "relay.0"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nfolder = "out"', "relay.0"),
        ('host = "127.0.0.1"', 'folder = "out"\nport = 25', "relay.0.port"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1:25"', "relay.0.host"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nport = true', "relay.0.port"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nusername = "me"', "relay.0.password"),
        ('security = "none"', 'security = "ssl"', "relay.0.security"),
        ("returns-key-0123456789", "token-key-0123456789", "keys.returns"),
        (
            '["token-key-0123456789"]',
            '["token-key-0123456789", "token-key-0123456789"]',
            "keys.tokens",
        ),
        ('"suppression-key-0123456789"', "7", "keys.suppression"),
        ('"suppression-key-0123456789"', '{ file = "gone" }', "keys.suppression"),
        ('"suppression-key-0123456789"', '{ path = "gone" }', "keys.suppression"),
    ],
)
def test_each_kind_of_fault_names_its_place_and_a_cure(
    write: Write, old: str, new: str, place: str
) -> None:
    found = faults(write((old, new)))

    assert list(found) == [place]
    assert "; " in found[place]
    assert "secret@" not in found[place]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("[database]\nurl = 'mysql://u:hush-hush@h/n'", "database.url"),
        ("[database]\nurl = 'sqlite://'", "database.url"),
        ("[dispatch]\npoll_seconds = 0", "dispatch.poll_seconds"),
        ("[dispatch]\npoll_seconds = nan", "dispatch.poll_seconds"),
        ("[dispatch]\nlease_seconds = 1.5", "dispatch.lease_seconds"),
        ("[dispatch]\nlease_seconds = 2020-01-01", "dispatch.lease_seconds"),
        ("[templates]\nfolder = 'gone'", "templates.folder"),
        ("[state]\nfolder = ''", "state.folder"),
        ("[weather]\nrain = true", "weather"),
        ("[[relay]]\nhost = 'mail.example.org'", "relay"),
        ("[[relay]]\nname = 'socket'\nhost = 'unix:/run/relay'", "relay.1.security"),
    ],
)
def test_optional_sections_are_checked_alike(write: Write, more: str, place: str) -> None:
    found = faults(write(more=more))

    assert list(found) == [place]
    assert "hush-hush" not in found[place]


def test_a_fault_in_the_toml_names_file_and_line(write: Write) -> None:
    path = write(("[keys]", "[keys"))

    with pytest.raises(ConfigFault, match=r"config\.toml:4: "):
        load(path, {})


def test_a_toml_that_breaks_off_names_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[site]\nbase_url = [")

    with pytest.raises(ConfigFault, match=r"config\.toml:2: "):
        load(path, {})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe[site]")

    with pytest.raises(ConfigFault, match="not UTF-8"):
        load(path, {})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="mailer init"):
        load(tmp_path / "config.toml", {"MAILER_WEB__PORT": "1"})


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="cannot be read"):
        load(tmp_path, {})


def test_relative_places_count_from_the_settings_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(('host = "127.0.0.1"', 'folder = "outbox"'))
    monkeypatch.chdir(tmp_path.parent)

    settings = load(Path(tmp_path.name) / "config.toml", {})

    assert settings.relay[0].folder == tmp_path / "outbox"
    assert settings.state.folder == tmp_path / "state"
    assert settings.database.url.reveal() == f"sqlite:///{tmp_path}/mailer.sqlite"


def test_an_absolute_database_stays_where_it_is(write: Write) -> None:
    settings = load(write(more="[database]\nurl = 'sqlite:////srv/press.sqlite'"), {})

    assert settings.database.url.reveal() == "sqlite:////srv/press.sqlite"


def test_ports_follow_the_security_unless_given(write: Write) -> None:
    more = "\n".join(
        f"[[relay]]\nname = '{name}'\nhost = 'mail.example.org'\n{extra}"
        for name, extra in (
            ("a", ""),
            ("b", "security = 'tls'"),
            ("c", "security = 'tls'\nport = 2465"),
        )
    )

    settings: Settings = load(write(more=more), {})

    assert [relay.service_port for relay in settings.relay] == [25, 587, 465, 2465]
