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
