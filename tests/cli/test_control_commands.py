"""Stopping, retrying and settling as an operator meets them: real settings, a real database, exit codes."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.desk import DEFERRED, REFUSED, UNKNOWN, came_of
from support.workers import give_back, record, take

from mailer.cli.main import cli
from mailer.config import load
from mailer.services.office import Office
from mailer.store import health, outcomes
from mailer.store.health import RelayHealth
from mailer.store.lease import Lease
from mailer.wiring import open_office

RELEASE = "---\ntitle: Nye regler\nlanguage: da\n{more}---\n\nMinisteren siger noget.\n"


@dataclass(frozen=True)
class Desk:
    """An operator at the command line of a press office with four readers."""

    folder: Path

    def run(self, *words: str, given: str | None = None) -> Result:
        """Run `mailer WORDS`."""
        config = str(self.folder / "config.toml")
        return CliRunner().invoke(cli, ["--config", config, *words], input=given)

    def said(self, *words: str, code: int = 0) -> str:
        """What people are told, if it ends with that code."""
        done = self.run(*words)
        assert done.exit_code == code, done.output
        return done.output

    def told(self, *words: str) -> dict[str, Any]:
        """What programs are told, if all went well."""
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def add(self, *, more: str = "") -> None:
        """Add a release."""
        self.said_of(self.run("release", "add", "-", given=RELEASE.format(more=more)))

    def publish(self, *words: str) -> None:
        """Add a release and publish it."""
        self.add()
        self.said("release", "send", "1", *words)
        self.said("dispatch", "--only", "publish", code=75)

    @staticmethod
    def said_of(done: Result) -> str:
        """What it said, if all went well."""
        assert done.exit_code == 0, done.output
        return done.output

    def office(self) -> Any:
        """The office behind it, for a dispatcher of the test's own."""
        return open_office(load(self.folder / "config.toml", {}))


