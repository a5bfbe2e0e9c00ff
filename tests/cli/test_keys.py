"""`mailer keys dkim` makes a key that signs once the settings name it, and a record that verifies it."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.mails import MARKS, NEWSROOM, TOKENS, due, release
from support.signatures import verdicts

from mailer.cli.main import cli
from mailer.config import load
from mailer.mail.compose import Composer
from mailer.wiring import open_office

SETTINGS = """
[site]
base_url = "https://press.example.org"
[keys]
tokens = ["token-key-0123456789"]
returns = ["returns-key-0123456789"]
suppression = "suppression-key-0123456789"
[[relay]]
host = "127.0.0.1"
security = "none"
[newsroom.um]
name = "Udenrigsministeriet"
languages = ["da", "en"]
time_zone = "Europe/Copenhagen"
sender = "presse@um.example"
[log]
level = "error"
"""
KEFM = """
[newsroom.kefm]
name = "Climate Ministry"
languages = ["en"]
time_zone = "Europe/Copenhagen"
sender = "press@kefm.example"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a press office with one newsroom."""
    path = tmp_path / "config.toml"
    path.touch(0o600)
    path.write_text(SETTINGS)
    return path


def keys(config: Path, *words: str) -> Result:
    """Run `mailer keys dkim` in this process."""
    return CliRunner().invoke(cli, ["--config", str(config), "keys", "dkim", *words])


def made(config: Path, *words: str) -> dict[str, Any]:
    """What `mailer keys dkim --json` says it made."""
    done = keys(config, *words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def in_zone_file(text: str) -> dict[str, str]:
    """The records of a zone file, their strings joined."""
    found = re.findall(r'^(\S+)\. IN TXT \(\n((?: +".*"\n)+)\)', text, re.MULTILINE)
    return {name: "".join(re.findall(r'"(.*)"', strings)) for name, strings in found}


def sent(config: Path, sqlite_url: str) -> bytes:
    """A message as an office with these settings sends it."""
    settings = load(config, {"MAILER_DATABASE__URL": sqlite_url})
    with open_office(settings) as office:
        return (
            Composer(TOKENS, MARKS, signers=office.keys.signers).compose(release(), due()).content
        )


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_what_it_prints_is_all_that_signing_and_verifying_need(
    config: Path, sqlite_url: str, algorithm: str
) -> None:
    assert verdicts(sent(config, sqlite_url)) == []

    done = keys(config, "--algorithm", algorithm)
    assert done.exit_code == 0, done.output
    section = done.stdout[done.stdout.index("[[newsroom.um.dkim]]") :]
    config.write_text(config.read_text() + section)

    records = in_zone_file(done.stdout)
    assert verdicts(sent(config, sqlite_url), records) == [True]
    (record,) = records.values()
    assert f"\n{record}\n" in done.stdout, "in one line too"


def test_two_keys_sign_side_by_side(config: Path, sqlite_url: str) -> None:
    records = {}
    for words in (["--selector", "s1"], ["--selector", "s2", "--algorithm", "ed25519"]):
        found = made(config, *words)
        records[found["name"]] = found["record"]
        config.write_text(config.read_text() + found["settings"])

    assert verdicts(sent(config, sqlite_url), records) == [True, True]


def test_a_program_gets_every_part(config: Path) -> None:
    found = made(config, "--selector", "s1")

    file = config.parent / "keys" / "dkim-um.example-s1.pem"
    assert found == {
        "newsroom": "um",
        "algorithm": "rsa",
        "domain": NEWSROOM.domain,
        "selector": "s1",
        "key": str(file),
        "name": "s1._domainkey.um.example",
        "record": "".join(found["strings"]),
        "strings": found["strings"],
        "settings": '[[newsroom.um.dkim]]\nselector = "s1"\n'
        'key = { file = "keys/dkim-um.example-s1.pem" }\n',
    }
    assert [len(piece) <= 255 for piece in found["strings"]] == [True, True]


def test_a_selector_tells_algorithm_and_month(config: Path) -> None:
    assert re.fullmatch(r"rsa-20\d{4}", made(config)["selector"])
    assert re.fullmatch(r"ed25519-20\d{4}", made(config, "--algorithm", "ed25519")["selector"])


def test_the_key_is_its_owner_s_alone_and_nobody_is_shown_it(config: Path) -> None:
    done = keys(config)

    (file,) = (config.parent / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    for line in file.read_text().splitlines():
        assert line not in done.output


def test_a_key_is_never_overwritten(config: Path) -> None:
    file = Path(made(config, "--selector", "s1")["key"])
    before = file.read_bytes()

    done = keys(config, "--selector", "s1")

    assert done.exit_code == 2
    assert f"There is a key already: {file}" in done.stderr
    assert done.stdout == ""
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_name_that_is_published_is_not_taken_again(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text() + made(config, "--selector", "s1")["settings"])

    done = keys(config, "--selector", "s1", "--out", str(tmp_path / "elsewhere"))

    assert done.exit_code == 2
    assert "s1._domainkey.um.example is in use" in done.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_the_key_may_go_elsewhere(config: Path, sqlite_url: str, tmp_path: Path) -> None:
    other = tmp_path.parent / f"{tmp_path.name}-keys"

    found = made(config, "--out", str(other))

    assert f'file = "{other.resolve()}/dkim-um.example-' in found["settings"]
    config.write_text(config.read_text() + found["settings"])
    assert verdicts(sent(config, sqlite_url), {found["name"]: found["record"]}) == [True]


def test_of_several_newsrooms_one_is_named(config: Path) -> None:
    config.write_text(config.read_text() + KEFM)

    done = keys(config)

    assert done.exit_code == 2
    assert "--newsroom: kefm, um" in done.stderr
    assert made(config, "--newsroom", "kefm")["domain"] == "kefm.example"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--newsroom", "weather"], "There is no newsroom “weather”"),
        (["--selector", "S 1"], "selector: “S 1” is not a selector"),
        (["--selector", "../s1"], "is not a selector"),
        (["--algorithm", "dsa"], "'dsa' is not one of 'rsa', 'ed25519'"),
        (["--out", "/dev/null/keys"], "cannot be written"),
    ],
)
def test_a_wrong_wish_is_named_and_nothing_is_made(
    config: Path, words: list[str], said: str
) -> None:
    done = keys(config, *words)

    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert not (config.parent / "keys").exists()


def test_a_sender_without_a_domain_gets_no_key(config: Path) -> None:
    config.write_text(config.read_text().replace("presse@um.example", "presse@localhost"))

    done = keys(config)

    assert done.exit_code == 2
    assert "set sender of newsroom.um" in done.stderr
