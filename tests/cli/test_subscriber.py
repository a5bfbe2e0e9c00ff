"""`mailer subscriber` as an operator meets it: in this process, with real settings and a real database."""

import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from mailer.cli.main import cli

EVIDENCE = ("--evidence", "Sign-up sheets, press day 2025")


class Desk:
    """An operator at a press office's command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.toml"

    def run(self, *words: str, given: str | bytes | IO[Any] | None = None) -> Result:
        """Run `mailer subscriber WORDS`."""
        command = ["--config", str(self.config), "subscriber", *words]
        return CliRunner().invoke(cli, command, input=given)

    def told(self, *words: str, given: str | bytes | IO[Any] | None = None) -> dict[str, Any]:
        """What it answers with `--json`, if all went well."""
        done = self.run(*words, "--json", given=given)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        engine = create_engine(f"sqlite:///{self.folder / 'mailer.sqlite'}")
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(text(statement))]
        engine.dispose()
        return rows


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office as `mailer init` makes it, to be copied."""
    folder = tmp_path_factory.mktemp("founded") / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--language", "en"]
    done = CliRunner().invoke(cli, ["init", str(folder), *words])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:
    """An operator at a press office of their own."""
    shutil.copytree(founded, tmp_path / "office")
    return Desk(tmp_path / "office")


def lines(*addresses: str) -> str:
    return "".join(f"{address}\n" for address in ("email", *addresses))


def test_adding_says_that_a_confirmation_is_due(desk: Desk) -> None:
    done = desk.run("add", "Anna@Example.org", "--newsroom", "um")

    assert done.exit_code == 0
    assert "A confirmation mail to Anna@example.org is due" in done.stdout
    assert desk.sql("SELECT purpose, state FROM delivery") == [("confirm", "due")]
    assert desk.sql("SELECT act, form FROM consent") == [("asked", "cli")]
    assert "a moment ago" in desk.run("add", "anna@example.org").stdout


