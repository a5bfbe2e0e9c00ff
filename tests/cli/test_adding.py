"""`release add` as an operator meets it: what was stored, what was refused, and the exit code."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

ITEM = (
    "<item><title>Release {n}</title><link>https://a.example/{n}</link>"
    "<description><![CDATA[<p>One.</p><p>Two.</p>]]></description></item>"
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with one newsroom, made by `mailer init`."""
    office = tmp_path_factory.mktemp("adding") / "office"
    done = CliRunner().invoke(cli, ["init", str(office), "--newsroom", "um", "--name", "Um"])
    assert done.exit_code == 0, done.output
    return office


@pytest.fixture
def folder(tmp_path: Path, fresh: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(fresh, tmp_path / "office"))


def add(folder: Path, *words: str, given: bytes | None = None) -> Result:
    config = str(folder / "config.toml")
    return CliRunner().invoke(cli, ["--config", config, "release", "add", *words], input=given)


def feed(*items: str) -> bytes:
    return f"<rss><channel>{''.join(items)}</channel></rss>".encode()


def test_a_feed_of_one_answers_as_any_document_does(folder: Path) -> None:
    done = add(folder, "-", "--json", given=feed(ITEM.format(n=1)))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["title"] == "Release 1"


def test_a_feed_of_several_adds_each_and_names_what_it_refuses(folder: Path) -> None:
    file = folder / "feed.xml"
    file.write_bytes(feed(ITEM.format(n=1), "<item><title></title></item>", ITEM.format(n=3)))
    done = add(folder, str(file), "--json")
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert [one["title"] for one in told["releases"]] == ["Release 1", "Release 3"]
    assert told["refusals"][0]["what"] == "it has no title"
    assert "item 2 (nameless): it has no title\n  -> give it one at its source" in done.stderr
    again = add(folder, str(file))
    assert "Release 1 was here already" in again.stdout


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (feed("<item><title>T</title></item>"), "nothing in it can become a release"),
        (feed(), "it holds no release"),
        (b'{"error": "Gone"}', "answered with an error: Gone"),
        (b"<html><head><title>404</title></head></html>", "it is no release"),
        (b"Just a line", "neither a newsroom page nor Markdown"),
    ],
)
def test_what_holds_no_release_is_said_to(folder: Path, payload: bytes, says: str) -> None:
    done = add(folder, "-", given=payload)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "->" in done.stderr
    assert done.stdout == ""


def test_a_translation_and_a_file_come_with_a_release(folder: Path) -> None:
    for name, title in (("da.md", "Dansk"), ("en.md", "English")):
        (folder / name).write_text(f"# {title}\n\nText.\n", "utf-8")
    (folder / "tal.csv").write_bytes(b"a;b\n")
    (folder / "bigger.exe").write_bytes(b"MZ")
    first = add(folder, str(folder / "da.md"), "--language", "da", "--json")
    number = str(json.loads(first.stdout)["id"])
    files = ("--attach", str(folder / "tal.csv"), "--attach", str(folder / "bigger.exe"))
    done = add(folder, str(folder / "en.md"), "--language", "en", "--translates", number, *files)
    assert done.exit_code == 0, done.output
    assert f"Release {number} has a new edition: Dansk" in done.stdout
    assert "bigger.exe is linked, not attached: mail programs distrust" in done.stderr
    config = str(folder / "config.toml")
    shown = CliRunner().invoke(cli, ["--config", config, "release", "show", number, "--json"])
    told = json.loads(shown.stdout)["languages"]
    assert [(one["language"], one["title"]) for one in told] == [("da", "Dansk"), ("en", "English")]
    text = CliRunner().invoke(cli, ["--config", config, "release", "show", number]).stdout
    assert "da, en" in " ".join(text.split())
    wrong = add(folder, str(folder / "da.md"), "--language", "da", "--translates", number)
    assert wrong.exit_code == 2
    assert "language of release 1 itself" in wrong.output
