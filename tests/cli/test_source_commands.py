"""Sources as an operator meets them: listed, polled, tried out, and their releases approved and explained."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.feeds import feed_page, item
from support.web_source import WebSource, page

from mailer.cli.main import cli

SOURCES = """
[[source]]
key = "feed"
newsroom = "um"
url = "{url}"
allow_private = true
approval = "two"

[[source]]
key = "drop"
newsroom = "um"
folder = "releases"
"""


class Desk:
    """An operator of a press office with a feed and a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(self.folder / "config.toml"), *words])

    def said(self, *words: str, code: int = 0) -> str:
        done = self.run(*words)
        assert done.exit_code == code, done.output
        return done.stdout

    def answer(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said(*words, "--json", code=code))
        return found


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        made.pages["/feed"] = feed_page([item(1, at=datetime.now(UTC))])
        yield made


@pytest.fixture
def desk(tmp_path: Path, migrated_sqlite: Path, server: WebSource) -> Desk:
    made = Desk(tmp_path)
    made.said(
        "init", str(tmp_path), "--newsroom", "um", "--name", "Udenrigsministeriet", "--language", "da",
        "--sender", "presse@um.example", "--base-url", "https://presse.um.example",
    )  # fmt: skip
    shutil.copyfile(migrated_sqlite, tmp_path / "mailer.sqlite")
    (tmp_path / "releases").mkdir()
    config = tmp_path / "config.toml"
    config.write_text(config.read_text() + SOURCES.format(url=server.url()))
    return made


def test_a_release_from_its_source_to_its_second_word(desk: Desk, server: WebSource) -> None:
    assert "new " in desk.said("source", "list")
    first = desk.answer("source", "poll", "feed")["polled"][0]
    assert (first["outcome"], first["counts"]) == ("read", {"kept": 1})
    server.pages["/feed"] = feed_page([item(2, at=datetime.now(UTC))])
    assert "1 held" in desk.said("source", "poll", "feed")
    listed = desk.answer("source", "list")["sources"]
    assert [one["state"] for one in listed] == ["well", "new"]
    assert listed[0]["releases"] == {"published": 1, "held": 1}
    assert "waits for the word of another operator" in desk.said("release", "approve", "2")
    why = desk.answer("release", "show", "2", "--why")
    assert [one["action"] for one in why["decisions"]] == ["hold", "hold"]
    assert why["names"][0].startswith("web:um.example")
    words = desk.said("release", "show", "2", "--why")
    assert "=> approval: waits for the word of two operators" in words
    assert "known as web:um.example?p=2" in words
    assert desk.answer("release", "hold", "2", "--reason", "not yet")["hold_reason"] == "not yet"
    assert "public already" not in desk.said("release", "hold", "1", code=2)
    assert "is published already" in desk.said("release", "approve", "1")
    desk.said("release", "approve", "9", code=2)


def test_trying_out_changes_nothing_and_says_why(desk: Desk, server: WebSource) -> None:
    server.pages["/feed"] = feed_page([item(2, at=None), item(1, at=datetime.now(UTC))])
    seen = desk.answer("source", "check", server.url(), code=1)
    assert "this machine itself" in seen["fault"]
    known = desk.answer("source", "check", "feed")
    assert known["first_look"]
    assert [one["action"] for one in known["documents"]] == ["keep", "keep"]
    desk.said("source", "poll", "feed")
    server.pages["/feed"] = feed_page([item(3, at=None), item(4, at=datetime.now(UTC)), item(1)])
    known = desk.answer("source", "check", "feed")
    assert [one["action"] for one in known["documents"]] == ["hold", "hold", "known"]
    assert "whether it is news nobody can tell" in desk.said("source", "check", "feed", "--why")
    file = desk.folder / "statement.md"
    file.write_text("---\ntitle: Nye regler\n---\n\nMinisteren siger noget.\n")
    found = desk.answer("source", "check", str(file))
    assert [(one["title"], one["action"]) for one in found["documents"]] == [("Nye regler", "send")]
    assert "mailed: it goes out unless its text changes" in desk.said("source", "check", str(file))
    assert len(desk.answer("release", "list")["releases"]) == 2


def test_a_source_that_fails_is_told_with_its_cure(desk: Desk, server: WebSource) -> None:
    server.pages["/feed"] = page(status=503)
    done = desk.run("source", "poll", "feed")
    assert done.exit_code == 1
    assert "503" in done.output
    assert "-> " in done.output
    assert "feed fails since" in desk.said("source", "list")
    (failing,) = desk.answer("status")["sources"]
    assert (failing["source"], failing["newsroom"], failing["failures"]) == ("feed", "um", 1)
    assert failing["next_at"] > failing["failing_since"]
    words = desk.said("status")
    assert "source feed fails since" in words
    assert "1 time(s): " in words
    assert "answered 503 Service Unavailable; next look " in words
    assert "  -> its server has a fault" in words
    assert json.loads(desk.run("verify", "--json").stdout)["ok"]
    server.pages["/feed"] = feed_page([item(1, at=datetime.now(UTC))])
    desk.said("source", "poll", "feed")
    assert desk.answer("status")["sources"] == []
    server.pages["/feed"] = page(status=503)
    assert desk.run("source", "poll", "other").exit_code == 2
    assert "drop: read" in desk.said("source", "poll"), "the other's time has come"
    assert "No source's time has come." in desk.said("source", "poll")


