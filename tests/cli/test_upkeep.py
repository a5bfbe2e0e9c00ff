"""`mailer upkeep` and the page of evidence as an operator meets them, with real settings and database."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from mailer.cli import proven
from mailer.cli.main import cli
from mailer.core import delivery
from mailer.core.consent import Act
from mailer.core.delivery import NOTICES, DeliveryState


class Office:
    """An operator at a command line, and the database beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, given: str | None = None) -> Result:
        """Run `mailer WORDS`."""
        command = ["--config", str(self.folder / "config.toml"), *words]
        return CliRunner().invoke(cli, command, input=given)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database, or change it."""
        engine = create_engine(f"sqlite:///{self.folder / 'mailer.sqlite'}")
        with engine.begin() as connection:
            done = connection.execute(text(statement))
            rows = [tuple(row) for row in done] if done.returns_rows else []
        engine.dispose()
        return rows

    def import_(self, address: str) -> None:
        """Make one reader active."""
        words = ("subscriber", "import", "-", "--evidence", "sheets")
        assert self.run(*words, given=f"email\n{address}\n").exit_code == 0


@pytest.fixture(scope="session")
def founded_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office as `mailer init` makes it, to be copied."""
    folder = tmp_path_factory.mktemp("upkeep") / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--time-zone", "Asia/Tokyo"]
    done = CliRunner().invoke(cli, ["init", str(folder), *words])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def office(founded_office: Path, tmp_path: Path) -> Office:
    """An operator at a press office of their own."""
    shutil.copytree(founded_office, tmp_path / "office")
    return Office(tmp_path / "office")


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")


def test_a_dry_run_tells_what_goes_and_changes_nothing(office: Office) -> None:
    office.import_("anna@example.org")
    office.sql(f"UPDATE consent SET ip = '192.0.2.1', user_agent = 'x', at = '{ago(31)}'")

    dry = office.run("upkeep", "--dry-run")
    told = json.loads(office.run("upkeep", "--dry-run", "--json").stdout)

    assert dry.exit_code == 0
    assert "Would go" in dry.stdout
    assert "30 d" in dry.stdout
    assert told["dry_run"] is True
    assert told["gone"] == {
        "ip": 1, "user_agent": 1, "pending": 0, "replies": 0, "ended": 0, "audit": 0
    }  # fmt: skip
    assert office.sql("SELECT ip, user_agent FROM consent") == [("192.0.2.1", "x")]

    done = json.loads(office.run("upkeep", "--json").stdout)

    assert done == {"dry_run": False, "gone": told["gone"]}
    assert office.sql("SELECT ip, user_agent FROM consent") == [(None, None)]
    assert set(json.loads(office.run("upkeep", "--json").stdout)["gone"].values()) == {0}


def test_a_pass_of_upkeep_does_it_when_its_time_has_come(office: Office) -> None:
    office.import_("anna@example.org")
    office.sql(f"UPDATE consent SET ip = '192.0.2.1', at = '{ago(31)}'")
    office.sql(f"UPDATE timer SET next_at = '{ago(1)}'")

    assert office.run("dispatch", "--only", "upkeep").exit_code == 0

    assert office.sql("SELECT ip FROM consent") == [(None,)]
    ((next_at,),) = office.sql("SELECT next_at FROM timer")
    assert str(next_at) > ago(0)


def test_verify_tells_the_same_after_somebody_was_forgotten(office: Office) -> None:
    office.import_("anna@example.org")
    office.run("subscriber", "end", "anna@example.org", "--reason", "Asked by phone")
    office.sql(f"UPDATE subscription SET ended_at = '{ago(731)}'")

    gone = json.loads(office.run("upkeep", "--json").stdout)["gone"]

    assert gone["ended"] == 1
    assert office.run("verify").exit_code == 0
    assert office.run("subscriber", "show", "anna@example.org").exit_code == 2


def test_the_evidence_is_one_page_in_plain_words(office: Office) -> None:
    office.run("subscriber", "add", "Anna@example.org")
    office.run("subscriber", "end", "anna@example.org", "--reason", "Asked by phone")
    ((at,),) = office.sql("SELECT at FROM consent WHERE act = 'asked'")
    ((wording,),) = office.sql("SELECT text FROM wording")
    moment = datetime.fromisoformat(str(at)).replace(tzinfo=UTC)

    page = office.run("subscriber", "show", "anna@example.org", "--evidence").stdout
    full = office.run("subscriber", "show", "anna@example.org", "--evidence", "--texts").stdout

    tokyo = moment + timedelta(hours=9)
    shown = "%Y-%m-%d %H:%M:%S"
    assert f"{moment:{shown}} UTC ({tokyo:{shown}} JST)  asked to subscribe at um" in page
    order = [
        "asked to subscribe",
        "mail 1 was owed by um: a link to confirm",
        "was ended by an operator",
    ]
    assert [page.index(words) for words in order] == sorted(page.index(words) for words in order)
    assert "Asked by phone (" in page
    assert "message-id  <1." in page
    assert str(wording) not in page
    assert str(wording) in full


def test_everything_that_can_stand_there_has_words_of_its_own() -> None:
    assert set(proven.CONSENTS) == set(Act)
    assert set(proven.MAILS) == set(NOTICES)
    assert set(proven.ANSWERS) >= set(delivery.Result)
    assert set(proven.ANSWERS) == (set(delivery.Result) | set(DeliveryState)) - {DeliveryState.DUE}


def test_the_evidence_is_one_object(office: Office) -> None:
    office.run("subscriber", "add", "Anna@example.org")

    words = ("subscriber", "show", "anna@example.org", "--evidence", "--json")
    told = json.loads(office.run(*words).stdout)

    asked, mail = told["evidence"]
    assert (asked["kind"], asked["what"], asked["address"]) == (
        "consent", "asked", "Anna@example.org"
    )  # fmt: skip
    assert asked["at"].endswith("+00:00")
    assert asked["local"].endswith("+09:00")
    assert "pressemeddelelser" in told["texts"][asked["wording"]]
    assert (mail["kind"], mail["what"], len(mail["message_ids"])) == ("mail", "confirm", 1)