@pytest.fixture(scope="session")
def four_readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office as `mailer init` makes it, with four readers, to be copied."""
    folder = tmp_path_factory.mktemp("control") / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--relay", "outbox"]
    made = CliRunner().invoke(cli, ["init", str(folder), *words])
    assert made.exit_code == 0, made.output
    people = "".join(f"reader{number}@example.org\n" for number in range(4))
    done = Desk(folder).run(
        "subscriber", "import", "-", "--evidence", "sheets", given=f"email\n{people}"
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def desk(four_readers: Path, tmp_path: Path) -> Desk:
    """An operator at a press office of their own."""
    shutil.copytree(four_readers, tmp_path / "office")
    return Desk(tmp_path / "office")


def deliver(office: Office, fates: Sequence[Any]) -> None:
    """Have the first deliveries come to these ends, and give back the rest."""
    for due, fate in zip(take(office, len(fates)), fates, strict=True):
        if fate == "expired":
            with office.database.write() as connection:
                now = office.clock()
                told = [came_of(due, DEFERRED, office, expired=True)]
                outcomes.record(connection, Lease("one", now, now), told)
        else:
            record(office, [due], fate)
    give_back(office)


def test_a_mailing_is_paused_resumed_and_cancelled(desk: Desk) -> None:
    desk.publish()
    paused = desk.said("release", "pause", "1", "--reason", "a wrong figure")
    assert "Release 1 is paused: 0 of 4 settled, none in hand" in paused
    assert "a wrong figure" in paused
    assert "paused already" in desk.said("release", "pause", "1")
    assert "is held: 0 of 4 settled (0 %)" in desk.said("status")
    assert desk.told("dispatch")["accepted"] == 0
    assert "goes on: 0 of 4" in desk.said("release", "resume", "1")
    said = desk.said("release", "cancel", "1", "--yes")
    assert "Release 1 is cancelled: 4 cancelled; none in hand" in said
    (one,) = desk.told("release", "cancel", "1", "--yes")["mailings"]
    assert (one["state"], one["states"], one["changed"]) == ("cancelled", {"cancelled": 4}, False)
    assert "was cancelled" in desk.said("release", "resume", "1", code=2)
    assert "Everything adds up." in desk.said("verify")


def test_letters_in_hand_end_with_75_and_say_whose(desk: Desk) -> None:
    desk.publish()
    with desk.office() as office:
        take(office, 3, "post1-4711")
    said = desk.said("release", "pause", "1", code=75)
    assert "0 of 4 settled, 3 in hand" in said
    assert "post1-4711 still holds letters of it, by leases that end at " in said
    assert "`mailer dispatch`" in said


def test_cancelling_asks_for_a_word_first(desk: Desk) -> None:
    desk.publish()
    assert "--yes" in desk.said("release", "cancel", "1", code=2)
    assert desk.told("status")["open"][0]["state"] == "open"


def test_what_is_not_public_yet_is_held_instead(desk: Desk) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    desk.add(more=f"publish_at: {later}\n")
    desk.said("release", "send", "1")
    said = desk.said("release", "pause", "1")
    assert said.startswith("Release 1 is held: ")
    assert "nothing of it goes out" in said
    assert "already (paused by " in desk.said("release", "cancel", "1", "--yes")
    assert "`mailer release send 1`" in desk.said("release", "resume", "1", code=2)


def test_an_urgent_release_is_urgent_under_way_too(desk: Desk) -> None:
    desk.publish()
    assert not desk.told("status")["open"][0]["urgent"]
    assert desk.told("release", "send", "1", "--urgent")["urgent"]
    assert desk.told("status")["open"][0]["urgent"]
    assert "release 1 (urgent) is open" in desk.said("status")


def test_what_was_given_up_is_retried_when_it_is_named(desk: Desk) -> None:
    desk.publish()
    with desk.office() as office:
        deliver(office, [DEFERRED, REFUSED, "expired", "expired"])
    status = desk.said("status")
    assert "1 deferred, 1 refused, 2 expired" in status
    assert "release 1: 2 expired -> mailer retry 1 --expired" in status
    assert "1 would be due now." in desk.said("retry", "--dry-run")
    assert "1 due now." in desk.said("retry")
    assert desk.said("retry") == "Nothing is to be tried again.\n"
    assert desk.told("retry", "1", "--expired", "--refused") == {
        "total": 3,
        "notices": 0,
        "dry_run": False,
        "mailings": [
            {
                "mailing": 1,
                "release": 1,
                "title": "Nye regler",
                "newsroom": "um",
                "state": "open",
                "counts": {"refused": 1, "expired": 2},
            }
        ],
    }
    desk.said("release", "pause", "1")
    desk.said("retry", "1", "--unknown")
    assert desk.said("release", "resume", "1")
    assert desk.told("dispatch")["accepted"] == 4
    assert desk.told("verify")["ok"]


def test_a_held_mailing_is_named_when_its_deliveries_are_made_due(desk: Desk) -> None:
    desk.publish()
    with desk.office() as office:
        deliver(office, [REFUSED])
    desk.said("release", "pause", "1", code=0)
    assert "release 1 is held: mailer release resume 1" in desk.said("retry", "--refused")


def test_what_is_unknown_is_listed_and_settled(desk: Desk) -> None:
    desk.publish()
    with desk.office() as office, office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")
    with desk.office() as office:
        deliver(office, [UNKNOWN, UNKNOWN])
    assert "release 1: 2 unknown -> mailer settle 1" in desk.said("status")
    listing = desk.said("settle", "1")
    everything = desk.said("settle")
    assert re.search(r"^ *1 +1 +um +first +2 +Nye regler$", everything, re.MULTILINE), everything
    assert desk.told("settle")["mailings"][0]["unknown"] == 2
    of_mailing = desk.said("settle", "--mailing", "1")
    assert "mailer settle --mailing 1 --as accepted|refused|resend" in of_mailing
    assert "not both" in desk.said("settle", "1", "--mailing", "1", code=2)
    assert "Say whose" in desk.said("settle", "--as", "refused", code=2)
    assert "no mailing 7" in desk.said("settle", "--mailing", "7", code=2)
    assert "reader0@example.org" in listing
    assert "mailer settle 1 --as accepted|refused|resend" in listing
    found = desk.told("settle", "1")["unknown"]
    assert [one["delivery"] for one in found] == [1, 2]
    assert found[0]["message_id"] in listing
    assert "--as" in desk.said("settle", "1", "--delivery", "1", code=2)
    words = ("--as", "accepted", "--note", "in the log")
    assert "1 settled as accepted" in desk.said("settle", "1", "--delivery", "1", *words)
    assert "1 settled as due now" in desk.said("settle", "1", "--as", "resend")
    assert desk.said("settle", "1") == "Nothing of release 1 is unknown.\n"
    assert desk.said("settle", "--mailing", "1") == "Nothing of mailing 1 is unknown.\n"
    assert desk.said("settle") == "Nothing is unknown.\n"
    assert "no delivery 9" in desk.said("settle", "1", "--delivery", "9", *words, code=2)
    assert desk.told("dispatch")["accepted"] == 3
    assert desk.told("verify")["ok"]


def test_the_status_names_relays_that_fail_and_how_fast_it_goes(desk: Desk) -> None:
    desk.publish()
    with desk.office() as office:
        deliver(office, [REFUSED, REFUSED])
        now = office.clock()
        with office.database.write() as connection:
            begun = [RelayHealth("main", "post1", now, "nobody answers", now)]
            health.note(connection, begun)
    said = desk.said("status")
    assert "relay main fails on post1 since " in said
    assert ": nobody answers" in said
    assert "2 of 4 settled (50 %), " in said
    assert " to go" in said
    (one,) = desk.told("status")["open"]
    assert one["rate"] > 0
    assert one["seconds_left"] > 0
