"""Correcting, withdrawing and embargoes as an operator meets them: settings, database and exit codes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

RELEASE = "---\ntitle: Nye regler\nlanguage: da\n---\n\nMødet er på {day}.\n"


@dataclass(frozen=True)
class Operator:
    """An operator at the command line of a press office with two readers, in Copenhagen."""

    folder: Path

    def run(self, *words: str, given: str | None = None) -> Result:
        """Run `mailer WORDS`."""
        config = str(self.folder / "config.toml")
        return CliRunner().invoke(cli, ["--config", config, *words], input=given)

    def said(self, *words: str, code: int = 0, given: str | None = None) -> str:
        """What people are told, if it ends with that code."""
        done = self.run(*words, given=given)
        assert done.exit_code == code, done.output
        return done.output

    def told(self, *words: str) -> dict[str, Any]:
        """What programs are told, if all went well."""
        found: dict[str, Any] = json.loads(self.run(*words, "--json").stdout)
        return found

    def add(self, day: str = "mandag") -> None:
        """Add a release."""
        self.said("release", "add", "-", given=RELEASE.format(day=day))


@pytest.fixture(scope="session")
def two_readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office as `mailer init` makes it, to be copied."""
    folder = tmp_path_factory.mktemp("desk") / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--relay", "outbox"]
    made = CliRunner().invoke(cli, ["init", str(folder), *words])
    assert made.exit_code == 0, made.output
    config = folder / "config.toml"
    lines = config.read_text().splitlines()
    zone = 'time_zone = "Europe/Copenhagen"'
    config.write_text("\n".join(zone if one.startswith("time_zone") else one for one in lines))
    people = "email\nlise@avisen.example\nreader@example.org\n"
    Operator(folder).said("subscriber", "import", "-", "--evidence", "sheets", given=people)
    return folder


@pytest.fixture
def operator(two_readers: Path, tmp_path: Path) -> Operator:
    """An operator at a press office of their own."""
    shutil.copytree(two_readers, tmp_path / "office")
    return Operator(tmp_path / "office")


def test_a_release_is_corrected_and_withdrawn(operator: Operator) -> None:
    operator.add()
    operator.said("release", "send", "1")
    operator.said("dispatch")
    correct = ("release", "correct", "1", "-", "--note", "Forkert dag.")
    corrected = operator.said(*correct, given=RELEASE.format(day="tirsdag"))
    assert "Release 1 is corrected: Nye regler\n2 who hold it are being told." in corrected
    again = operator.said(*correct, given=RELEASE.format(day="tirsdag"), code=2)
    assert "says the same already" in again
    assert "the file is empty" in operator.said(*correct, given="\n", code=2)
    foreign = operator.said(
        *correct, "--language", "en", given=RELEASE.format(day="onsdag"), code=2
    )
    assert "has no text in “en”" in foreign
    assert "accepted 2" in operator.said("dispatch")

    assert "say --yes" in operator.said("release", "withdraw", "1", code=2)
    operator.said("release", "withdraw", "1", "--reason", "Aflyst.", "--yes")
    assert "withdrawn before" in operator.said("release", "withdraw", "1", "--yes", code=2)
    assert "accepted 2" in operator.said("dispatch")

    shown = operator.said("release", "show", "1")
    assert "Forkert dag." in shown
    changes = operator.told("release", "show", "1")["changes"]
    assert [one["kind"] for one in changes] == ["correction", "withdrawal"]
    proof = operator.told("verify")
    assert proof["ok"]
    assert [one["kind"] for one in proof["releases"]] == ["first", "correction", "withdrawal"]


def test_files_go_along_with_a_correction(operator: Operator) -> None:
    table = operator.folder / "tal.csv"
    table.write_text("a;b\n")
    operator.said("release", "add", "-", "--attach", str(table), given=RELEASE.format(day="mandag"))
    correct = ("release", "correct", "1", "-", "--note", "Forkert dag.")
    operator.said(*correct, given=RELEASE.format(day="tirsdag"))
    (file,) = operator.told("release", "show", "1")["edition"]["files"]
    table.write_text("a;c\n")
    operator.said(*correct, "--attach", str(table), given=RELEASE.format(day="tirsdag"))
    (other,) = operator.told("release", "show", "1")["edition"]["files"]
    assert (file["name"], other["name"]) == ("tal.csv", "tal.csv")
    assert file["url"] != other["url"]
    unknown = operator.said(
        *correct, "--without", "x.csv", given=RELEASE.format(day="onsdag"), code=2
    )
    assert "no attached file x.csv" in unknown
    assert "it has tal.csv" in unknown
    operator.said(*correct, "--without", "tal.csv", given=RELEASE.format(day="onsdag"))
    assert operator.told("release", "show", "1")["edition"]["files"] == []


def test_an_embargo_from_end_to_end(operator: Operator) -> None:
    operator.add()
    embargo = ("release", "embargo", "1")
    assert "Say one of" in operator.said(*embargo, code=2)
    assert "comes twice" in operator.said(*embargo, "--until", "2055-10-31 02:30", code=2)
    assert "no time zone 'Mars'" in operator.said(
        *embargo, "--until", "x", "--zone", "Mars", code=2
    )
    assert "in the future" in operator.said(*embargo, "--until", "2020-01-01 10:00", code=2)
    operator.said(*embargo, "--until", "2055-12-01 10:00")
    operator.said(
        "subscriber",
        "accredit",
        "lise@avisen.example",
        "--outlet",
        "Avisen",
        "--until",
        "2055-12-31",
    )
    assert "does not subscribe" in operator.said(
        "subscriber", "accredit", "x@example.org", "--outlet", "A", "--until", "2055-12-31", code=2
    )
    (one,) = operator.told("subscriber", "accredited")["accredited"]
    assert (one["outlet"], one["expires_at"]) == ("Avisen", "2055-12-31T22:59:59+00:00")

    sent = operator.said("release", "send", "1", "--early")
    assert "Early copies go to 1" in sent
    assert "accepted 1" in operator.said("dispatch")
    assert "1 who hold it" in operator.said(*embargo, "--until", "2055-12-02 10:00")
    told = operator.told("release", "send", "1", "--at", "2055-12-03 10:00", "--zone", "UTC")
    assert told["publish_at"] == "2055-12-03T10:00:00+00:00"
    assert told["embargo_until"] == "2055-12-02T09:00:00+00:00"
    assert "Say --early or" in operator.said(
        "release", "send", "1", "--early", "--break-embargo", code=2
    )
    operator.said("release", "send", "1", "--break-embargo")
    assert "taken back" not in operator.said("subscriber", "accredited")
    operator.said("subscriber", "accredit", "lise@avisen.example", "--revoke")
    assert "Nobody is accredited." in operator.said("subscriber", "accredited")
    assert operator.told("verify")["ok"]