def test_dispatch_polls_and_an_idle_tick_knows_of_sources(desk: Desk, server: WebSource) -> None:
    desk.said("dispatch")
    assert len(server.asked("/feed")) == 1
    assert {one["state"] for one in desk.answer("source", "list")["sources"]} == {"well"}
    desk.said("dispatch")
    desk.said("dispatch", "--only", "poll")
    assert len(server.asked("/feed")) == 1, "its time has not come"
    config = desk.folder / "config.toml"
    config.write_text(config.read_text().replace('key = "feed"', 'key = "another"'))
    desk.said("dispatch", "--only", "publish")
    assert len(server.asked("/feed")) == 1
    desk.said("dispatch", "--only", "poll")
    assert len(server.asked("/feed")) == 2, "a source that is new is polled at once"


def test_an_address_is_added_as_a_file_is(desk: Desk, server: WebSource) -> None:
    now = datetime.now(UTC)
    server.pages["/feed"] = feed_page([item(2, at=now), item(1, at=now)])
    several = desk.run("release", "add", server.url())
    assert several.exit_code == 2
    assert "holds 2 releases:" in several.stderr
    assert f"  2  {now:%Y-%m-%d}  da  {item(1).title}" in several.stderr
    assert "-> say which with --item NUMBER, once for each" in several.stderr
    chosen = ("release", "add", server.url(), "--item", "2")
    assert f"Would be added: {item(1).title}  (um)" in desk.said(*chosen, "--dry-run")
    would = desk.answer(*chosen, "--dry-run")
    assert (would["dry_run"], would["releases"][0]["id"]) == (True, None)
    assert desk.answer("release", "list")["releases"] == []
    assert desk.answer(*chosen)["title"] == item(1).title
    assert "Is here already, as release 1" in desk.said(*chosen, "--dry-run")
    assert desk.answer("source", "poll", "feed")["polled"][0]["counts"] == {"kept": 1, "known": 1}
    gone = desk.run("release", "add", server.url("/gone"))
    assert (gone.exit_code, gone.stdout) == (2, "")
    assert "answered 404" in gone.stderr
    assert "-> check the address" in gone.stderr
    assert desk.run("release", "add", server.url(), "--item", "0").exit_code == 2


def test_what_a_source_brings_becomes_the_correction(desk: Desk, server: WebSource) -> None:
    config = desk.folder / "config.toml"
    config.write_text(config.read_text().replace('approval = "two"', 'approval = "hold"'))
    now = datetime.now(UTC)
    first, second = item(2, at=now), item(3, at=now, title=f"Rettelse: {item(2).title}")
    server.pages["/feed"] = feed_page([item(1, at=now)])
    desk.said("source", "poll", "feed")
    server.pages["/feed"] = feed_page([first])
    desk.said("source", "poll", "feed")
    desk.said("release", "approve", "2")
    desk.said("dispatch", "--only", "publish")
    server.pages["/feed"] = feed_page([second, first])
    desk.said("source", "poll", "feed")
    words = desk.said("release", "show", "3", "--why")
    assert f"It is probably about release 2, {first.title}" in words
    assert "-> mailer release correct 2 --from 3 --note TEXT" in words
    assert desk.answer("release", "show", "3", "--why")["corrects"]["id"] == 2

    both = desk.run("release", "correct", "2", "-", "--from", "3", "--note", "Tallet.")
    assert both.exit_code == 2
    assert "Say either the FILE with the corrected text, or --from HELD." in both.output
    assert desk.run("release", "correct", "2", "--note", "Tallet.").exit_code == 2
    done = desk.said("release", "correct", "2", "--from", "3", "--note", "Tallet.")
    assert f"Release 2 is corrected: {first.title}" in done
    assert "Release 3 became the correction of release 2." in done
    again = desk.run("release", "correct", "2", "--from", "3", "--note", "Tallet.")
    assert again.exit_code == 2
    assert "Release 3 became the correction of release 2 already\n  -> see mailer" in again.stderr

    third = item(4, at=now, title=f"Tilbagetrukket: {first.title}")
    server.pages["/feed"] = feed_page([third, second, first])
    desk.said("source", "poll", "feed")
    withdraw = ("release", "withdraw", "2", "--from", "4", "--reason", "Fejl.")
    assert "say --yes" in desk.run(*withdraw).output
    done = desk.said(*withdraw, "--yes")
    assert "Release 4 became the withdrawal of release 2." in done
    assert {one["state"] for one in desk.answer("release", "list")["releases"]} == {
        "published", "withdrawn",
    }  # fmt: skip
