"""`mailer init` makes an office that works, once, and leaves nothing half done."""

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.config import founding, load
from mailer.core.errors import NotAllowed
from mailer.store import migrate
from mailer.store.glance import HEAD


def init(folder: Path, *words: str, **environ: str) -> Result:
    """Run `mailer init` in this process."""
    return CliRunner().invoke(cli, ["init", str(folder), *words], env=environ)


def made(folder: Path, *words: str, **environ: str) -> dict[str, Any]:
    """What `mailer init --json` says it made."""
    done = init(folder, *words, "--json", **environ)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_without_a_word_it_makes_an_office_that_works(tmp_path: Path) -> None:
    folder = tmp_path / "office"

    done = init(folder)

    assert done.exit_code == 0
    settings = load(folder / "config.toml", {})
    assert list(settings.newsrooms()) == ["press"]
    assert settings.relay[0].host == "127.0.0.1"
    assert migrate.check(settings.database.url.reveal()) == []
    for path in ("config.toml", "keys/tokens", "keys/returns", "keys/suppression", "mailer.sqlite"):
        assert path in done.stdout
    assert f"mailer --config {folder}/config.toml run" in done.stdout


def test_every_wish_is_in_the_settings(tmp_path: Path) -> None:
    words = [
        "--newsroom",
        "um",
        "--name",
        'Udenrigs"ministeriet"',
        "--language",
        "da",
        "--language",
        "en",
    ]
    words += ["--base-url", "https://presse.example.org/um", "--time-zone", "Europe/Copenhagen"]
    words += ["--relay", "smtp://mail.example.org:2587", "--sender", "presse@um.example"]

    found = made(tmp_path, *words)

    settings = load(tmp_path / "config.toml", {})
    newsroom = settings.newsrooms()["um"]
    assert (newsroom.name, newsroom.languages) == ('Udenrigs"ministeriet"', ("da", "en"))
    assert (newsroom.time_zone, newsroom.sender) == ("Europe/Copenhagen", "presse@um.example")
    assert settings.site.base_url == "https://presse.example.org/um"
    (relay,) = settings.relay
    assert (relay.host, relay.service_port, relay.security) == (
        "mail.example.org",
        2587,
        "starttls",
    )
    assert (found["newsroom"], found["notes"]) == ("um", [])
    assert found["database"] == {"url": f"sqlite:///{tmp_path}/mailer.sqlite", "revision": HEAD}
    assert len(found["next"]) == 3


@pytest.mark.parametrize(
    ("relay", "host", "port", "security"),
    [
        ("smtp://127.0.0.1:25", "127.0.0.1", 25, "none"),
        ("smtp://localhost:0025", "localhost", 25, "none"),
        ("smtp://[::1]:2525", "::1", 2525, "none"),
        ("smtp://mail.example.org", "mail.example.org", 587, "starttls"),
        ("smtp://mail.example.org:465", "mail.example.org", 465, "tls"),
        ("smtps://mail.example.org", "mail.example.org", 465, "tls"),
    ],
)
def test_a_relay_is_as_safe_as_its_address_allows(
    tmp_path: Path, relay: str, host: str, port: int, security: str
) -> None:
    made(tmp_path, "--relay", relay)

    (found,) = load(tmp_path / "config.toml", {}).relay
    assert (found.host, found.service_port, found.security) == (host, port, security)


def test_a_folder_may_stand_for_the_relay(tmp_path: Path) -> None:
    made(tmp_path, "--relay", "outbox")

    (relay,) = load(tmp_path / "config.toml", {}).relay
    assert (relay.host, relay.folder) == (None, tmp_path / "outbox")


def test_the_sender_is_at_home_where_the_pages_are(tmp_path: Path) -> None:
    made(tmp_path, "--base-url", "https://press.example.org:8443")

    assert (
        load(tmp_path / "config.toml", {}).newsrooms()["press"].sender == "press@press.example.org"
    )


def test_what_is_for_trying_out_is_said_to_be(tmp_path: Path) -> None:
    notes = "\n".join(made(tmp_path)["notes"])

    assert "only this machine can open" in notes
    assert "press@localhost" in notes


def test_the_settings_are_the_example_with_other_values(tmp_path: Path) -> None:
    made(tmp_path, "--newsroom", "um")

    text = (tmp_path / "config.toml").read_text("utf-8")
    assert set(tomllib.loads(text)["keys"]) == {"tokens", "returns", "suppression"}
    assert "# signup_mail_interval_minutes = 10" in text
    assert "MAILER_NEWSROOM__UM__SENDER" in text


