"""`mailer digest`, and what `status`, `subscriber show` and `subscriber change` say of digests."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.desk import UNKNOWN
from support.digesting import choose, dispatched, publish_now, readers, send, with_digests
from support.offices import Clock, make_office
from support.workers import record, take

from mailer.cli.main import cli
from mailer.config import load
from mailer.core.errors import NotAllowed, NotFound
from mailer.services import digest_desk, proof
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.wiring import open_office

ANNA = "reader0@example.org"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office whose digest is due."""
    office = with_digests(make_office(sqlite_database, clock))
    readers(office, 1)
    choose(office, ANNA, frequency="daily")
    publish_now(office, "Nyt")
    return office


def opened(office: Office, clock: Clock) -> int:
    clock.move(days=1)
    send(office)
    return digest_desk.overview(office).mailings[0].mailing


def test_digests_are_paused_resumed_and_listed(office: Office, clock: Clock) -> None:
    send(office)
    waits = digest_desk.overview(office)
    assert (waits.waiting.copies, waits.mailings) == (1, ())
    number = opened(office, clock)
    done = digest_desk.pause(office, number, who="desk", reason="a wrong figure")
    assert (done.reached.state, done.reached.changed, done.calm) == ("held", True, True)
    assert "a wrong figure" in (done.reached.hold_reason or "")
    assert dispatched(office) == []
    assert not digest_desk.pause(office, number, who="desk").reached.changed
    assert digest_desk.resume(office, number, who="desk").reached.state == "open"
    assert dispatched(office) == [(ANNA, ("Nyt",))]
    with pytest.raises(NotAllowed, match="finished"):
        digest_desk.pause(office, number, who="desk")


def test_cancelled_digests_never_come_again(office: Office, clock: Clock) -> None:
    number = opened(office, clock)
    done = digest_desk.cancel(office, number, who="desk")
    assert done.reached.states == {"cancelled": 1}
    clock.move(days=9)
    assert dispatched(office) == []
    assert proof.verify(office).ok


def test_what_was_not_sent_can_be_made_anew(office: Office, clock: Clock) -> None:
    number = opened(office, clock)
    assert digest_desk.cancel(office, number, who="desk", anew=True).reached.state == "cancelled"
    assert dispatched(office) == []
    clock.move(days=1)
    assert dispatched(office) == [(ANNA, ("Nyt",))]
    assert proof.verify(office).ok


def test_the_status_names_digests_that_nobody_knows_of(run: Any, tmp_path: Path) -> None:
    run("subscriber", "change", "anna@example.org", "--frequency", "daily")
    document = tmp_path / "release.md"
    document.write_text("---\nlanguage: en\n---\n# Talks\n\nThey begin on Monday.\n")
    run("release", "add", str(document))
    run("release", "send", "1")
    run("dispatch")
    with open_office(load(tmp_path / "config.toml", {})) as today:
        office = replace(today, clock=Clock(today.clock() + timedelta(days=1)))
        send(office)
        with office.database.write() as connection:
            connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")
        record(office, take(office), UNKNOWN)
    assert "digests of mailing 2: 1 unknown -> mailer settle --mailing 2" in run("status")
    assert "anna@example.org" in run("settle", "--mailing", "2")
    assert "Mailing 2: 1 settled as refused" in run("settle", "--mailing", "2", "--as", "refused")


@pytest.mark.parametrize("number", [1, 4711])
def test_other_mailings_are_none_of_its_business(office: Office, number: int) -> None:
    """The first is the release's own."""
    for act in (digest_desk.pause, digest_desk.cancel, digest_desk.resume):
        with pytest.raises(NotFound, match="of digests"):
            act(office, number, who="desk")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run commands at a fresh office that offers digests."""
    config = str(tmp_path / "config.toml")

    def command(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["--config", config, *arguments])
        assert result.exit_code == code, result.output
        return result.output

    command(
        "init", str(tmp_path), "--newsroom", "um", "--name", "Ministry", "--language", "en",
        "--sender", "press@um.example", "--base-url", "https://press.um.example",
    )  # fmt: skip
    settings = Path(config).read_text()
    start = settings.index("[newsroom.um]")
    offers = 'frequencies = ["at_once", "daily", "weekly"]\n'
    head = settings.index("\n", start) + 1
    Path(config).write_text(settings[:head] + offers + settings[head:])
    people = tmp_path / "people.csv"
    people.write_text("anna@example.org\n")
    command("subscriber", "import", str(people), "--evidence", "sheets")
    return command


def test_an_operator_chooses_for_a_reader_and_sees_what_waits(run: Any, tmp_path: Path) -> None:
    changed = json.loads(
        run(
            "subscriber", "change", "anna@example.org", "--frequency", "weekly", "--hour", "17",
            "--weekday", "friday", "--urgent-in-digest", "--merged", "--json",
        )
    )  # fmt: skip
    assert changed["changed"] == ["frequency", "hour", "weekday", "urgent_at_once", "merged"]
    assert (changed["hour"], changed["weekday"]) == (17, 4)
    assert "24" in run("subscriber", "change", "anna@example.org", "--hour", "24", code=2)
    document = tmp_path / "release.md"
    document.write_text("---\nlanguage: en\n---\n# Talks\n\nThey begin on Monday.\n")
    run("release", "add", str(document))
    run("release", "send", "1")
    run("dispatch")
    shown = json.loads(run("subscriber", "show", "anna@example.org", "--json"))
    (waits,) = shown["waiting"]
    assert (waits["release_id"], waits["title"]) == (1, "Talks")
    assert "Talks" in run("subscriber", "show", "anna@example.org")
    assert "Waiting for digests: 1, the next until" in run("status")
    assert "Waiting for digests: 1" in run("digest", "list")
    assert "release 1 in digests: 1 waiting" in run("verify")
    assert json.loads(run("status", "--json"))["digests"]["copies"] == 1
    told = json.loads(run("verify", "--json"))
    assert told["releases"][0]["digests"] == {"waiting": 1}
    assert "say --yes" in run("digest", "cancel", "1", code=2)