def test_adding_answers_in_json(desk: Desk) -> None:
    desk.run("import", "-", *EVIDENCE, given=lines("anna@example.org"))

    assert desk.told("add", "anna@example.org", "--language", "en") == {
        "address": "anna@example.org",
        "newsroom": "um",
        "answer": "already",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "nonsense"), "not an e-mail address"),
        (("add", "a@example.org", "--newsroom", "tax"), "There is no newsroom “tax”"),
        (("add", "a@example.org", "--language", "fr"), "choose one of: da, en"),
        (("show", "a@example.org"), "no subscription"),
        (("end", "a@example.org", "--reason", "x"), "no subscription"),
        (("end", "a@example.org"), "--reason"),
        (("list", "--newsroom", "tax"), "There is no newsroom “tax”"),
        (("list", "--state", "gone"), "gone"),
        (("export", "--newsroom", "tax"), "There is no newsroom “tax”"),
        (("import", "missing.csv", *EVIDENCE), "missing.csv"),
        (("import", "-"), "--evidence"),
        (("import", "-", "--evidence", " "), "needs evidence"),
        (("import", "-", *EVIDENCE, "--refused", "no/such/folder.csv"), "cannot be written"),
    ],
)
def test_wrong_usage_is_named_with_a_cure_and_nothing_is_stored(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    done = desk.run(*words, given=lines("a@example.org"))

    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert desk.sql("SELECT count(*) FROM subscription") == [(0,)]


def test_a_newsroom_must_be_named_where_there_are_several(desk: Desk) -> None:
    settings = desk.config.read_text(encoding="utf-8")
    more = '\n[newsroom.tax]\nname = "Tax"\nlanguages = ["en"]\ntime_zone = "UTC"\n'
    desk.config.write_text(f'{settings}{more}sender = "tax@example.org"\n', encoding="utf-8")

    done = desk.run("add", "anna@example.org")

    assert done.exit_code == 2
    assert "--newsroom: tax, um" in done.stderr


def test_importing_says_what_became_of_every_line(desk: Desk) -> None:
    (desk.folder / "readers.csv").write_bytes(
        b"\xef\xbb\xbfnavn;e-mail;sprog\r\n"
        b'"Jensen; Anna";Anna@Example.org;en\r\n'
        b"Bo;bo@example.org;\r\nBo;BO@example.org;\r\nC;nonsense;\r\n"
    )
    file = str(desk.folder / "readers.csv")

    done = desk.run("import", file, *EVIDENCE)
    again = desk.run("import", file, *EVIDENCE, "--json")

    assert (done.exit_code, again.exit_code) == (1, 1)
    assert "4 lines: 2 imported, 0 already there, 1 repeated, 1 refused" in done.stdout
    assert f"{file}:5: nonsense: " in done.stderr
    assert json.loads(again.stdout) == {
        "read": 4,
        "imported": 0,
        "already": 3,
        "duplicates": 0,
        "refused": 1,
        "interrupted": False,
    }
    assert desk.sql("SELECT count(*) FROM delivery") == [(0,)]
    assert desk.sql("SELECT DISTINCT act, evidence FROM consent") == [("imported", EVIDENCE[1])]


def test_refused_lines_go_to_the_file_named(desk: Desk) -> None:
    refused = desk.folder / "refused.csv"

    done = desk.run(
        "import", "-", *EVIDENCE, "--refused", str(refused), given=lines("a@b.example", '"x,y"')
    )

    assert done.exit_code == 1
    assert done.stderr == ""
    rows = list(csv.DictReader(io.StringIO(refused.read_text(encoding="utf-8"))))
    assert [(row["line"], row["address"]) for row in rows] == [("3", "x,y")]
    assert "@-sign" in rows[0]["reason"]


def test_the_list_itself_is_never_overwritten(desk: Desk) -> None:
    file = desk.folder / "readers.csv"
    file.write_text(lines("anna@example.org"), encoding="utf-8")

    done = desk.run("import", str(file), *EVIDENCE, "--refused", str(desk.folder / "./readers.csv"))

    assert done.exit_code == 2
    assert "is the list itself" in done.stderr
    assert file.read_text(encoding="utf-8") == lines("anna@example.org")


def test_a_file_that_is_no_list_is_refused(desk: Desk) -> None:
    done = desk.run("import", "-", *EVIDENCE, given="name,phone\nAnna,12\n")

    assert done.exit_code == 2
    assert ":1: No column holds addresses" in done.stderr


class Interrupting(io.RawIOBase):
    """A list whose reader presses Ctrl-C in the middle of its third batch."""

    def __init__(self, size: int, at: int) -> None:
        self._lines = (f"reader{number}@example.org\n".encode() for number in range(size))
        self._at = at
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._given == self._at:
            signal.raise_signal(signal.SIGINT)
        self._given += 1
        line = next(self._lines, b"")
        buffer[: len(line)] = line
        return len(line)


def test_ctrl_c_stops_between_batches_and_the_next_run_goes_on(desk: Desk) -> None:
    before = signal.getsignal(signal.SIGINT)

    done = desk.run(
        "import", "-", *EVIDENCE, "--json", given=io.BufferedReader(Interrupting(4000, 2500), 64)
    )

    assert done.exit_code == 130, done.output
    told = json.loads(done.stdout)
    assert (told["imported"], told["interrupted"]) == (3000, True)
    assert desk.sql("SELECT count(*) FROM subscription WHERE state = 'active'") == [(3000,)]
    assert signal.getsignal(signal.SIGINT) is before

    rest = desk.told("import", "-", *EVIDENCE, given=io.BufferedReader(Interrupting(4000, -1), 64))
    assert (rest["imported"], rest["already"], rest["interrupted"]) == (1000, 3000, False)


def test_whoever_watches_sees_a_progress_bar_and_refused_lines(desk: Desk) -> None:
    file = desk.folder / "readers.csv"
    file.write_text(lines("anna@example.org", "nonsense"), encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mailer", "--config", str(desk.config), "subscriber", "import"]

    done = subprocess.run(
        [*command, str(file), *EVIDENCE],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )

    os.close(theirs)
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 1
    assert b"2 lines: 1 imported" in done.stdout
    assert "Importing" in seen
    assert "readers.csv:3: nonsense: " in seen


def test_lists_are_pages_for_people_and_objects_for_programs(desk: Desk) -> None:
    desk.run("import", "-", *EVIDENCE, given=lines("a@b.example", "c@d.example", "e@f.example"))

    page = desk.run("list", "--limit", "2")
    rest = desk.told("list", "--after", "2")

    assert "a@b.example" in page.stdout
    assert "There are more: --after 2" in page.stdout
    assert desk.told("list", "--limit", "2")["next"] == 2
    assert rest["next"] is None
    assert [row["address"] for row in rest["subscriptions"]] == ["e@f.example"]
    assert "No such subscription" in desk.run("list", "--state", "ended").stdout


def test_the_evidence_is_a_page_in_order_of_time(desk: Desk) -> None:
    desk.run("add", "Anna@example.org")
    desk.run("import", "-", *EVIDENCE, given=lines("anna@example.org"))
    desk.run("end", "anna@example.org", "--reason", "Asked by phone")

    page = desk.run("show", "anna@example.org", "--evidence").stdout
    told = desk.told("show", "anna@example.org", "--evidence")

    acts = ("asked to subscribe at um", "was imported by an operator", "was ended by an operator")
    positions = [page.index(words) for words in acts]
    assert positions == sorted(positions)
    assert "pressemeddelelser fra UM" in page
    assert "Sign-up sheets" in page
    assert "Asked by phone (" in page
    consents = [step["what"] for step in told["evidence"] if step["kind"] == "consent"]
    assert consents == ["asked", "imported", "ended"]
    assert "evidence" not in desk.told("show", "anna@example.org")


def test_ending_is_told_and_audited(desk: Desk) -> None:
    desk.run("import", "-", *EVIDENCE, given=lines("anna@example.org"))

    done = desk.run("end", "ANNA@example.org", "--reason", "Asked by phone")

    assert done.stdout == "Ended: ANNA@example.org at um\n"
    assert "Had ended before" in desk.run("end", "anna@example.org", "--reason", "x").stdout
    assert desk.sql("SELECT state, end_reason FROM subscription") == [("ended", "ended")]
    ((who, act, subject, detail),) = desk.sql("SELECT who, act, subject, detail FROM audit")
    assert (act, subject) == ("subscriber end", "subscription:1")
    assert who
    assert "anna" not in detail.lower()


def test_an_export_can_be_imported_elsewhere(desk: Desk, founded: Path, tmp_path: Path) -> None:
    given = "email,language\nAnna@example.org,en\nbo@example.org,\ngone@example.org,\n"
    desk.run("import", "-", *EVIDENCE, given=given)
    desk.run("end", "gone@example.org", "--reason", "x")
    shutil.copytree(founded, tmp_path / "other")
    other = Desk(tmp_path / "other")

    everybody = desk.run("export", "--state", "all")
    moved = other.run("import", "-", *EVIDENCE, given=everybody.stdout_bytes)

    assert everybody.exit_code == 0
    assert everybody.stdout.splitlines()[0] == "email,newsroom,state,language,since"
    assert moved.exit_code == 1
    assert "gone@example.org: The list says that it is ended" in moved.stderr
    found = other.told("list")["subscriptions"]
    assert {row["address"]: row["languages"] for row in found} == {
        "Anna@example.org": ["en"],
        "bo@example.org": ["da"],
    }
    assert "gone" not in desk.run("export").stdout
    names = {row["email"] for row in desk.told("export")["subscriptions"]}
    assert names == {"Anna@example.org", "bo@example.org"}