def test_keys_are_fresh_distinct_and_their_owners_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(tmp_path / name)

    keys = [path.read_bytes() for path in sorted(tmp_path.glob("*/keys/*"))]
    assert len(set(keys)) == len(keys) == 6
    for path in tmp_path.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} is {mode:o}"


def test_what_it_says_holds_no_key(tmp_path: Path) -> None:
    done = init(tmp_path)

    for path in (tmp_path / "keys").iterdir():
        assert path.read_text().strip() not in done.output


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_second_time_it_refuses_and_touches_nothing(tmp_path: Path, words: list[str]) -> None:
    init(tmp_path)
    before = files(tmp_path)

    done = init(tmp_path, *words, "--newsroom", "other")

    assert done.exit_code == 2
    assert str(tmp_path / "config.toml") in done.stderr
    assert done.stdout == ""
    assert files(tmp_path) == before


def test_settings_that_lead_nowhere_are_settings_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "elsewhere.toml")

    assert init(tmp_path).exit_code == 2
    assert not (tmp_path / "elsewhere.toml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--newsroom", "leave"], "newsroom: is a page of the site itself"),
        (["--newsroom", "um]\n[web"], "newsroom: is no key"),
        (["--name", "a\x7fb"], "newsroom.press.name: "),
        (["--sender", "nobody"], "newsroom.press.sender: "),
        (["--language", "danish"], "newsroom.press.languages.0: "),
        (["--time-zone", "Copenhagen"], "newsroom.press.time_zone: "),
        (["--base-url", "http://press.example.org"], "site.base_url: "),
        (["--relay", "smtp://me:hush@mail.example.org"], "MAILER_RELAY__0__PASSWORD"),
        (["--relay", "http://mail.example.org"], "relay: names no relay"),
        (["--relay", "smtp://mail.example.org:smtp"], "relay: its port"),
        (["--relay", ""], "relay.0.folder: "),
    ],
)
def test_a_wrong_wish_is_named_before_anything_is_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    done = init(tmp_path / "office", *words)

    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "hush" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = init(tmp_path / "file" / "office")

    assert done.exit_code == 2
    assert "cannot be written: not a directory" in done.stderr


def test_a_database_that_is_away_leaves_no_settings_and_the_next_run_finishes(
    tmp_path: Path,
) -> None:
    gone = f"sqlite:///{tmp_path}/no/such/folder/mailer.sqlite"

    failed = init(tmp_path, MAILER_DATABASE__URL=gone)

    assert failed.exit_code == 69
    assert sorted(files(tmp_path)) == ["keys/returns", "keys/suppression", "keys/tokens"]
    keys = files(tmp_path)
    found = made(tmp_path)
    assert set(found["keys"].values()) == {"kept"}
    assert files(tmp_path).items() >= keys.items()
    assert load(tmp_path / "config.toml", {})


def test_settings_made_meanwhile_by_somebody_else_stay(tmp_path: Path) -> None:
    wishes = founding.Wishes(
        newsroom="press", name="Press", base_url="http://127.0.0.1", relay="outbox"
    )
    planned = founding.plan(tmp_path, wishes, {})
    (tmp_path / "config.toml").write_text("theirs")

    with pytest.raises(NotAllowed):
        founding.write_settings(planned)

    assert files(tmp_path) == {"config.toml": b"theirs"}


def test_the_process_makes_other_files_as_open_as_before(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        init(tmp_path)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_the_database_is_brought_to_head_and_checked(tmp_path: Path) -> None:
    made(tmp_path)
    office = ["--config", str(tmp_path / "config.toml"), "db"]

    fresh = CliRunner().invoke(cli, [*office, "check"])
    (tmp_path / "mailer.sqlite").unlink()
    empty = CliRunner().invoke(cli, [*office, "check", "--json"])
    upgraded = CliRunner().invoke(cli, [*office, "upgrade", "--json"])
    again = CliRunner().invoke(cli, [*office, "upgrade"])

    assert (fresh.exit_code, fresh.stdout) == (0, "The database is at head\n")
    assert empty.exit_code == 1
    assert json.loads(empty.stdout)["ok"] is False
    assert "mailer db upgrade" in json.loads(empty.stdout)["faults"][0]
    assert json.loads(upgraded.stdout) == {"from": None, "to": HEAD}
    assert again.stdout == f"The database is at head already: revision {HEAD}\n"
