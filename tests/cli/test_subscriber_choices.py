"""`mailer subscriber change`, `everything` and `erase`, in this process, with real settings and database."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

ANNA = "anna@example.org"


class Desk:
    """An operator at a press office whose newsroom offers topics and has one reader."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, given: str | None = None) -> Result:
        """Run `mailer subscriber WORDS`."""
        command = ["--config", str(self.folder / "config.toml"), "subscriber", *words]
        return CliRunner().invoke(cli, command, input=given)

    def told(self, *words: str) -> dict[str, Any]:
        """What it answers with `--json`, if all went well."""
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def dump(self) -> str:
        """The whole database as text."""
        database = sqlite3.connect(self.folder / "mailer.sqlite")
        text = "\n".join(database.iterdump())
        database.close()
        return text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A press office as `mailer init` makes it, with topics and one imported reader."""
    folder = tmp_path / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--language", "en"]
    assert CliRunner().invoke(cli, ["init", str(folder), *words]).exit_code == 0
    config = folder / "config.toml"
    topics = '\n[newsroom.um.topics]\nclimate = { da = "Klima" }\ntrade = { da = "Handel" }\n'
    text = re.sub("time_zone = .*", 'time_zone = "Europe/Copenhagen"', config.read_text())
    config.write_text(text + topics)
    found = Desk(folder)
    assert found.run("import", "-", "--evidence", "sheets", given=f"{ANNA}\n").exit_code == 0
    return found


def test_changing_says_what_changed_and_keeps_the_rest(desk: Desk) -> None:
    first = desk.told("change", ANNA, "--topic", "trade", "--pause-until", "2099-12-24")
    assert first["changed"] == ["topics", "paused_until"]
    assert (first["topics"], first["languages"]) == (["trade"], ["da"])
    assert first["paused_until"] == "2099-12-23T23:00:00+00:00"
    second = desk.told("change", ANNA, "--language", "en", "--language", "da", "--resume")
    assert second["changed"] == ["languages", "paused_until"]
    assert (second["topics"], second["languages"]) == (["trade"], ["en", "da"])
    assert desk.run("change", ANNA, "--resume").stdout == "It was so already\n"
    assert "Changed for anna@example.org at um: topics" in (
        desk.run("change", ANNA, "--all-topics").stdout
    )
    assert desk.told("show", ANNA)["subscriptions"][0]["languages"] == ["en", "da"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("change", "nobody@example.org", "--resume"), "no active subscription"),
        (("change", ANNA, "--newsroom", "tax"), "There is no newsroom “tax”"),
        (("change", ANNA, "--topic", "sport"), "does not offer the topic “sport”"),
        (("change", ANNA, "--language", "fr"), "does not offer the language “fr”"),
        (("change", ANNA, "--frequency", "daily"), "daily"),
        (("change", ANNA, "--pause-until", "soon"), "as a day, such as 2031-12-24"),
        (("change", ANNA, "--pause-until", "2001-01-01"), "takes a later day"),
        (("change", ANNA, "--topic", "trade", "--all-topics"), "not both"),
        (("change", ANNA, "--pause-until", "2099-01-01", "--resume"), "not both"),
        (("everything", "nobody@example.org"), "hash alone"),
        (("erase", "nobody@example.org", "--yes"), "hash alone"),
        (("erase", ANNA), "say --yes"),
        (("erase", "nonsense", "--yes"), "not an e-mail address"),
    ],
)
def test_wrong_usage_is_named_and_changes_nothing(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    before = desk.dump()
    done = desk.run(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert desk.dump() == before


def test_everything_is_written_as_one_document(desk: Desk) -> None:
    plain = json.loads(desk.run("everything", ANNA).stdout)
    assert plain["subscriber"]["mailbox"] == ANNA
    assert plain["consent"][0]["act"] == "imported"
    told = desk.told("everything", ANNA)
    assert {**told, "made_at": ""} == {**plain, "made_at": ""}


def test_erasing_leaves_nothing_but_the_hash(desk: Desk) -> None:
    assert "anna" in desk.dump()
    assert desk.told("erase", ANNA, "--yes") == {"address": ANNA, "erased": True}
    assert "anna" not in desk.dump()
    again = desk.run("import", "-", "--evidence", "sheets", given=f"{ANNA}\n")
    assert again.exit_code == 1
    assert "was erased on request" in again.stderr
